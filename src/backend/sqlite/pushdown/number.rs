//! Numbers by their exact decimal value.
//!
//! SQLite computes with 64 bits, so it only leaves out what is clearly apart; what is near is compared as it is written,
//! by a collation of ours.

use std::cmp::Ordering;

use super::subject::{Kind, Subject};
use super::{Clause, Translator};
use crate::Comparison;
use crate::json;
use crate::query::Number;
use crate::sql::SqlValue;
use crate::sql::clause::operator;

/// The collation that orders numbers as they are written.
pub(in crate::backend::sqlite) const COLLATION: &str = "thermocline_number";

/// How far SQLite's reading of a number can be from the number, in units of the last place, and more.
const UNSURE: usize = 4;

/// Orders two numbers of JSON text.
pub(in crate::backend::sqlite) fn compare(left: &str, right: &str) -> Ordering {
    json::compare_numbers(left, right)
}

impl Translator {
    pub(super) fn compare_number(
        &mut self,
        subject: &Subject,
        comparison: Comparison,
        number: &Number,
    ) -> Clause {
        if subject.kind != Kind::Json {
            return Clause::NEVER;
        }
        let Some(near) = number
            .as_str()
            .parse::<f64>()
            .ok()
            .filter(|near| near.is_finite())
        else {
            return subject.is_a(NUMBERS).at_most_of();
        };
        let low = (0..UNSURE).fold(near, |near, _| near.next_down());
        let high = (0..UNSURE).fold(near, |near, _| near.next_up());
        let (low, high) = (
            self.bind(SqlValue::Real(low)),
            self.bind(SqlValue::Real(high)),
        );
        let operand = self.bind(number.as_str());
        let value = subject.place.value();
        let exact = format!(
            "{value} BETWEEN {low} AND {high} AND {} {} {operand} COLLATE {COLLATION}",
            subject.place.written(),
            operator(comparison)
        );
        let condition = match comparison {
            Comparison::Eq | Comparison::Ne => exact,
            Comparison::Lt | Comparison::Le => format!("({value} < {low} OR {exact})"),
            Comparison::Gt | Comparison::Ge => format!("({value} > {high} OR {exact})"),
        };
        Clause::exactly(format!(
            "{condition} AND {} IN ({NUMBERS})",
            subject.place.kind()
        ))
    }

    pub(super) fn any_number_of(&mut self, subject: &Subject, numbers: Vec<SqlValue>) -> Clause {
        if subject.kind != Kind::Json {
            return Clause::NEVER;
        }
        let list = self.bind_all(numbers);
        Clause::exactly(format!(
            "{} IN ({NUMBERS}) AND {} COLLATE {COLLATION} IN ({list})",
            subject.place.kind(),
            subject.place.written()
        ))
    }
}

/// The types of numbers in SQLite's JSON.
pub(super) const NUMBERS: &str = "'integer', 'real'";
