//! One pass over JSON text before it is stored: what no layout keeps, or other readers stumble over, is refused.

use super::keys::Keys;
use super::scan::{Key, next_special};
use super::{MAX_DEPTH, text};
use crate::{Error, Result};

/// Checks that `text` is one JSON object that every layout can hold.
///
/// # Errors
/// `Invalid`: not JSON, not an object, nested too deep, a key twice, U+0000, half of a surrogate pair, or a number that
/// no 64-bit float holds; with the line, the column, the keys on the way and what was found.
pub(crate) fn validate_object(text: &str) -> Result<()> {
    let mut pass = Pass::over(text);
    let problem = match pass.spaces() {
        Some(b'{') => pass.run(),
        None => Err("a JSON object was expected: {\"name\": value, ..}"),
        Some(_) if text[pass.at..].starts_with('\u{feff}') => {
            Err("the text begins with a byte order mark; take it out")
        }
        Some(_) => Err("this is no JSON object; it begins with {: {\"name\": value, ..}"),
    };
    problem.map_err(|problem| pass.error(problem))
}

/// Checks that `text` is one JSON value of any kind that could stand in a record.
///
/// # Errors
/// `Invalid`, as [`validate_object`].
pub(crate) fn validate_value(text: &str) -> Result<()> {
    let mut pass = Pass::over(text);
    pass.spaces();
    pass.run().map_err(|problem| pass.error(problem))
}

/// A problem, at the place where the pass stands.
type Problem = &'static str;

struct Pass<'a> {
    text: &'a str,
    at: usize,
    /// How many arrays and objects are open.
    depth: usize,
    /// A bit for each of them, the innermost lowest: whether it is an object.
    objects: u128,
    /// The keys of the open objects.
    keys: Keys<'a>,
}

impl<'a> Pass<'a> {
    fn over(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            objects: 0,
            keys: Keys::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes over white space; what stands behind it.
    fn spaces(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next,
            }
        }
    }

    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    /// Goes from the beginning of a value to the end of the text.
    fn run(&mut self) -> Result<(), Problem> {
        loop {
            let opened = self.value()?;
            if opened {
                match (self.in_object(), self.spaces()) {
                    (true, Some(b'}')) | (false, Some(b']')) => {}
                    (true, _) => {
                        self.key()?;
                        continue;
                    }
                    (false, _) => continue,
                }
            }
            if self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Goes from the end of a value to the beginning of the next; whether there is none.
    fn after_value(&mut self) -> Result<bool, Problem> {
        loop {
            let next = self.spaces();
            if self.depth == 0 {
                return match next {
                    None => Ok(true),
                    Some(_) => Err("the value has ended, but the text goes on; take the rest out"),
                };
            }
            match (next, self.in_object()) {
                (Some(b','), in_object) => {
                    self.at += 1;
                    if let Some(b'}' | b']') = self.spaces() {
                        return Err("JSON has no comma before a closing bracket; take it out");
                    }
                    if in_object {
                        self.key()?;
                    }
                    return Ok(false);
                }
                (Some(b']'), false) => {}
                (Some(b'}'), true) => self.keys.close(),
                (_, false) => return Err("expected `,` or `]` after an item"),
                (_, true) => return Err("expected `,` or `}` after a value"),
            }
            self.at += 1;
            self.depth -= 1;
            self.objects >>= 1;
        }
    }

    /// Goes over a scalar, or over an opening bracket; whether it was one.
    fn value(&mut self) -> Result<bool, Problem> {
        let word = match self.peek() {
            Some(b'"') => {
                self.string()?;
                return Ok(false);
            }
            Some(b'0'..=b'9' | b'-') => {
                self.number()?;
                return Ok(false);
            }
            Some(bracket @ (b'{' | b'[')) => {
                self.open(bracket == b'{')?;
                return Ok(true);
            }
            Some(b't') => "true",
            Some(b'f') => "false",
            Some(b'n') => "null",
            Some(b'N' | b'I') => return Err(NOT_FINITE),
            Some(b'\'') => return Err("JSON strings stand in double quotes"),
            _ => return Err("expected a value"),
        };
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err("expected a value: text stands in double quotes");
        }
        self.at += word.len();
        Ok(false)
    }

    fn open(&mut self, object: bool) -> Result<(), Problem> {
        if self.depth == MAX_DEPTH {
            return Err("arrays and objects nest at most 128 deep; flatten the value");
        }
        self.at += 1;
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        if object {
            self.keys.open();
        }
        Ok(())
    }

    /// Goes over a key, its colon, and the spaces to its value.
    fn key(&mut self) -> Result<(), Problem> {
        if self.peek() != Some(b'"') {
            return Err("expected a key in double quotes");
        }
        let start = self.at;
        let escaped = self.string()?;
        let raw = &self.text[start + 1..self.at - 1];
        if !self.keys.add(Key::new(raw, escaped)) {
            self.at = start;
            return Err("a key stands twice in one object; keep one of them");
        }
        if self.spaces() != Some(b':') {
            return Err("expected `:` after a key");
        }
        self.at += 1;
        self.spaces();
        Ok(())
    }

    /// Goes over a string; whether it has escapes.
    fn string(&mut self) -> Result<bool, Problem> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = next_special(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1 + text::check_escape(&self.text[self.at + 1..])?;
                }
                Some(_) => return Err("a control character in a string is escaped, as in \\n"),
                None => {
                    self.at = start;
                    return Err("a string without its closing quote");
                }
            }
        }
    }

    /// Goes over a number.
    fn number(&mut self) -> Result<(), Problem> {
        let bytes = self.text.as_bytes();
        let digits = |from: usize| {
            let mut end = from;
            while let Some(b'0'..=b'9') = bytes.get(end) {
                end += 1;
            }
            end
        };
        let start = self.at + usize::from(bytes[self.at] == b'-');
        let mut end = digits(start);
        match bytes.get(start) {
            Some(b'I') => return Err(NOT_FINITE),
            _ if end == start => return Err("expected a digit after `-`"),
            Some(b'0') if end > start + 1 => return Err("a number has no leading zeros"),
            _ => {}
        }
        if bytes.get(end) == Some(&b'.') {
            let point = end;
            end = digits(point + 1);
            if end == point + 1 {
                return Err("expected a digit after the point of a number");
            }
        }
        let exponent = matches!(bytes.get(end), Some(b'e' | b'E'));
        if exponent {
            let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
            let start = end + 1 + usize::from(sign);
            end = digits(start);
            if end == start {
                return Err("expected a digit in the exponent of a number");
            }
        }
        // Without an exponent it takes over 300 digits to leave the range of a float.
        if (exponent || end - self.at > 300) && !is_held_by_f64(&self.text[self.at..end]) {
            return Err("a number that no 64-bit float can hold; write it as a string");
        }
        self.at = end;
        Ok(())
    }

    /// The problem, with its place.
    fn error(&self, problem: Problem) -> Error {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count())
            + 1;
        let error = Error::invalid(problem)
            .with("line", line)
            .with("column", column);
        let path = self.keys.path();
        let error = if path.is_empty() {
            error
        } else {
            error.with("near", path)
        };
        error.with("found", self.found())
    }

    /// What stands at the place, cut short.
    fn found(&self) -> String {
        let rest = &self.text[self.at..];
        let is_word = |c: char| c.is_alphanumeric() || "+-._".contains(c);
        let word: String = rest.chars().take_while(|c| is_word(*c)).take(40).collect();
        match rest.chars().next() {
            None => "the end of the text".to_owned(),
            Some('"') => {
                let inner = rest[1..].split('"').next().unwrap_or_default();
                format!("\"{}\"", inner.chars().take(40).collect::<String>())
            }
            Some(c) if c.is_control() => format!("U+{:04X}", u32::from(c)),
            Some(c) if word.is_empty() => c.to_string(),
            Some(_) => word,
        }
    }
}

const NOT_FINITE: &str = "JSON has no NaN and no Infinity; write null, or a string";

/// Whether a float keeps the number's size: finite, and zero only if the number is.
fn is_held_by_f64(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    is_zero
        || number
            .parse::<f64>()
            .is_ok_and(|value| value.is_finite() && value != 0.0)
}
