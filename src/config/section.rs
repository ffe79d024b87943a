//! Reading a TOML table key by key, so that every problem is found at once and with its line.
//!
//! serde stops at the first problem and cannot say where a value stood once it has been read; a person who mends a file
//! wants all of them.

use std::cell::RefCell;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::problem::Problem;
use super::{environment, units};

/// A table of a [`Document`], with the keys that were asked for.
#[derive(Debug)]
pub(super) struct Section<'d, 't> {
    document: &'d Document<'t>,
    table: &'d DeTable<'t>,
    prefix: String,
    offset: Option<usize>,
    known: RefCell<Vec<&'static str>>,
    not_built: RefCell<Vec<&'static str>>,
}

/// A key that is there, and its value.
#[derive(Debug)]
pub(super) struct Entry<'d, 't> {
    document: &'d Document<'t>,
    key: String,
    offset: usize,
    value: &'d Spanned<DeValue<'t>>,
}

impl<'d, 't> Section<'d, 't> {
    pub(super) fn top(document: &'d Document<'t>, table: &'d DeTable<'t>) -> Self {
        Self {
            document,
            table,
            prefix: String::new(),
            offset: None,
            known: RefCell::default(),
            not_built: RefCell::default(),
        }
    }

    /// The value of a key, if it is there. From then on the key is known.
    pub(super) fn entry(&self, key: &'static str) -> Option<Entry<'d, 't>> {
        self.known.borrow_mut().push(key);
        self.value(key)
    }

    fn value(&self, key: &'static str) -> Option<Entry<'d, 't>> {
        let (name, value) = self.table.get_key_value(key)?;
        let key = format!("{}{key}", self.prefix);
        Some(Entry::new(self.document, key, name.span().start, value))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes what is wrong with a key that is not there, at the table's own line.
    pub(super) fn note(&self, key: &str, message: &str, help: &str) {
        let problem = Problem::new(format!("{}{key}", self.prefix), message).help(help);
        self.document.note(self.offset, problem);
    }

    pub(super) fn section(&self, key: &'static str) -> Option<Self> {
        self.entry(key)?.section()
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.entry(key)?.text()
    }

    pub(super) fn parse<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.entry(key)?.parse(parse)
    }

    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        self.entry(key)?.duration()
    }

    pub(super) fn size(&self, key: &'static str) -> Option<u64> {
        self.entry(key)?.size()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &'static str,
        choices: &[(&'static str, Choice<T>)],
    ) -> Option<T> {
        self.entry(key)?.choice(choices)
    }

    /// A documented key that this version does not act on: an error, for an ignored one would do harm.
    pub(super) fn not_built(&self, key: &'static str, help: &str) {
        self.not_built.borrow_mut().push(key);
        if let Some(entry) = self.value(key) {
            entry.not_built("this key is not built yet", help);
        }
    }

    /// A key whose value nobody must see, and that has no business in the file.
    pub(super) fn secret(&self, key: &'static str, message: &str, help: &str) {
        self.not_built.borrow_mut().push(key);
        if let Some((name, _)) = self.table.get_key_value(key) {
            let problem = Problem::new(format!("{}{key}", self.prefix), message).help(help);
            self.document.note(Some(name.span().start), problem);
        }
    }

    /// The keys that are names of the user's own, in the order of the file, each with its table.
    pub(super) fn named_sections(&self) -> Vec<(String, Self)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        entries
            .into_iter()
            .filter_map(|(name, value)| {
                let key = format!("{}{}", self.prefix, name.get_ref());
                let entry = Entry::new(self.document, key, name.span().start, value);
                Some((name.get_ref().to_string(), entry.section()?))
            })
            .collect()
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self) {
        let not_built = self.not_built.into_inner();
        let mut known = self.known.into_inner();
        known.sort_unstable();
        for (name, value) in self.table {
            let found = name.get_ref().as_ref();
            if known.contains(&found) || not_built.contains(&found) {
                continue;
            }
            let key = format!("{}{found}", self.prefix);
            let entry = Entry::new(self.document, key, name.span().start, value);
            let keys = format!("the keys here are {}", known.join(", "));
            let help = match nearest(found, &known) {
                Some(near) => format!("did you mean `{near}`? {keys}"),
                None => keys,
            };
            entry.note("there is no such key", &help);
        }
    }
}

/// What a word of a [`Section::choice`] stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice<T> {
    Value(T),
    /// Documented, and not built: the remedy.
    NotBuilt(&'static str),
}

impl<'d, 't> Entry<'d, 't> {
    fn new(
        document: &'d Document<'t>,
        key: String,
        offset: usize,
        value: &'d Spanned<DeValue<'t>>,
    ) -> Self {
        document.remember(&key, offset);
        Self {
            document,
            key,
            offset,
            value,
        }
    }

    fn problem(&self, message: &str) -> Problem {
        let problem = Problem::new(self.key.clone(), message);
        match self.value.get_ref() {
            DeValue::Table(_) => problem,
            // As it stands in the file: what the environment puts into it stays out of messages.
            _ => problem.value(self.document.excerpt(self.value.span())),
        }
    }

    pub(super) fn note(&self, message: &str, help: &str) {
        let problem = self.problem(message);
        let problem = if help.is_empty() {
            problem
        } else {
            problem.help(help)
        };
        self.document.note(Some(self.offset), problem);
    }

    pub(super) fn not_built(&self, message: &str, help: &str) {
        let problem = self.problem(message).not_built().help(help);
        self.document.note(Some(self.offset), problem);
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(_))
    }

    pub(super) fn section(&self) -> Option<Section<'d, 't>> {
        if let DeValue::Table(table) = self.value.get_ref() {
            return Some(Section {
                document: self.document,
                table,
                prefix: format!("{}.", self.key),
                offset: Some(self.offset),
                known: RefCell::default(),
                not_built: RefCell::default(),
            });
        }
        self.note(
            "expected a table",
            &format!("write it as [{}] with its keys below", self.key),
        );
        None
    }

    pub(super) fn text(&self) -> Option<String> {
        let DeValue::String(text) = self.value.get_ref() else {
            self.note("expected text", "text stands in quotes: \"..\"");
            return None;
        };
        environment::expand(text, |name| std::env::var(name).ok())
            .map_err(|(message, help)| self.note(&message, &help))
            .ok()
    }

    pub(super) fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text()?;
        parse(&text).map_err(|message| self.note(&message, "")).ok()
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        if !self.is_text() {
            self.note(
                "a duration is text, with its unit",
                "such as \"30s\", \"10m\", \"1h 30m\" or \"7d\"",
            );
            return None;
        }
        self.parse(units::parse_duration)
    }

    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.note(
                "expected a list of texts",
                "a list looks like [\"a\", \"b\"]",
            );
            return None;
        };
        items
            .iter()
            .map(|value| {
                let offset = value.span().start;
                Entry::new(self.document, self.key.clone(), offset, value).text()
            })
            .collect()
    }

    pub(super) fn size(&self) -> Option<u64> {
        if matches!(self.value.get_ref(), DeValue::Integer(_)) {
            return self.integer();
        }
        self.parse(units::parse_size)
    }

    /// A whole number, not below zero.
    pub(super) fn integer(&self) -> Option<u64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.note("expected a whole number, not below zero", "such as 200_000");
        }
        number
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let DeValue::Boolean(value) = self.value.get_ref() else {
            self.note("expected true or false", "without quotes");
            return None;
        };
        Some(*value)
    }

    pub(super) fn choice<T: Copy>(&self, choices: &[(&'static str, Choice<T>)]) -> Option<T> {
        let text = self.text()?;
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, Choice::Value(value))) => Some(*value),
            Some((word, Choice::NotBuilt(help))) => {
                self.not_built(&format!("`{word}` is not built yet"), help);
                None
            }
            None => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                let all = format!("it is one of {}", words.join(", "));
                let help = match nearest(&text, &words) {
                    Some(near) => format!("did you mean \"{near}\"? {all}"),
                    None => all,
                };
                self.note("there is no such choice", &help);
                None
            }
        }
    }
}

/// The name that was probably meant.
pub(super) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&found.to_lowercase(), name),
                *name,
            )
        })
        .min()?;
    let length = found.chars().count();
    (near.0 <= 1 + length / 3 && near.0 < length).then_some(near.1)
}
