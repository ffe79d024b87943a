//! Finding where values begin and end, without looking into them.

use std::borrow::Cow;

use super::text;

/// A key of an object, perhaps with escapes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Key<'a> {
    /// The key between the quotes `raw`.
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    pub(super) fn is_escaped(self) -> bool {
        self.escaped
    }

    /// Whether two keys are the same once their escapes are decoded.
    pub(super) fn is_same(self, other: Self) -> bool {
        if self.escaped || other.escaped {
            self.decode() == other.decode()
        } else {
            self.raw == other.raw
        }
    }

    /// Whether the key is `name`, once its escapes are decoded.
    pub(crate) fn is(self, name: &str) -> bool {
        if self.escaped {
            text::decode(self.raw) == name
        } else {
            self.raw == name
        }
    }

    /// The key, decoded.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            text::decode(self.raw)
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// The key as it was written, without the quotes.
    pub(crate) fn raw(self) -> &'a str {
        self.raw
    }
}

/// The entries of an object: keys, and the texts of the values.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a>(Inside<'a>);

impl<'a> Entries<'a> {
    /// The entries of `object`; none if it is no object.
    pub(crate) fn of(object: &'a str) -> Self {
        Self(Inside::of(object, b'{'))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Key<'a>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.0.skip_to_value()?;
        let bytes = self.0.text.as_bytes();
        if bytes[start] != b'"' {
            return None;
        }
        let (end, escaped) = end_of_string(bytes, start + 1)?;
        let raw = self.0.text.get(start + 1..end)?;
        self.0.at = end + 1;
        Some((Key { raw, escaped }, self.0.value()?))
    }
}

/// The items of an array, as their texts.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a>(Inside<'a>);

impl<'a> Items<'a> {
    /// The items of `array`; none if it is no array.
    pub(crate) fn of(array: &'a str) -> Self {
        Self(Inside::of(array, b'['))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.value()
    }
}

/// A place behind the opening bracket of an array or an object.
#[derive(Clone, Debug)]
struct Inside<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Inside<'a> {
    fn of(text: &'a str, open: u8) -> Self {
        let text = text.trim_start_matches(is_space);
        let at = if text.as_bytes().first() == Some(&open) {
            1
        } else {
            text.len()
        };
        Self { text, at }
    }

    /// Goes over spaces and separators to the next value or key; none at the closing bracket.
    fn skip_to_value(&mut self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => self.at += 1,
                b'}' | b']' => return None,
                _ => return Some(self.at),
            }
        }
    }

    fn value(&mut self) -> Option<&'a str> {
        let start = self.skip_to_value()?;
        self.at = end_of_value(self.text.as_bytes(), start)?;
        self.text.get(start..self.at)
    }
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Where the value that begins at `start` ends; none if the text ends before.
fn end_of_value(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    match bytes.get(at)? {
        b'"' => return end_of_string(bytes, at + 1).map(|(end, _)| end + 1),
        b'{' | b'[' => {}
        _ => {
            while let Some(byte) = bytes.get(at)
                && !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
            {
                at += 1;
            }
            return Some(at);
        }
    }
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = end_of_string(bytes, at + 1)?.0,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Where the closing quote of a string stands, and whether there are escapes before it.
pub(super) fn end_of_string(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    /// Up to so many bytes, looking at words is faster than calling for wide registers.
    const SHORT: usize = 32;
    let mut escaped = false;
    let short = bytes.len().min(at + SHORT);
    loop {
        at = if at < short {
            next_special(&bytes[..short], at)
        } else {
            at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?
        };
        match bytes.get(at)? {
            b'"' => return Some((at, escaped)),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            // The end of the short part, or a control character, which no valid text has.
            _ => at += usize::from(at < short),
        }
    }
}

/// The next quote, backslash or control character, or the end.
pub(super) fn next_special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // In each byte of a word: the high bit is set where the byte is below `limit`. A borrow can only
    // set bits above a true hit, and only the lowest is used.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    for chunk in bytes.get(at..).unwrap_or_default().as_chunks::<8>().0 {
        let word = u64::from_le_bytes(*chunk);
        let found = below(word, 0x20)
            | below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}
