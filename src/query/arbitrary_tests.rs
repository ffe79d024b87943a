//! Random records and filters for the tests of this module.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Comparison, Filter, Instant, LikePattern, Number, Path, Predicate, RegexPattern, Root, Value,
};

/// Strings that meet each other, patterns and times.
pub(crate) const STRINGS: [&str; 18] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "ba",
    "%",
    "_",
    "a%",
    "\\",
    "it's",
    "\u{e9}",
    "a\nb",
    "1",
    "true",
    "2024-01-01",
    "2024-01-01T06:00:00Z",
];

/// Numbers in several spellings of few values.
pub(crate) const NUMBERS: [&str; 14] = [
    "0", "-0", "0.0", "1", "1.0", "10e-1", "0.1e1", "2", "1.5", "15E-1", "-1", "-1.5", "100", "1e2",
];

/// Names that need quotes, and names that mean something else at the beginning of a path.
const NAMES: [&str; 12] = [
    "a", "b", "c", "a.b", "x y", "id", "metadata", "fields", "not", "IN", "\"", "",
];

const PATTERNS: [&str; 10] = ["%", "a%", "%b", "_", "a_b", "", "A%", "%a%b%", r"a\%", "%%"];

/// The JSON text of some value, a few levels deep.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        select(NUMBERS.to_vec()).prop_map(str::to_owned),
        select(STRINGS.to_vec()).prop_map(|text| serde_json::to_string(text).unwrap()),
        Just("\"\\u0061\"".to_owned()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            object(inner),
        ]
    })
}

/// The JSON text of an object whose values come from `inner`.
fn object(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::btree_map(select(NAMES.to_vec()), inner, 0..4).prop_map(|entries| {
        let entry = |(key, value): (&str, String)| {
            format!("{} : {value}", serde_json::to_string(key).unwrap())
        };
        let entries: Vec<String> = entries.into_iter().map(entry).collect();
        format!("{{{}}}", entries.join(","))
    })
}

/// The JSON text of a record's fields.
pub(crate) fn fields() -> impl Strategy<Value = String> {
    object(json())
}

pub(crate) fn path() -> impl Strategy<Value = Path> {
    let names = || vec(select(NAMES.to_vec()), 1..3);
    prop_oneof![
        8 => names().prop_map(Path::field),
        1 => names().prop_map(Path::metadata),
        1 => select(vec![Root::Id, Root::CreatedAt, Root::UpdatedAt]).prop_map(Path::of),
    ]
}

fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![
        (-400_i64..400).prop_map(|hours| Instant::Now(hours * 1_800_000)),
        any::<i32>().prop_map(|millis| Instant::Now(millis.into())),
        Just("2024-01-01T00:00:00Z".parse().unwrap()).prop_map(Instant::At),
        (0_i64..4_000_000_000, 0_i64..1_000_000_000).prop_map(|(second, nano)| {
            let time = jiff::Timestamp::from_nanosecond(
                i128::from(second) * 1_000_000_000 + i128::from(nano),
            );
            Instant::At(time.unwrap())
        }),
    ]
}

/// A value that has an order.
fn ordered() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        select(NUMBERS.to_vec()).prop_map(|text| Value::Number(Number::new(text).unwrap())),
        select(STRINGS.to_vec()).prop_map(Value::from),
        instant().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let json = json().prop_filter_map("null", |text| Value::from_json(&text).unwrap());
    prop_oneof![ordered(), json]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let equality = select(vec![Comparison::Eq, Comparison::Ne]);
    let order = select(vec![
        Comparison::Lt,
        Comparison::Le,
        Comparison::Gt,
        Comparison::Ge,
    ]);
    let bounds = (ordered(), ordered()).prop_filter_map("two types", |(low, high)| {
        Value::check_bounds(&low, &high).ok().map(|()| (low, high))
    });
    prop_oneof![
        (equality, value()).prop_map(|(comparison, value)| Predicate::Compare(comparison, value)),
        (order, ordered()).prop_map(|(comparison, value)| Predicate::Compare(comparison, value)),
        (bounds, any::<bool>()).prop_map(|((low, high), negated)| Predicate::Between {
            low,
            high,
            negated
        }),
        (vec(value(), 0..4), any::<bool>())
            .prop_map(|(items, negated)| Predicate::In { items, negated }),
        (select(PATTERNS.to_vec()), any::<bool>(), any::<bool>()).prop_map(
            |(text, fold_case, negated)| {
                let compile = if fold_case {
                    LikePattern::ilike
                } else {
                    LikePattern::like
                };
                Predicate::Like {
                    pattern: compile(text).unwrap(),
                    negated,
                }
            }
        ),
        select(vec!["a", "^a$", "(?i)B", "\\d"])
            .prop_map(|text| Predicate::Regex(RegexPattern::new(text).unwrap())),
        select(STRINGS.to_vec()).prop_map(|text| Predicate::StartsWith(text.into())),
        Just(Predicate::Exists),
        Just(Predicate::NotExists),
    ]
}

/// A filter; `And` and `Or` have at least `least` parts.
pub(crate) fn filter(least: usize) -> impl Strategy<Value = Filter> {
    let test = (path(), predicate()).prop_map(|(path, predicate)| Filter::Test(path, predicate));
    test.prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), least..4).prop_map(Filter::And),
            vec(inner.clone(), least..4).prop_map(Filter::Or),
            inner.prop_map(|filter| !filter),
        ]
    })
}
