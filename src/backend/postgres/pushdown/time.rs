//! Points in time: exact for a record's own times, to within days for text in its fields.

use jiff::Timestamp;

use super::Translator;
use super::subject::Subject;
use crate::Comparison;
use crate::backend::postgres::times::spell;
use crate::clock::whole_micros;
use crate::sql::clause::{Clause, operator};
use crate::sql::dates::around;

impl Translator {
    pub(super) fn compare_time(
        &mut self,
        subject: &Subject,
        comparison: Comparison,
        time: Timestamp,
    ) -> Clause {
        match subject {
            // An id may be the text of a time too, which no one asks for.
            Subject::Id => Clause::UNKNOWN,
            Subject::OwnTime(column) => self.compare_own_time(subject, column, comparison, time),
            Subject::Json(_) => {
                let (before, from) = around(comparison, time);
                let before = before.map(|date| format!("{} < {}", subject.text(), self.bind(date)));
                let from = from.map(|date| format!("{} >= {}", subject.text(), self.bind(date)));
                let bounds: Vec<_> = [before, from].into_iter().flatten().collect();
                if bounds.is_empty() {
                    return subject.is_text().at_most_of();
                }
                Clause::at_most(subject.is_text_and(&bounds.join(" AND ")))
            }
        }
    }

    fn compare_own_time(
        &mut self,
        subject: &Subject,
        column: &str,
        comparison: Comparison,
        time: Timestamp,
    ) -> Clause {
        let whole = whole_micros(time);
        let comparison = match comparison {
            comparison if whole == time => comparison,
            // Own times have microseconds: nothing lies between this one and the next.
            Comparison::Lt | Comparison::Le => Comparison::Le,
            Comparison::Gt | Comparison::Ge => Comparison::Gt,
            Comparison::Eq | Comparison::Ne => return Clause::NEVER,
        };
        let operand = self.bind(spell(whole));
        let condition = format!("{column} {} {operand}::timestamp", operator(comparison));
        Clause::exactly(subject.is_text_and(&condition))
    }
}
