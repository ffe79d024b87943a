//! One configuration file while it is read: its text, its lines, and what is wrong with it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeTable;

use super::problem::Problem;

/// One file while it is read: its text, and what is wrong with it so far.
#[derive(Debug)]
pub(super) struct Document<'a> {
    file: PathBuf,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
    lines: RefCell<Lines>,
}

/// The line of each key that was read.
pub(super) type Lines = HashMap<String, usize>;

impl<'a> Document<'a> {
    pub(super) fn new(file: impl Into<PathBuf>, text: &'a str) -> Self {
        Self {
            file: file.into(),
            text,
            problems: RefCell::default(),
            lines: RefCell::default(),
        }
    }

    /// The top table, or none if the text is no TOML (which is noted).
    pub(super) fn parse(&self) -> Option<Spanned<DeTable<'a>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let problem = Problem::new("", format!("not TOML: {}", error.message()));
            let (problem, offset) = match error.span() {
                Some(span) => (problem.value(self.line_at(span.start)), Some(span.start)),
                None => (problem, None),
            };
            self.note(offset, problem);
        }
        errors.is_empty().then_some(table)
    }

    pub(super) fn note(&self, offset: Option<usize>, mut problem: Problem) {
        problem.file = Some(self.file.clone());
        problem.line = offset.map(|offset| self.line_number(offset));
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn finish(self) -> (Vec<Problem>, Lines) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        (problems, self.lines.into_inner())
    }

    /// Keeps the line of a key, for what is found wrong with it later.
    pub(super) fn remember(&self, key: &str, offset: usize) {
        let line = self.line_number(offset);
        self.lines.borrow_mut().insert(key.to_owned(), line);
    }

    /// A part of the text, cut where it gets long, and without passwords.
    pub(super) fn excerpt(&self, span: Range<usize>) -> String {
        const LONGEST: usize = 100;
        let text = without_passwords(self.text.get(span).unwrap_or_default());
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}..", &text[..end]),
            None => text,
        }
    }

    fn line_number(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn line_at(&self, offset: usize) -> String {
        let line = self.line_number(offset);
        let text = self.text.lines().nth(line - 1).unwrap_or_default();
        without_passwords(text.trim())
    }
}

/// `scheme://user:password@host` with the password hidden.
pub(crate) fn without_passwords(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find([' ', '"', '\'', '?']).unwrap_or(rest.len());
    let shown = match rest[..end].rfind('@') {
        Some(at) => {
            let user = rest[..at].split(':').next().unwrap_or_default();
            format!("{user}:***{}", &rest[at..end])
        }
        None => rest[..end].to_owned(),
    };
    format!("{scheme}://{shown}{}", without_passwords(&rest[end..]))
}
