//! Points in time: exact for a record's own times, to within days for text in its fields.

use jiff::Timestamp;

use super::subject::{Kind, Subject};
use super::{Clause, Translator};
use crate::Comparison;
use crate::backend::sqlite::times;
use crate::clock::whole_micros;
use crate::sql::clause::operator;
use crate::sql::dates::around;

impl Translator {
    pub(super) fn compare_time(
        &mut self,
        subject: &Subject,
        comparison: Comparison,
        time: Timestamp,
    ) -> Clause {
        match subject.kind {
            // An id may be the text of a time too, which no one asks for.
            Kind::Id => Clause::UNKNOWN,
            Kind::OwnTime => self.compare_own_time(subject, comparison, time),
            Kind::Json => {
                let (before, from) = around(comparison, time);
                let before = before.map(|date| format!("{} < {}", subject.text, self.bind(date)));
                let from = from.map(|date| format!("{} >= {}", subject.text, self.bind(date)));
                let bounds: Vec<_> = [before, from].into_iter().flatten().collect();
                if bounds.is_empty() {
                    return subject.is_text().at_most_of();
                }
                Clause::at_most(subject.is_text_and(&bounds.join(" AND ")))
            }
        }
    }

    /// Compares the column's text, which an index holds, and then looks whether it is a time at all.
    fn compare_own_time(
        &mut self,
        subject: &Subject,
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
        let Ok(least) = times::spell(whole) else {
            return Clause::UNKNOWN;
        };
        // A whole second has two spellings.
        let greatest = if least.contains('.') {
            least.clone()
        } else {
            format!("{least}.000000")
        };
        let column = subject.place.column();
        let condition = match comparison {
            Comparison::Eq | Comparison::Ne => {
                let list = self.bind_all([least.into(), greatest.into()]);
                format!("{column} IN ({list})")
            }
            Comparison::Lt | Comparison::Ge => {
                format!("{column} {} {}", operator(comparison), self.bind(least))
            }
            Comparison::Le | Comparison::Gt => {
                format!("{column} {} {}", operator(comparison), self.bind(greatest))
            }
        };
        Clause::exactly(format!(
            "{condition} AND {column} >= '0001' AND {}",
            times::is_time_sql(column)
        ))
    }
}
