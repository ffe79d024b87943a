//! Strings: their escapes, read and written.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Decodes a string with its quotes; a lone surrogate reads as U+FFFD.
pub(super) fn decode_quoted(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    decode(inner.strip_suffix('"').unwrap_or(inner))
}

/// Decodes what stands between the quotes.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    let Some(first) = raw.find('\\') else {
        return Cow::Borrowed(raw);
    };
    let mut decoded = String::with_capacity(raw.len());
    decoded.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(escape) = rest.find('\\') {
        decoded.push_str(&rest[..escape]);
        let (c, length) = decode_escape(&rest[escape + 1..]);
        decoded.push(c);
        rest = &rest[escape + 1 + length..];
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// The character that an escape means, and how many bytes it takes behind the backslash.
fn decode_escape(after: &str) -> (char, usize) {
    let c = match after.as_bytes() {
        [b'b', ..] => '\u{8}',
        [b'f', ..] => '\u{c}',
        [b'n', ..] => '\n',
        [b'r', ..] => '\r',
        [b't', ..] => '\t',
        [b'u', ..] => return decode_unicode(after),
        [] => return (char::REPLACEMENT_CHARACTER, 0),
        _ => {
            let c = after.chars().next().unwrap_or_default();
            return (c, c.len_utf8());
        }
    };
    (c, 1)
}

/// `uXXXX`, or two of them that make a pair.
fn decode_unicode(after: &str) -> (char, usize) {
    let Some(unit) = code_unit(after, 1) else {
        return (char::REPLACEMENT_CHARACTER, 1);
    };
    if let Some(c) = char::from_u32(unit) {
        return (c, 5);
    }
    match pair(unit, after) {
        Some(c) => (c, 11),
        None => (char::REPLACEMENT_CHARACTER, 5),
    }
}

/// The character that a high surrogate makes with the low one escaped behind it; `after` begins with its `u`.
fn pair(high: u32, after: &str) -> Option<char> {
    let low = after.get(5..7).filter(|escape| *escape == "\\u");
    let low = low.and_then(|_| code_unit(after, 7))?;
    if (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low) {
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    } else {
        None
    }
}

/// Four hexadecimal digits at `at`.
fn code_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// What is wrong with the escape behind a backslash; otherwise how many bytes it takes.
pub(super) fn check_escape(after: &str) -> Result<usize, &'static str> {
    match after.as_bytes() {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(1),
        [b'u', ..] => match code_unit(after, 1) {
            None => Err("`\\u` is followed by four hexadecimal digits"),
            Some(0) => Err("no database keeps U+0000 in text; leave it out"),
            Some(unit) if char::from_u32(unit).is_some() => Ok(5),
            Some(unit) if pair(unit, after).is_some() => Ok(11),
            Some(_) => Err("half of a surrogate pair is no character; write both halves"),
        },
        _ => Err("a backslash stands before one of \" \\ / b f n r t u"),
    }
}

/// Writes a string as JSON, with quotes.
pub(crate) fn write_string(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\0'..'\u{20}' => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}
