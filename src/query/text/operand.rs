//! Values: strings, numbers, JSON, points in time.

use jiff::{SignedDuration, Timestamp};

use super::grammar::Parser;
use super::mistake::Mistake;
use super::slips;
use crate::query::{Instant, Number, UNITS, Value, first, parse_time};

impl Parser<'_> {
    /// A value.
    pub(super) fn value(&mut self) -> Result<Value, Mistake> {
        let scan = &mut self.scan;
        match scan.peek() {
            Some('\'') => return Ok(Value::String(self.string()?.into())),
            Some('0'..='9' | '-' | '+' | '.') => return Ok(Value::Number(self.number()?)),
            _ => {}
        }
        let start = scan.at();
        for (keyword, value) in [("true", true), ("false", false)] {
            if scan.take_keyword(keyword) {
                return Ok(Value::Bool(value));
            }
        }
        let word = scan.word().unwrap_or_default().to_ascii_lowercase();
        let mut behind = scan.clone();
        behind.take_keyword(&word);
        match (word.as_str(), behind.peek()) {
            ("json", Some('\'')) => {
                *scan = behind;
                self.json(start)
            }
            ("date", Some('\'')) => {
                *scan = behind;
                self.date(start)
            }
            ("timestamp", Some('\'')) => {
                *scan = behind;
                self.timestamp(start)
            }
            ("now", Some('(')) => {
                *scan = behind;
                self.now()
            }
            _ => Err(self.no_value()),
        }
    }

    /// The mistake that there is no value.
    pub(super) fn no_value(&self) -> Mistake {
        let hint = slips::value(self.scan.rest(), self.scan.word());
        Mistake::new(
            self.scan.at(),
            format!("expected a value, found {}", self.scan.found()),
            hint,
        )
    }

    /// A string, and the space behind it.
    pub(super) fn string(&mut self) -> Result<String, Mistake> {
        if self.scan.peek() != Some('\'') {
            let hint = slips::value(self.scan.rest(), self.scan.word());
            let found = self.scan.found();
            let message = format!("expected a string, found {found}");
            return Err(Mistake::new(self.scan.at(), message, hint));
        }
        let string = self.scan.quoted('\'')?;
        self.after_string()?;
        Ok(string)
    }

    /// Catches `'it's'`: a word that begins right behind a string.
    fn after_string(&mut self) -> Result<(), Mistake> {
        if self.scan.word().is_some() {
            return Err(Mistake::new(
                self.scan.at(),
                format!(
                    "expected a space after a string, found {}",
                    self.scan.found()
                ),
                "a quote inside of a string is doubled: 'it''s'",
            ));
        }
        self.scan.spaces();
        Ok(())
    }

    fn number(&mut self) -> Result<Number, Mistake> {
        let start = self.scan.at();
        // Takes more than a number is, so that `1_000` and `2024-01-31` are told as what they are.
        let text = self
            .scan
            .take_while(|c| c.is_alphanumeric() || "._+-".contains(c));
        let number = Number::new(text).map_err(|error| {
            let hint = if text.matches('-').count() > 1 {
                "a date is written date '2024-01-31'".to_owned()
            } else {
                error.message().to_owned()
            };
            Mistake::new(
                start,
                format!("expected a number, found `{}`", shorten(text)),
                hint,
            )
        })?;
        self.scan.spaces();
        Ok(number)
    }

    fn json(&mut self, start: usize) -> Result<Value, Mistake> {
        let text = self.string()?;
        match Value::from_json(&text) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(Mistake::new(
                start,
                "expected a value, found null",
                "nothing equals null; write `is null` or `is not null`",
            )),
            Err(error) => Err(Mistake::new(
                start,
                format!("expected JSON: {error}"),
                "json looks like json '[\"a\", {\"b\": 1}]'",
            )),
        }
    }

    fn date(&mut self, start: usize) -> Result<Value, Mistake> {
        let text = self.string()?;
        match parse_time(&text).filter(|_| text.len() == "2024-01-31".len()) {
            Some(date) => self.spans(Base::At(date)),
            None => Err(Mistake::new(
                start,
                format!("expected a date, found `{}`", shorten(&text)),
                "a date looks like date '2024-01-31'; with a time, write timestamp '2024-01-31T08:00:00Z'",
            )),
        }
    }

    fn timestamp(&mut self, start: usize) -> Result<Value, Mistake> {
        let text = self.string()?;
        match parse_time(&text) {
            Some(time) => self.spans(Base::At(time)),
            None => Err(Mistake::new(
                start,
                format!("expected a time, found `{}`", shorten(&text)),
                "a time looks like timestamp '2024-01-31T08:00:00Z'; without a zone it is UTC",
            )),
        }
    }

    fn now(&mut self) -> Result<Value, Mistake> {
        self.scan.take("(");
        self.scan.spaces();
        if !self.scan.take(")") {
            return Err(self.scan.expected("`)`", "write `now()`"));
        }
        self.scan.spaces();
        self.spans(Base::Now(0))
    }

    /// What is added to a point in time, and taken off it.
    fn spans(&mut self, mut base: Base) -> Result<Value, Mistake> {
        loop {
            let sign = match self.scan.peek() {
                Some('+') => 1,
                Some('-') => -1,
                _ => return Ok(Value::Instant(base.instant())),
            };
            let start = self.scan.at();
            self.scan.take(if sign > 0 { "+" } else { "-" });
            self.scan.spaces();
            let millis = self.span()?;
            base = base.plus(sign * millis).ok_or_else(|| {
                Mistake::new(
                    start,
                    "expected a time between the years 1 and 9999",
                    "this span leads out of them",
                )
            })?;
            self.scan.spaces();
        }
    }

    /// Digits and a unit, as milliseconds.
    fn span(&mut self) -> Result<i64, Mistake> {
        const LIKE: &str = "a span looks like 90d; the units are ms, s, m, h, d, w";
        let start = self.scan.at();
        let digits = self.scan.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return Err(self.scan.expected("a span", LIKE));
        }
        let at_unit = self.scan.at();
        let name = self.scan.take_while(char::is_alphabetic);
        let Some((_, unit)) = UNITS.iter().find(|(unit, _)| *unit == name) else {
            let hint = match name.to_lowercase().as_str() {
                "mo" | "mon" | "month" | "months" | "y" | "yr" | "year" | "years" => {
                    "months and years have no fixed length here; write days"
                }
                _ => LIKE,
            };
            let found = if name.is_empty() {
                self.scan.found()
            } else {
                format!("`{}`", shorten(name))
            };
            return Err(Mistake::new(
                at_unit,
                format!("expected a unit, found {found}"),
                hint,
            ));
        };
        let millis = digits
            .parse::<i64>()
            .ok()
            .and_then(|count| count.checked_mul(i64::try_from(*unit).ok()?));
        millis.ok_or_else(|| {
            Mistake::new(
                start,
                "expected a shorter span",
                "this one is longer than all time",
            )
        })
    }
}

/// An instant while spans are added to it.
#[derive(Clone, Copy)]
enum Base {
    Now(i64),
    At(Timestamp),
}

impl Base {
    fn plus(self, millis: i64) -> Option<Self> {
        match self {
            Self::Now(offset) => offset.checked_add(millis).map(Self::Now),
            Self::At(time) => {
                let time = time.checked_add(SignedDuration::from_millis(millis)).ok()?;
                (time >= first()).then_some(Self::At(time))
            }
        }
    }

    fn instant(self) -> Instant {
        match self {
            Self::Now(offset) => Instant::Now(offset),
            Self::At(time) => Instant::At(time),
        }
    }
}

/// The beginning of a text, for a message.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    short
}
