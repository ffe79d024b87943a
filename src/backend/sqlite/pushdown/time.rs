//! Points in time: exact for a record's own times, to within days for text in its fields.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::subject::{Kind, Subject};
use super::test::operator;
use super::{Clause, Translator};
use crate::Comparison;
use crate::backend::sqlite::times;
use crate::clock::whole_micros;

/// How far the date in a text can lie from the same time's date in UTC, and a day more.
const WIDENED: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A date as text that is greater than the text of every time up to `time`, whatever its zone.
pub(in crate::backend::sqlite) fn date_after(time: Timestamp) -> Option<String> {
    let later = time.checked_add(WIDENED).ok()?;
    Some(Offset::UTC.to_datetime(later).date().to_string())
}

/// A date as text that is less than the text of every time from `time` on, whatever its zone.
fn date_before(time: Timestamp) -> String {
    let first = Date::constant(1, 1, 1);
    let earlier = time.checked_sub(WIDENED);
    let date = earlier.map_or(first, |time| Offset::UTC.to_datetime(time).date());
    date.max(first).to_string()
}

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
                let mut bounds = Vec::new();
                if !matches!(comparison, Comparison::Gt | Comparison::Ge)
                    && let Some(date) = date_after(time)
                {
                    bounds.push(format!("{} < {}", subject.text, self.bind(date)));
                }
                if !matches!(comparison, Comparison::Lt | Comparison::Le) {
                    bounds.push(format!(
                        "{} >= {}",
                        subject.text,
                        self.bind(date_before(time))
                    ));
                }
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
