//! Numbers by their exact decimal value: sign, digits, exponent. Nothing is rounded, nothing is expanded.

use std::cmp::Ordering;

/// Compares two numbers, given as JSON text.
pub(crate) fn compare_numbers(left: &str, right: &str) -> Ordering {
    match (whole_number(left), whole_number(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => Decimal::of(left).cmp(&Decimal::of(right)),
    }
}

/// The number as an integer, if it is written as one of at most 18 digits.
pub(crate) fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let magnitude = digits.bytes().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })?;
    Some(if digits.len() == text.len() {
        magnitude
    } else {
        -magnitude
    })
}

/// The largest integer that is not above `number x 10^power`, if it has at most 18 digits.
pub(crate) fn floor_scaled(number: &str, power: i64) -> Option<i64> {
    let decimal = Decimal::of(number);
    if decimal.is_zero() {
        return Some(0);
    }
    let places = usize::try_from((decimal.magnitude + power).max(0)).ok()?;
    if places > 18 {
        return None;
    }
    let mut digits = decimal.digits();
    let whole = (0..places).fold(0_i64, |sum, _| {
        sum * 10 + i64::from(digits.next().unwrap_or(b'0') - b'0')
    });
    let rest = i64::from(digits.any(|digit| digit != b'0'));
    Some(if decimal.negative {
        -whole - rest
    } else {
        whole
    })
}

/// A number as `0.DIGITS x 10^magnitude`, with a sign; zero has no digits.
#[derive(Clone, Copy, Debug)]
struct Decimal<'a> {
    negative: bool,
    /// Where the digits begin that stand before the point; no leading zeros.
    whole: &'a [u8],
    /// The digits after the point; no trailing zeros, and no leading ones if `whole` is empty.
    fraction: &'a [u8],
    /// The power of ten, cut where no text could tell the difference in memory.
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches('0').as_bytes();
        let mut fraction = fraction.trim_end_matches('0').as_bytes();
        let mut magnitude = exponent;
        if whole.is_empty() {
            let zeros = fraction.iter().take_while(|digit| **digit == b'0').count();
            fraction = &fraction[zeros..];
            magnitude -= length(zeros);
        } else {
            magnitude += length(whole.len());
        }
        Self {
            negative,
            whole,
            fraction,
            magnitude,
        }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    /// Compares without the signs; neither is zero.
    fn cmp_absolute(&self, other: &Self) -> Ordering {
        let digits = || {
            let (mut left, mut right) = (self.digits(), other.digits());
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return Ordering::Equal,
                    (left, right) => {
                        let order = left.unwrap_or(b'0').cmp(&right.unwrap_or(b'0'));
                        if order.is_ne() {
                            return order;
                        }
                    }
                }
            }
        };
        self.magnitude.cmp(&other.magnitude).then_with(digits)
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) if other.negative => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, true) if self.negative => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => match (self.negative, other.negative) {
                (false, true) => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, false) => self.cmp_absolute(other),
                (true, true) => other.cmp_absolute(self),
            },
        }
    }
}

/// Far beyond any text's length, and far from overflowing when a length is added.
const EXPONENT_LIMIT: i64 = i64::MAX / 4;

fn exponent(text: &str) -> i64 {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let value = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0_i64, |sum, byte| {
            sum.saturating_mul(10)
                .saturating_add(i64::from(byte - b'0'))
        })
        .min(EXPONENT_LIMIT);
    if negative { -value } else { value }
}

fn length(digits: usize) -> i64 {
    i64::try_from(digits).unwrap_or(EXPONENT_LIMIT)
}
