//! JSON text kept as it was written: validation, and walking to a value without parsing the rest.
//!
//! Everything here but [`validate_object`] reads text that a backend stored: it never fails and never panics. Text that
//! is not JSON after all ends early; `NaN` and `Infinity`, which Python writes, read as null.

mod deep;
mod keys;
mod number;
mod scan;
mod text;
mod validate;

use std::borrow::Cow;

pub(crate) use self::deep::Tree;
pub(crate) use self::number::{compare_numbers, floor_scaled, whole_number};
pub(crate) use self::scan::{Entries, Items, Key};
pub(crate) use self::text::write_string;
pub(crate) use self::validate::{validate_object, validate_value};

/// The deepest nesting of arrays and objects that is written.
pub(crate) const MAX_DEPTH: usize = 128;

/// One JSON value: what kind it is, and its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string, decoded; borrowed where it has no escapes.
    String(Cow<'a, str>),
    /// An array, as written.
    Array(&'a str),
    /// An object, as written.
    Object(&'a str),
}

impl<'a> Json<'a> {
    /// Looks at the text of one value.
    pub(crate) fn view(value: &'a str) -> Self {
        match value.as_bytes() {
            [b'{', ..] => Self::Object(value),
            [b'[', ..] => Self::Array(value),
            [b'"', ..] => Self::String(text::decode_quoted(value)),
            [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => Self::Number(value),
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            _ => Self::Null,
        }
    }

    /// Whether this is null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// The text without the white space of JSON around it.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(scan::is_space)
}

/// The text of the value at `names`, through objects only.
pub(crate) fn value_at<'a, 'n>(
    object: &'a str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'a str> {
    names.into_iter().try_fold(object, |object, name| {
        Entries::of(object).find_map(|(key, value)| key.is(name).then_some(value))
    })
}

/// Whether two values are equal, deeply.
#[cfg(any(test, feature = "conformance"))]
pub(crate) fn equal(left: &str, right: &str) -> bool {
    Tree::of(left).equals(&Json::view(right))
}

#[cfg(test)]
mod tests;
