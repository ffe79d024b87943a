//! The meaning of a filter once more: slow, obvious, over parsed values. The matcher is held against it.

use std::cmp::Ordering;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value as Parsed;

use super::{
    Comparison, Filter, Instant, LikePiece, Path, Predicate, Root, Value,
    arbitrary_tests as arbitrary,
};
use crate::Record;

const NOW: &str = "2024-01-02T00:00:00Z";

struct Model {
    id: Parsed,
    fields: Parsed,
    metadata: Parsed,
    created_at: Parsed,
}

impl Model {
    fn at(&self, path: &Path) -> &Parsed {
        let root = match path.root() {
            Root::Id => &self.id,
            Root::Fields => &self.fields,
            Root::Metadata => &self.metadata,
            Root::CreatedAt => &self.created_at,
            Root::UpdatedAt => &Parsed::Null,
        };
        path.names().fold(root, |value, name| match value {
            Parsed::Object(entries) => entries.get(name).unwrap_or(&Parsed::Null),
            _ => &Parsed::Null,
        })
    }

    fn matches(&self, filter: &Filter) -> bool {
        match filter {
            Filter::And(parts) => parts.iter().all(|part| self.matches(part)),
            Filter::Or(parts) => parts.iter().any(|part| self.matches(part)),
            Filter::Not(part) => !self.matches(part),
            Filter::Test(path, predicate) => passes(self.at(path), predicate),
        }
    }
}

fn passes(v: &Parsed, predicate: &Predicate) -> bool {
    let there = !v.is_null();
    match predicate {
        Predicate::Compare(Comparison::Eq, x) => equal(v, x),
        Predicate::Compare(Comparison::Ne, x) => there && !equal(v, x),
        Predicate::Compare(Comparison::Lt, x) => order(v, x) == Some(Ordering::Less),
        Predicate::Compare(Comparison::Gt, x) => order(v, x) == Some(Ordering::Greater),
        Predicate::Compare(Comparison::Le, x) => {
            matches!(order(v, x), Some(Ordering::Less | Ordering::Equal))
        }
        Predicate::Compare(Comparison::Ge, x) => {
            matches!(order(v, x), Some(Ordering::Greater | Ordering::Equal))
        }
        Predicate::Between { low, high, negated } => {
            let above = matches!(order(v, low), Some(Ordering::Greater | Ordering::Equal));
            let below = matches!(order(v, high), Some(Ordering::Less | Ordering::Equal));
            there && ((above && below) != *negated)
        }
        Predicate::In { items, negated } => {
            there && (items.iter().any(|item| equal(v, item)) != *negated)
        }
        Predicate::Like { pattern, negated } => v.as_str().is_some_and(|text| {
            let fold = |text: &str| match pattern.folds_case() {
                true => text.to_ascii_lowercase(),
                false => text.to_owned(),
            };
            let text: Vec<char> = fold(text).chars().collect();
            let mut pieces = Vec::new();
            for piece in pattern.pieces() {
                match piece {
                    LikePiece::Text(text) => pieces.extend(fold(&text).chars().map(Some)),
                    LikePiece::One => pieces.push(None),
                    // No text has this one.
                    LikePiece::Any => pieces.push(Some('\0')),
                }
            }
            like(&text, &pieces) != *negated
        }),
        Predicate::Regex(pattern) => v
            .as_str()
            .is_some_and(|text| regex::Regex::new(pattern.as_str()).unwrap().is_match(text)),
        Predicate::StartsWith(prefix) => v
            .as_str()
            .is_some_and(|text| text.find(&**prefix) == Some(0)),
        Predicate::Exists => there,
        Predicate::NotExists => !there,
    }
}

fn like(text: &[char], pieces: &[Option<char>]) -> bool {
    match (pieces.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some((Some('\0'), rest)), _) => (0..=text.len()).any(|skip| like(&text[skip..], rest)),
        (Some((None, rest)), Some((_, tail))) => like(tail, rest),
        (Some((Some(c), rest)), Some((first, tail))) => c == first && like(tail, rest),
        (Some(_), None) => false,
    }
}

fn deeply_equal(left: &Parsed, right: &Parsed) -> bool {
    match (left, right) {
        (Parsed::Number(left), Parsed::Number(right)) => left.as_f64() == right.as_f64(),
        (Parsed::Array(left), Parsed::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| deeply_equal(l, r))
        }
        (Parsed::Object(left), Parsed::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| deeply_equal(l, r)))
        }
        (left, right) => left == right,
    }
}

fn equal(v: &Parsed, x: &Value) -> bool {
    match x {
        Value::Json(text) => deeply_equal(v, &serde_json::from_str(text).unwrap()),
        x => order(v, x) == Some(Ordering::Equal),
    }
}

fn order(v: &Parsed, x: &Value) -> Option<Ordering> {
    match (v, x) {
        (Parsed::Bool(v), Value::Bool(x)) => v.partial_cmp(x),
        (Parsed::Number(v), Value::Number(x)) => {
            v.as_f64().partial_cmp(&Some(x.as_str().parse().unwrap()))
        }
        (Parsed::String(v), Value::String(x)) => v.chars().partial_cmp(x.chars()),
        (Parsed::String(v), Value::Instant(x)) => {
            // The generated strings have two forms of time, and the record's own a third.
            let whole = if v.len() == 10 {
                format!("{v}T00:00:00Z")
            } else {
                v.clone()
            };
            let time: Timestamp = whole.parse().ok()?;
            let now: Timestamp = NOW.parse().unwrap();
            match x {
                Instant::At(x) => time.partial_cmp(x),
                Instant::Now(millis) => {
                    time.partial_cmp(&(now + jiff::SignedDuration::from_millis(*millis)))
                }
            }
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_matcher_means_what_the_model_means(
        filter in arbitrary::filter(0),
        fields in arbitrary::fields(),
        metadata in arbitrary::fields(),
        id in proptest::sample::select(vec!["a", "2024-01-01", "1"]),
    ) {
        let created: Timestamp = "2024-01-01T18:00:00Z".parse().unwrap();
        let record = Record::from_json(id, &fields).unwrap()
            .with_metadata_json(&metadata).unwrap()
            .with_times(Some(created), None);
        let model = Model {
            id: id.into(),
            fields: serde_json::from_str(&fields).unwrap(),
            metadata: serde_json::from_str(&metadata).unwrap(),
            created_at: "2024-01-01T18:00:00.000000Z".into(),
        };
        let expected = model.matches(&filter);
        let now = NOW.parse().unwrap();
        prop_assert_eq!(filter.matches(&record, now).unwrap(), expected);
        prop_assert_eq!(filter.nnf().matches(&record, now).unwrap(), expected);
        prop_assert_eq!((!filter.clone()).nnf().matches(&record, now).unwrap(), !expected);
        prop_assert!(is_normal(&(!filter.clone()).nnf()));

        let query = super::Query::from(filter).prepare(now).unwrap();
        prop_assert_eq!(query.matches(&record), expected);
        // What a backend sees means the same later.
        let resolved = query.query().filter.clone();
        prop_assert_eq!(resolved.matches(&record, Timestamp::UNIX_EPOCH).unwrap(), expected);
    }
}

fn is_normal(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().all(is_normal),
        Filter::Not(part) => matches!(
            &**part,
            Filter::Test(_, predicate) if !matches!(predicate, Predicate::Exists | Predicate::NotExists)
        ),
        Filter::Test(..) => true,
    }
}
