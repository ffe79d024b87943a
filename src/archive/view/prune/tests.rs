use proptest::prelude::*;

use super::*;
use crate::query::arbitrary_tests as arbitrary;
use crate::{Query, Record};

const NOW: &str = "2024-01-02T00:00:00Z";

/// The exact extent of some values of one kind, as a column of them would tell.
fn extent(values: &[Option<Bound>]) -> Extent {
    let there: Vec<&Bound> = values.iter().flatten().collect();
    let least = |order: Ordering| {
        let found = there.iter().copied().reduce(|one, other| {
            if other.compare(one) == Some(order) {
                other
            } else {
                one
            }
        });
        found.cloned()
    };
    Extent {
        bounds: least(Ordering::Less).zip(least(Ordering::Greater)),
        nulls: Some((values.len() - there.len()) as u64),
        values: Some(there.len() as u64),
    }
}

/// The value as a record has it, under the name `a`.
fn json(value: &Option<Bound>) -> String {
    let value = match value {
        None => "null".to_owned(),
        Some(Bound::Text(text)) => serde_json::to_string(text).unwrap(),
        Some(Bound::Integer(value)) => value.to_string(),
        Some(Bound::Double(value)) => number_text(*value),
        Some(Bound::Boolean(value)) => value.to_string(),
        Some(Bound::Time(micros)) => {
            format!(
                "\"{}\"",
                rfc3339(Timestamp::from_microsecond(*micros).unwrap())
            )
        }
    };
    format!("{{\"a\":{value}}}")
}

fn values() -> impl Strategy<Value = Vec<Option<Bound>>> {
    let column =
        |values: BoxedStrategy<Bound>| prop::collection::vec(prop::option::of(values), 1..6);
    let texts =
        prop::sample::select(arbitrary::STRINGS.to_vec()).prop_map(|text| Bound::Text(text.into()));
    // Texts that tell times, in many zones.
    let times = (1_703_900_000_i64..1_704_400_000, -15_i64..15).prop_map(|(second, hours)| {
        let local = Timestamp::from_second(second + hours * 3600)
            .unwrap()
            .strftime("%Y-%m-%dT%H:%M:%S")
            .to_string();
        Bound::Text(format!("{local}{hours:+03}:00").into())
    });
    prop_oneof![
        column(texts.boxed()),
        column(times.boxed()),
        column((-3_i64..3).prop_map(Bound::Integer).boxed()),
        column(any::<i64>().prop_map(Bound::Integer).boxed()),
        column(
            (-8_i32..8)
                .prop_map(|n| Bound::Double(f64::from(n) / 4.0))
                .boxed()
        ),
        column(any::<bool>().prop_map(Bound::Boolean).boxed()),
        column(
            (1_703_900_000_000_000_i64..1_704_400_000_000_000)
                .prop_map(Bound::Time)
                .boxed()
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// The one thing that pruning must never do: rule out a record that matches.
    #[test]
    fn nothing_that_matches_is_ruled_out(values in values(), filter in arbitrary::filter(0)) {
        let query = Query::from(filter).prepare(NOW.parse().unwrap());
        prop_assume!(query.is_ok());
        let query = query.unwrap();
        let a = Path::field(["a"]);
        let told = extent(&values);
        let may = may_match(&query.query().filter.nnf(), &|path| (*path == a).then(|| told.clone()));
        for value in &values {
            let record = Record::from_json("r", &json(value)).unwrap();
            if query.matches(&record) {
                prop_assert!(may, "{:?} matches {}", record.fields(), query.query().filter);
            }
        }
    }
}

#[test]
fn what_lies_outside_of_the_bounds_is_ruled_out() {
    let text = |text: &str| Some(Bound::Text(text.into()));
    let numbers = [Some(Bound::Integer(10)), Some(Bound::Integer(20))];
    let texts = [text("carrier"), text("plane"), None];
    let days = [text("2013-03-05T10:00:00Z"), text("2013-03-20T10:00:00Z")];
    for (values, filter, may) in [
        (&numbers[..], "a = 9.5", false),
        (&numbers, "a = 10.0", true),
        (&numbers, "a = '15'", false),
        (&numbers, "a < 10", true),
        (&numbers, "a < 9", false),
        (&numbers, "a > 20.5", false),
        (&numbers, "a between 21 and 30", false),
        (&numbers, "a in (1, 2, 30)", false),
        (&numbers, "a in (1, 15)", true),
        (&numbers, "a is null", false),
        (&numbers, "a = 5 or a = 15", true),
        (&numbers, "a = 15 and a = 5", false),
        (&numbers, "not (a = 15)", true),
        (&numbers, "b = 5", true),
        (&texts, "a is null", true),
        (&texts, "a starts_with 'car'", true),
        (&texts, "a starts_with 'pz'", false),
        (&texts, "a like 'q%'", false),
        (&texts, "a ilike 'Q%'", true),
        (&texts, "a like '%q'", true),
        (&texts, "a > 1", false),
        (&texts[2..], "a exists", false),
        (&days, "a > timestamp '2013-03-22'", false),
        (&days, "a > timestamp '2013-03-20T12:00:00Z'", true),
        (&days, "a < timestamp '2013-03-03'", false),
        (&days, "a = timestamp '2013-03-10'", true),
    ] {
        let query = Query::filter(filter)
            .unwrap()
            .prepare(NOW.parse().unwrap())
            .unwrap();
        let a = Path::field(["a"]);
        let told = extent(values);
        let found = may_match(&query.query().filter.nnf(), &|path| {
            (*path == a).then(|| told.clone())
        });
        assert_eq!(found, may, "{filter}");
    }
}
