//! Times as the layout spells them: `YYYY-MM-DD HH:MM:SS`, UTC, with six digits more where there is a fraction.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::{Error, Result};

/// The length of a time in whole seconds.
const WHOLE: usize = 19;

/// The length of a time with its fraction.
const FRACTION: usize = 26;

/// Spells a time; text in this spelling is in the order of time.
///
/// # Errors
/// `Invalid`: a year that four digits cannot spell.
pub(super) fn spell(time: Timestamp) -> Result<String> {
    let at = Offset::UTC.to_datetime(time);
    if at.year() < 0 {
        return Err(
            Error::invalid("a time before the year 0 cannot be kept in SQLite's layout")
                .with("time", time),
        );
    }
    let mut text = String::with_capacity(FRACTION);
    digits(&mut text, at.year().unsigned_abs().into(), 4);
    for (before, value) in [
        ('-', at.month()),
        ('-', at.day()),
        (' ', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        text.push(before);
        digits(&mut text, value.unsigned_abs().into(), 2);
    }
    let micros = at.subsec_nanosecond() / 1_000;
    if micros != 0 {
        text.push('.');
        digits(&mut text, micros.unsigned_abs(), 6);
    }
    Ok(text)
}

/// Reads a time that the layout may spell so; anything else is no time.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != WHOLE && bytes.len() != FRACTION {
        return None;
    }
    for (at, expected) in [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')] {
        if bytes[at] != expected {
            return None;
        }
    }
    let micros = match bytes.get(WHOLE) {
        None => 0,
        Some(b'.') => number(&bytes[WHOLE + 1..])?,
        Some(_) => return None,
    };
    let two = |at: usize| number(&bytes[at..at + 2]).and_then(|value| i8::try_from(value).ok());
    let year = i16::try_from(number(&bytes[..4])?).ok()?;
    let nanos = i32::try_from(micros * 1_000).ok()?;
    let at = DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, nanos).ok()?;
    Offset::UTC.to_timestamp(at).ok()
}

/// Whether [`spell`] gives back exactly a text that [`read`] understood.
pub(super) fn is_canonical(text: &str) -> bool {
    !text.ends_with(".000000")
}

/// An SQL expression that is true where a column holds a time that [`read`] understands.
pub(super) fn is_time_sql(column: &str) -> String {
    let day = format!("substr({column}, 1, 19)");
    format!(
        "(typeof({column}) = 'text' \
         AND (length({column}) = 19 OR (length({column}) = 26 AND {column} GLOB '*.[0-9][0-9][0-9][0-9][0-9][0-9]')) \
         AND strftime('%Y-%m-%d %H:%M:%S', {day}) IS {day} AND substr({column}, 12, 2) < '24' AND {column} < '9999-12-30 22:00:01')"
    )
}

fn digits(text: &mut String, value: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_u32.pow(place) % 10;
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests;
