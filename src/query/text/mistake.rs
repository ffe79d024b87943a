//! A mistake in a text, drawn with a caret under the place.

use std::borrow::Cow;

use crate::Error;

/// How many characters of a line are shown at most.
const WINDOW: usize = 100;

/// What is wrong, where, and a hint.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Cow<'static, str>,
}

impl Mistake {
    pub(super) fn new(
        at: usize,
        message: impl Into<String>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            at,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The mistake with its place in `text`:
    ///
    /// ```text
    /// expected a value, found `)`
    ///   --> orders-after-90d, where, line 1, column 22
    ///  1 | status in ('closed', )
    ///    |                      ^ a list looks like ('a', 'b')
    /// ```
    pub(super) fn into_error(self, text: &str, origin: &str) -> Error {
        let before = &text[..self.at];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = text[start..].split('\n').next().unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let column = text[start..self.at].chars().count();
        let (shown, caret) = window(line, column);
        let gutter = " ".repeat(number.to_string().len());
        let drawing = format!(
            "{message}\n{gutter} --> {origin}, line {number}, column {column}\n {number} | {shown}\n {gutter} | {indent}^ {hint}",
            message = self.message,
            column = column + 1,
            indent = " ".repeat(caret),
            hint = self.hint,
        );
        Error::invalid(drawing.trim_end().to_owned())
    }
}

/// The part of a line around a column, and where the column is in it; what would break the drawing is a space.
fn window(line: &str, column: usize) -> (String, usize) {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let skipped = column.saturating_sub(WINDOW * 2 / 3);
    let mut shown: String = if skipped > 0 {
        "\u{2026}".into()
    } else {
        String::new()
    };
    let rest = &mut line.chars().skip(skipped).map(plain);
    shown.extend(rest.take(WINDOW));
    if rest.next().is_some() {
        shown.push('\u{2026}');
    }
    let caret = column - skipped + usize::from(skipped > 0);
    (shown.trim_end().to_owned(), caret)
}
