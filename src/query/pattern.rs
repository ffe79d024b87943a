//! Patterns of `like`, `ilike` and `regex`, compiled once.

use std::fmt::Write;

use regex::Regex;

use crate::{Error, Result};

/// A pattern of `like` or `ilike`: `%` is any text, `_` any one character, `\` quotes.
#[derive(Clone, Debug)]
pub struct LikePattern {
    text: Box<str>,
    fold_case: bool,
    regex: Regex,
}

/// One piece of a [`LikePattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LikePiece {
    /// Exactly this text.
    Text(String),
    /// Any one character: `_`.
    One,
    /// Any text, also none: `%`.
    Any,
}

impl LikePattern {
    /// A pattern of `like`.
    ///
    /// # Errors
    /// `Invalid`: a `\` at the end, or too long.
    pub fn like(text: &str) -> Result<Self> {
        Self::new(text, false)
    }

    /// A pattern of `ilike`: A-Z equal a-z, and no more.
    ///
    /// # Errors
    /// `Invalid`: a `\` at the end, or too long.
    pub fn ilike(text: &str) -> Result<Self> {
        Self::new(text, true)
    }

    fn new(text: &str, fold_case: bool) -> Result<Self> {
        let pieces = pieces(text)?;
        let regex = Regex::new(&like_to_regex(&pieces, fold_case))
            .map_err(|_| Error::invalid("the pattern is too long").with("bytes", text.len()))?;
        Ok(Self {
            text: text.into(),
            fold_case,
            regex,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a pattern of `ilike`.
    pub fn folds_case(&self) -> bool {
        self.fold_case
    }

    /// The pattern taken apart, for a translation into another language; no two texts follow each other.
    pub fn pieces(&self) -> Vec<LikePiece> {
        // The text was checked when the pattern was made.
        pieces(&self.text).unwrap_or_default()
    }

    /// Whether a string matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for LikePattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.fold_case) == (&other.text, other.fold_case)
    }
}

fn pieces(text: &str) -> Result<Vec<LikePiece>> {
    let mut pieces = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let literal = match c {
            '%' => {
                pieces.push(LikePiece::Any);
                continue;
            }
            '_' => {
                pieces.push(LikePiece::One);
                continue;
            }
            '\\' => chars.next().ok_or_else(|| {
                Error::invalid(
                    "a pattern cannot end in one `\\`: it quotes the next character; write `\\\\`",
                )
                .with("pattern", text)
            })?,
            c => c,
        };
        match pieces.last_mut() {
            Some(LikePiece::Text(text)) => text.push(literal),
            _ => pieces.push(LikePiece::Text(literal.to_string())),
        }
    }
    Ok(pieces)
}

/// The same as a regular expression; `%` at either end is left out together with its anchor, which is much faster.
fn like_to_regex(pieces: &[LikePiece], fold_case: bool) -> String {
    let mut regex = String::from("(?s)");
    let open_start = pieces.first() == Some(&LikePiece::Any);
    let open_end = pieces.last() == Some(&LikePiece::Any);
    if !open_start {
        regex.push_str(r"\A");
    }
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            LikePiece::Any if index == 0 || index == last => {}
            LikePiece::Any => regex.push_str(".*?"),
            LikePiece::One => regex.push('.'),
            LikePiece::Text(text) if fold_case => {
                for c in text.chars() {
                    if c.is_ascii_alphabetic() {
                        let _ = write!(
                            regex,
                            "[{}{}]",
                            c.to_ascii_lowercase(),
                            c.to_ascii_uppercase()
                        );
                    } else {
                        regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                    }
                }
            }
            LikePiece::Text(text) => regex.push_str(&regex::escape(text)),
        }
    }
    if !open_end {
        regex.push_str(r"\z");
    }
    regex
}

/// A regular expression of the `regex` crate: the string contains a match.
#[derive(Clone, Debug)]
pub struct RegexPattern(Regex);

impl RegexPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// `Invalid`: not a pattern of the `regex` crate, or too large.
    pub fn new(text: &str) -> Result<Self> {
        Regex::new(text).map(Self).map_err(|error| {
            let problem = match &error {
                // The parser draws the pattern; its last line is the sentence.
                regex::Error::Syntax(drawing) => drawing.lines().last().unwrap_or_default(),
                _ => "it is too large",
            };
            let problem = problem.trim_start_matches("error: ").to_owned();
            Error::invalid("this is no regular expression")
                .with("pattern", text)
                .with("problem", problem)
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a string contains a match.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for RegexPattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
