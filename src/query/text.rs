//! Filters and paths as text: `status = 'closed' and total > 10`. The grammar stands in the README's reference.

mod grammar;
mod mistake;
mod operand;
mod print;
mod scanner;
mod slips;

use std::str::FromStr;

use self::grammar::Parser;
use super::{Filter, Path};
use crate::{Error, Result};

/// The longest text of a filter, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// How deep brackets and `not` nest at most.
const MAX_NESTING: usize = 64;

/// How many elements a list has at most.
const MAX_ELEMENTS: usize = 10_000;

/// The words that are no names unless they stand in double quotes.
const KEYWORDS: [&str; 14] = [
    "and",
    "or",
    "not",
    "in",
    "like",
    "ilike",
    "regex",
    "starts_with",
    "between",
    "exists",
    "is",
    "null",
    "true",
    "false",
];

/// Whether a name is a keyword, in any case, and so needs quotes as a path.
pub(super) fn is_keyword(name: &str) -> bool {
    KEYWORDS
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(name))
}

impl Filter {
    /// Reads a filter's text; messages say that it stands in `origin`: `orders-after-90d, where`.
    ///
    /// # Errors
    /// `Invalid`: the text, with the line, the column, what was found and what was expected there.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            return Err(Error::invalid("a filter's text is at most 64 KiB")
                .with("in", origin)
                .with("bytes", text.len()));
        }
        Parser::over(text)
            .filter()
            .map_err(|mistake| mistake.into_error(text, origin))
    }
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, "filter")
    }
}

impl FromStr for Path {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Parser::over(text)
            .only_path()
            .map_err(|mistake| mistake.into_error(text, "path"))
    }
}

#[cfg(test)]
mod tests;
