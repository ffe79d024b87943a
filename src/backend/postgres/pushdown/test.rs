//! One test as a clause.

use super::Translator;
use super::place::json_string;
use super::subject::Subject;
use crate::backend::postgres::times::spell;
use crate::query::{Instant, Number, Path};
use crate::sql::beginning::near;
use crate::sql::clause::{Clause, operator};
use crate::{Comparison, Predicate, Value};

/// Up to so many elements of a list are looked up in the GIN index one by one.
const FEW: usize = 16;

impl Translator {
    pub(super) fn test(&mut self, path: &Path, predicate: &Predicate) -> Clause {
        let Some(subject) = Subject::of(path, self.is_utc) else {
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
                let any = if items.len() <= FEW {
                    let equal = |item| self.compare(&subject, Comparison::Eq, item);
                    Clause::any(items.iter().map(equal).collect())
                } else {
                    self.any_of(&subject, items)
                };
                unless(any, *negated, subject.exists())
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
            Value::Bool(operand) => self.compare_bool(subject, comparison, *operand),
            Value::Number(number) => self.compare_number(subject, comparison, number),
            Value::String(text) => self.compare_text(subject, comparison, text),
            Value::Json(text) => self.equals_tree(subject, text),
            Value::Instant(Instant::At(time)) => self.compare_time(subject, comparison, *time),
            // A prepared query has none of these left.
            Value::Instant(_) => Clause::UNKNOWN,
        }
    }

    fn compare_bool(&mut self, subject: &Subject, comparison: Comparison, operand: bool) -> Clause {
        let passing = [false, true]
            .into_iter()
            .filter(|value| comparison.holds(value.cmp(&operand)));
        let arms = passing.map(|value| self.equals(subject, &value.to_string()));
        Clause::any(arms.collect())
    }

    fn compare_number(
        &mut self,
        subject: &Subject,
        comparison: Comparison,
        number: &Number,
    ) -> Clause {
        let Subject::Json(place) = subject else {
            return Clause::NEVER;
        };
        if !is_plain(number) {
            return subject.is_a("'number'").at_most_of();
        }
        if comparison == Comparison::Eq {
            return self.equals(subject, number.as_str());
        }
        let operand = self.bind_json(number.as_str());
        // Of two jsonb the type decides first, so the other types stay out by being no numbers.
        Clause::exactly(format!(
            "{} = 'number' AND {} {} {operand}",
            place.kind(),
            place.value(),
            operator(comparison)
        ))
    }

    fn compare_text(&mut self, subject: &Subject, comparison: Comparison, text: &str) -> Clause {
        if text.contains('\0') {
            // No text of PostgreSQL has one, so nothing is equal; where it stands among others the matcher says.
            return if comparison == Comparison::Eq {
                Clause::NEVER
            } else {
                subject.is_text().at_most_of()
            };
        }
        match (subject, comparison) {
            (Subject::Json(_), Comparison::Eq) => self.equals(subject, &json_string(text)),
            (Subject::Id, Comparison::Eq) => Clause::exactly(format!("id = {}", self.bind(text))),
            _ => {
                let mut condition = format!(
                    "{} {} {}",
                    subject.text(),
                    operator(comparison),
                    self.bind(text)
                );
                if let Subject::OwnTime(column) = subject {
                    let bind = |time| Some(format!("{}::timestamp", self.bind(spell(time))));
                    condition.push_str(&near(column, comparison, text, bind));
                }
                Clause::exactly(subject.is_text_and(&condition))
            }
        }
    }

    /// Whether the value is exactly this scalar: what the GIN index finds is what it is.
    fn equals(&mut self, subject: &Subject, json: &str) -> Clause {
        let Subject::Json(place) = subject else {
            return Clause::NEVER;
        };
        let object = self.bind_json(place.object_with(json));
        Clause::exactly(format!("{} @> {object}", place.column()))
    }

    /// Whether the value is exactly this array or object, in which PostgreSQL compares as we do.
    fn equals_tree(&mut self, subject: &Subject, json: &str) -> Clause {
        let Subject::Json(place) = subject else {
            return Clause::NEVER;
        };
        // An escape may stand for what jsonb does not hold, an exponent for more digits than it holds.
        if json.contains(['\\', 'e', 'E', '\0']) {
            let kind = if json.trim_start().starts_with('[') {
                "'array'"
            } else {
                "'object'"
            };
            return subject.is_a(kind).at_most_of();
        }
        let operand = self.bind_json(json);
        Clause::exactly(format!("{} = {operand}", place.value()))
    }

    fn any_of(&mut self, subject: &Subject, items: &[Value]) -> Clause {
        let (mut json, mut ids, mut arms) = (String::from("["), Vec::new(), Vec::new());
        for item in items {
            match (subject, item) {
                (_, Value::String(text)) if text.contains('\0') => {}
                (Subject::Id, Value::String(text)) => ids.push(text.as_ref()),
                (Subject::Json(_), Value::String(text)) => {
                    separate(&mut json);
                    json.push_str(&json_string(text));
                }
                (Subject::Json(_), Value::Number(number)) if is_plain(number) => {
                    separate(&mut json);
                    json.push_str(number.as_str());
                }
                (_, other) => arms.push(self.compare(subject, Comparison::Eq, other)),
            }
        }
        if let Subject::Json(place) = subject
            && json.len() > 1
        {
            json.push(']');
            let list = self.bind_json(json);
            arms.push(Clause::exactly(format!(
                "{} IN (SELECT jsonb_array_elements({list}))",
                place.value()
            )));
        }
        if !ids.is_empty() {
            let mut list = String::from("[");
            for id in ids {
                separate(&mut list);
                list.push_str(&json_string(id));
            }
            list.push(']');
            let list = self.bind_json(list);
            arms.push(Clause::exactly(format!(
                "id IN (SELECT jsonb_array_elements_text({list}))"
            )));
        }
        Clause::any(arms)
    }
}

fn separate(list: &mut String) {
    if list.len() > 1 {
        list.push(',');
    }
}

/// Whether jsonb holds the number: it takes more digits than anybody writes, but not any exponent.
fn is_plain(number: &Number) -> bool {
    let text = number.as_str();
    let exponent = text
        .split_once(['e', 'E'])
        .map_or("0", |(_, exponent)| exponent);
    text.len() <= 400
        && exponent
            .parse::<i32>()
            .is_ok_and(|exponent| exponent.abs() <= 1_000)
}
