//! Numbers that `jsonb` writes out to the last zero.
//!
//! It keeps their value and not their spelling, so that the largest floats come back with 309 digits. Parsers that add up
//! digits, `serde_json` among them, take those for more than a float holds; with an exponent they read the same number.

/// The digits of the smallest number that such parsers refuse.
const DIGITS: usize = 309;

/// Where a text is looked at: a run of zeros of this length and that of [`ZEROS`] is met.
const STRIDE: usize = 256;

/// What is looked for.
const ZEROS: &[u8] = b"00000000";

/// Whether there may be a number of so many digits that ends in zeros; few bytes of a text are looked at.
///
/// One with less zeros than are found for certain has more digits than such parsers take, however it is spelled.
pub(super) fn may_be_long(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut places = (STRIDE..bytes.len()).step_by(STRIDE);
    bytes.len() > DIGITS && places.any(|at| bytes[at..].starts_with(ZEROS))
}

/// The same values with an exponent in place of the zeros at the end of whole numbers with 309 digits and more.
#[cold]
pub(super) fn shortened(json: &str) -> Box<str> {
    let bytes = json.as_bytes();
    let mut out = String::with_capacity(json.len());
    let (mut from, mut at, mut in_string) = (0, 0, false);
    while at < bytes.len() {
        let digits = match in_string {
            true => 0,
            false => bytes[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count(),
        };
        if digits == 0 {
            match bytes[at] {
                b'\\' if in_string => at += 1,
                b'"' => in_string = !in_string,
                _ => {}
            }
            at += 1;
            continue;
        }
        let (number, end) = (&json[at..at + digits], at + digits);
        let is_fraction = at > 0 && bytes[at - 1] == b'.';
        let is_whole = !is_fraction && !matches!(bytes.get(end), Some(b'.' | b'e' | b'E'));
        let kept = number.trim_end_matches('0');
        if is_whole && digits >= DIGITS && kept.len() < digits {
            out.push_str(&json[from..at + kept.len()]);
            out.push('e');
            out.push_str(&(digits - kept.len()).to_string());
            from = end;
        }
        at = end;
    }
    out.push_str(&json[from..]);
    out.into()
}
