//! `like`, `ilike`, `starts_with` and `regex`.

use super::subject::{Kind, Subject};
use super::{Clause, Translator};
use crate::query::{LikePattern, LikePiece, RegexPattern};
use crate::sql::required::required_text;

/// The longest pattern that SQLite is given; it takes 50,000 bytes.
const LONGEST: usize = 10_000;

/// The most `%` of a pattern that SQLite is given: its time grows with the text's length for each of them.
const MOST_ANY: usize = 4;

impl Translator {
    pub(super) fn like(&mut self, subject: &Subject, pattern: &LikePattern) -> Clause {
        let pieces = pattern.pieces();
        let any = pieces
            .iter()
            .filter(|piece| **piece == LikePiece::Any)
            .count();
        if any > MOST_ANY || !is_plain(pattern.as_str()) {
            return subject.is_text().at_most_of();
        }
        let matches = if pattern.folds_case() {
            let pattern = self.bind(like_pattern(&pieces));
            format!("{} LIKE {pattern} ESCAPE '\\'", subject.text)
        } else {
            let pattern = self.bind(glob_pattern(&pieces));
            format!("{} GLOB {pattern}", subject.text)
        };
        if subject.kind == Kind::OwnTime {
            return Clause::exactly(matches);
        }
        // SQLite's patterns end at U+0000, which other programs may have written.
        let nul = format!("instr({}, char(0))", subject.text);
        Clause {
            may: subject
                .is_text_and(&format!("({matches} OR {nul} > 0)"))
                .into(),
            must: subject
                .is_text_and(&format!("({matches} AND {nul} = 0)"))
                .into(),
        }
    }

    pub(super) fn starts_with(&mut self, subject: &Subject, prefix: &str) -> Clause {
        if !is_plain(prefix) {
            return subject.is_text().at_most_of();
        }
        let pattern = glob_pattern(&[LikePiece::Text(prefix.to_owned()), LikePiece::Any]);
        let pattern = self.bind(pattern);
        let matches = format!("{} GLOB {pattern}", subject.text);
        Clause::exactly(subject.is_text_and(&matches))
    }

    pub(super) fn regex(&mut self, subject: &Subject, pattern: &RegexPattern) -> Clause {
        match required_text(pattern.as_str()) {
            Some(text) if is_plain(&text) => {
                let text = self.bind(text);
                let contains = format!("instr({}, {text}) > 0", subject.text);
                Clause::at_most(subject.is_text_and(&contains))
            }
            _ => subject.is_text().at_most_of(),
        }
    }
}

/// Whether SQLite reads a text as we do: it ends patterns at U+0000 and takes the last characters of the plane for one.
fn is_plain(text: &str) -> bool {
    text.len() <= LONGEST && !text.contains(['\0', '\u{FFFD}', '\u{FFFE}', '\u{FFFF}'])
}

fn glob_pattern(pieces: &[LikePiece]) -> String {
    let mut glob = String::new();
    for piece in pieces {
        match piece {
            LikePiece::Any => glob.push('*'),
            LikePiece::One => glob.push('?'),
            LikePiece::Text(text) => {
                for c in text.chars() {
                    match c {
                        '*' | '?' | '[' => glob.extend(['[', c, ']']),
                        c => glob.push(c),
                    }
                }
            }
        }
    }
    glob
}

fn like_pattern(pieces: &[LikePiece]) -> String {
    let mut like = String::new();
    for piece in pieces {
        match piece {
            LikePiece::Any => like.push('%'),
            LikePiece::One => like.push('_'),
            LikePiece::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '%' | '_' | '\\') {
                        like.push('\\');
                    }
                    like.push(c);
                }
            }
        }
    }
    like
}
