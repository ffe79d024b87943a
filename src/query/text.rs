//! Filters and paths as text: `status = 'closed' and total > 10`.
//!
//! ```ebnf
//! filter  = [ or ] ;   or = and { "or" and } ;   and = unary { "and" unary } ;
//! unary   = "not" unary | "(" or ")" | test ;                      (* keywords in any case *)
//! test    = path ( ( "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) value
//!         | [ "not" ] "in" "(" [ value { "," value } ] ")"
//!         | [ "not" ] ( "like" | "ilike" ) string | ( "regex" | "starts_with" ) string
//!         | [ "not" ] "between" value "and" value | [ "not" ] "exists" | "is" [ "not" ] "null" ) ;
//! path    = "@created_at" | "@updated_at" | name { "." name } ;
//! name    = letter_or_ { letter_or_ | digit } | '"' { char | '""' } '"' ;
//! value   = string | number | "true" | "false" | "json" string | instant ;
//! instant = ( "now()" | "date" string | "timestamp" string )
//!           { ( "+" | "-" ) digits ( "ms" | "s" | "m" | "h" | "d" | "w" ) } ;
//! string  = "'" { char | "''" } "'" ;
//! ```
//!
//! `not_in`, `not_like`, `not_ilike`, `not_between` and `not_exists` are the same as with a space.

mod grammar;
mod mistake;
mod operand;
mod print;
mod scanner;
mod slips;

use std::str::FromStr;

use self::grammar::Parser;
use super::{Filter, Path, Value};
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

/// The point in time that is `now()` and these spans: `-90d`, or nothing.
pub(super) fn from_now(spans: &str) -> Option<Value> {
    Parser::over(&format!("now() {spans}")).only_value().ok()
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
