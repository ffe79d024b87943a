//! One test as a clause.

use super::subject::{Kind, Subject};
use super::{Clause, Translator};
use crate::backend::sqlite::times::spell;
use crate::query::{Instant, Path};
use crate::sql::SqlValue;
use crate::sql::beginning::near;
use crate::sql::clause::operator;
use crate::{Comparison, Predicate, Value};

impl Translator {
    pub(super) fn test(&mut self, path: &Path, predicate: &Predicate) -> Clause {
        let Some(subject) = Subject::of(path, self.reach) else {
            return Clause::UNKNOWN;
        };
        let unless = |clause: Clause, negated: bool, among: Clause| {
            if negated {
                among.and(clause.negated())
            } else {
                clause
            }
        };
        match predicate {
            Predicate::Compare(Comparison::Ne, value) => {
                let equal = self.compare(&subject, Comparison::Eq, value);
                subject.exists().and(equal.negated())
            }
            Predicate::Compare(comparison, value) => self.compare(&subject, *comparison, value),
            Predicate::Between { low, high, negated } => {
                let above = self.compare(&subject, Comparison::Ge, low);
                let below = self.compare(&subject, Comparison::Le, high);
                unless(above.and(below), *negated, subject.exists())
            }
            Predicate::In { items, negated } => {
                unless(self.any_of(&subject, items), *negated, subject.exists())
            }
            Predicate::Like { pattern, negated } => {
                unless(self.like(&subject, pattern), *negated, subject.is_text())
            }
            Predicate::Regex(pattern) => self.regex(&subject, pattern),
            Predicate::StartsWith(prefix) => self.starts_with(&subject, prefix),
            Predicate::Exists => subject.exists(),
            Predicate::NotExists => subject.exists().negated(),
        }
    }

    fn compare(&mut self, subject: &Subject, comparison: Comparison, value: &Value) -> Clause {
        match value {
            Value::Bool(operand) => {
                let passing = [("'false'", false), ("'true'", true)]
                    .into_iter()
                    .filter(|(_, value)| comparison.holds(value.cmp(operand)))
                    .map(|(name, _)| name);
                let types = passing.collect::<Vec<_>>().join(", ");
                if types.is_empty() {
                    Clause::NEVER
                } else {
                    subject.is_a(&types)
                }
            }
            Value::Number(number) => self.compare_number(subject, comparison, number),
            Value::String(text) => self.compare_text(subject, comparison, text),
            Value::Json(text) => is_tree(subject, text),
            Value::Instant(Instant::At(time)) => self.compare_time(subject, comparison, *time),
            // A prepared query has none of these left.
            Value::Instant(_) => Clause::UNKNOWN,
        }
    }

    fn compare_text(&mut self, subject: &Subject, comparison: Comparison, text: &str) -> Clause {
        if comparison != Comparison::Eq {
            // A lone surrogate in a row reads as U+FFFD, and stands before U+E000 in SQLite.
            let around_surrogates = text.chars().any(|c| ('\u{E000}'..='\u{FFFF}').contains(&c));
            if around_surrogates || !(self.reach.utf8 || subject.kind == Kind::OwnTime) {
                return subject.is_text().at_most_of();
            }
        }
        if text.contains('\u{FFFD}') {
            return subject.is_text().at_most_of();
        }
        let operand = self.bind(text);
        let mut condition = format!("{} {} {operand}", subject.text, operator(comparison));
        if subject.kind == Kind::OwnTime {
            let bind = |time| Some(self.bind(spell(time).ok()?));
            condition.push_str(&near(subject.place.column(), comparison, text, bind));
        }
        Clause::exactly(subject.is_text_and(&condition))
    }

    fn any_of(&mut self, subject: &Subject, items: &[Value]) -> Clause {
        let (mut texts, mut numbers, mut arms) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                Value::String(text) if !text.contains('\u{FFFD}') => {
                    texts.push(SqlValue::Text(text.clone()));
                }
                Value::Number(number) => numbers.push(SqlValue::from(number.as_str())),
                other => arms.push(self.compare(subject, Comparison::Eq, other)),
            }
        }
        if !texts.is_empty() {
            let list = self.bind_all(texts);
            let condition = format!("{} IN ({list})", subject.text);
            arms.push(Clause::exactly(subject.is_text_and(&condition)));
        }
        if !numbers.is_empty() {
            arms.push(self.any_number_of(subject, numbers));
        }
        Clause::any(arms)
    }
}

/// Equal arrays and objects are at least arrays and objects.
fn is_tree(subject: &Subject, text: &str) -> Clause {
    let kind = if text.trim_start().starts_with('[') {
        "'array'"
    } else {
        "'object'"
    };
    subject.is_a(kind).at_most_of()
}
