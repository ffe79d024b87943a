//! `NAME?key=value&..`, with `%XX` in the name and the values: how URLs name what we open.

/// A URL's name and the values of its keys, in the keys' order.
pub(crate) type Parts<const N: usize> = (String, [Option<String>; N]);

/// Takes apart what stands behind a scheme.
///
/// # Errors
/// A sentence for people: a key that is not among `keys`, one without a value or with two, or a wrong `%`.
pub(crate) fn parts<const N: usize>(text: &str, keys: [&str; N]) -> Result<Parts<N>, String> {
    let (name, query) = text.split_once('?').unwrap_or((text, ""));
    let mut values = [const { None }; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(at) = keys.iter().position(|known| *known == key) else {
            return Err(format!(
                "the URL has no key {key:?}; its keys are {}",
                keys.join(", ")
            ));
        };
        let value = decoded(value)?;
        if value.is_empty() || values[at].replace(value).is_some() {
            return Err(format!("{key:?} needs one value"));
        }
    }
    Ok((decoded(name)?, values))
}

/// The text with each `%XX` as the byte that it stands for.
///
/// # Errors
/// A sentence for people: a wrong `%`, or bytes that are not UTF-8.
pub(crate) fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let Some(value) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()) else {
            return Err("`%` stands before two hexadecimal digits; `%25` is a `%`".to_owned());
        };
        bytes.push(value);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| "the URL is not UTF-8".to_owned())
}

/// The text with `%XX` for what would end it in a URL.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '?' | '&' | '#' | ' ') {
            encoded.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            encoded.push(c);
        }
    }
    encoded
}
