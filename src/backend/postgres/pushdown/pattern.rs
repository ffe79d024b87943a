//! `like`, `ilike`, `starts_with` and `regex`.

use super::Translator;
use super::subject::Subject;
use crate::query::{LikePattern, RegexPattern};
use crate::sql::clause::Clause;
use crate::sql::required::required_text;

impl Translator {
    pub(super) fn like(&mut self, subject: &Subject, pattern: &LikePattern) -> Clause {
        if pattern.as_str().contains('\0') {
            return subject.is_text().at_most_of();
        }
        // In the collation C letters are those of ASCII, and so are the cases that ILIKE folds.
        let like = if pattern.folds_case() {
            "ILIKE"
        } else {
            "LIKE"
        };
        let matches = format!("{} {like} {}", subject.text(), self.bind(pattern.as_str()));
        Clause::exactly(subject.is_text_and(&matches))
    }

    pub(super) fn starts_with(&mut self, subject: &Subject, prefix: &str) -> Clause {
        if prefix.contains('\0') {
            return Clause::NEVER;
        }
        let matches = format!("starts_with({}, {})", subject.text(), self.bind(prefix));
        Clause::exactly(subject.is_text_and(&matches))
    }

    pub(super) fn regex(&mut self, subject: &Subject, pattern: &RegexPattern) -> Clause {
        match required_text(pattern.as_str()) {
            Some(text) if !text.contains('\0') => {
                let contains = format!("strpos({}, {}) > 0", subject.text(), self.bind(text));
                Clause::at_most(subject.is_text_and(&contains))
            }
            _ => subject.is_text().at_most_of(),
        }
    }
}
