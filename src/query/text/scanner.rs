//! The characters of a filter's text: words, names, strings, signs.

use super::mistake::Mistake;
use super::slips;

/// A place in a text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn over(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The place, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What stands from the place on.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes over white space.
    pub(super) fn spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Goes over `sign` if it stands here.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// The word that stands here, without going over it: letters, digits and `_`, no digit first.
    pub(super) fn word(&self) -> Option<&'a str> {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return None;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        Some(&rest[..end.unwrap_or(rest.len())])
    }

    /// Whether `keyword` stands here, in any case.
    pub(super) fn at_keyword(&self, keyword: &str) -> bool {
        self.word()
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }

    /// Goes over `keyword`, in any case, and the space behind it, if it stands here.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            self.at += keyword.len();
            self.spaces();
        }
        found
    }

    /// Goes over as many characters as fit, and returns them.
    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Goes over text in quotes, in which a quote is doubled.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, Mistake> {
        let start = self.at;
        self.at += quote.len_utf8();
        let mut content = String::new();
        loop {
            content.push_str(self.take_while(|c| c != quote));
            if self.peek().is_none() {
                let hint = if quote == '\'' {
                    "a quote inside of a string is doubled: 'it''s'"
                } else {
                    "names stand in double quotes, strings in single ones"
                };
                return Err(Mistake::new(
                    start,
                    format!("expected a closing {quote}"),
                    hint,
                ));
            }
            self.at += quote.len_utf8();
            if self.peek() != Some(quote) {
                return Ok(content);
            }
            content.push(quote);
            self.at += quote.len_utf8();
        }
    }

    /// The mistake that something else was expected here.
    pub(super) fn expected(&self, what: &str, hint: &'static str) -> Mistake {
        let hint = slips::sign(self.rest()).unwrap_or_else(|| hint.into());
        Mistake::new(
            self.at,
            format!("expected {what}, found {}", self.found()),
            hint,
        )
    }

    /// What stands here, for messages.
    pub(super) fn found(&self) -> String {
        let rest = self.rest();
        let length = match rest.chars().next() {
            None => return "the end".to_owned(),
            Some(quote @ ('\'' | '"')) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
            Some(c) if c.is_alphanumeric() || c == '_' => rest
                .find(|c: char| !c.is_alphanumeric() && !"_.".contains(c))
                .unwrap_or(rest.len()),
            Some(c) if "=!<>&|~".contains(c) => rest
                .find(|c: char| !"=!<>&|~".contains(c))
                .unwrap_or(rest.len()),
            Some(c) => c.len_utf8(),
        };
        let token = &rest[..length];
        if token.chars().count() > 40 {
            let start: String = token.chars().take(40).collect();
            return format!("`{start}\u{2026}`");
        }
        format!("`{token}`")
    }
}
