//! The grammar: a function for each rule, each beginning where no space stands and ending the same way.

use super::mistake::Mistake;
use super::scanner::Scanner;
use super::{MAX_ELEMENTS, MAX_NESTING, is_keyword, slips};
use crate::query::{Comparison, Filter, LikePattern, Path, Predicate, RegexPattern, Value};

pub(super) struct Parser<'a> {
    pub(super) scan: Scanner<'a>,
}

impl<'a> Parser<'a> {
    pub(super) fn over(text: &'a str) -> Self {
        let mut scan = Scanner::over(text);
        scan.spaces();
        Self { scan }
    }

    /// A whole filter; an empty text is everything.
    pub(super) fn filter(mut self) -> Result<Filter, Mistake> {
        if self.scan.peek().is_none() {
            return Ok(Filter::ALL);
        }
        let filter = self.or(MAX_NESTING)?;
        match self.scan.peek() {
            None => Ok(filter),
            Some(')') => Err(self
                .scan
                .expected("`and`, `or` or the end", "no bracket is open here")),
            Some(_) => Err(self.no_connective("`and`, `or` or the end")),
        }
    }

    /// A path and nothing else.
    pub(super) fn only_path(mut self) -> Result<Path, Mistake> {
        let path = self.path()?;
        match self.scan.peek() {
            None => Ok(path),
            Some(_) => Err(self.scan.expected(
                "the end of the path",
                "names with odd characters stand in double quotes: \"a.b\".\"x y\"",
            )),
        }
    }

    /// A value and nothing else.
    pub(super) fn only_value(mut self) -> Result<Value, Mistake> {
        let value = self.value()?;
        match self.scan.peek() {
            None => Ok(value),
            Some(_) => Err(self.scan.expected("the end of the value", "")),
        }
    }

    fn or(&mut self, room: usize) -> Result<Filter, Mistake> {
        let mut parts = vec![self.and(room)?];
        while self.scan.take_keyword("or") {
            parts.push(self.and(room)?);
        }
        Ok(several(parts, Filter::Or))
    }

    fn and(&mut self, room: usize) -> Result<Filter, Mistake> {
        let mut parts = vec![self.unary(room)?];
        while self.scan.take_keyword("and") {
            parts.push(self.unary(room)?);
        }
        Ok(several(parts, Filter::And))
    }

    fn unary(&mut self, room: usize) -> Result<Filter, Mistake> {
        let start = self.scan.at();
        let deeper = room.checked_sub(1).ok_or_else(|| {
            Mistake::new(
                start,
                "a filter nests at most 64 deep",
                "take brackets or `not` out",
            )
        });
        if self.scan.take_keyword("not") {
            return Ok(!self.unary(deeper?)?);
        }
        if !self.scan.take("(") {
            return self.test();
        }
        self.scan.spaces();
        let filter = self.or(deeper?)?;
        if !self.scan.take(")") {
            return Err(self.no_connective("`and`, `or` or `)`"));
        }
        self.scan.spaces();
        Ok(filter)
    }

    fn no_connective(&self, what: &str) -> Mistake {
        let mut mistake = self
            .scan
            .expected(what, "tests are joined by `and` or `or`");
        if let Some('=' | '!' | '<' | '>' | '-') = self.scan.peek()
            && !self.scan.rest().starts_with("-")
        {
            mistake.hint = "one test has one operator; join tests by `and`".into();
        }
        mistake
    }

    /// A path, an operator, and its operands.
    fn test(&mut self) -> Result<Filter, Mistake> {
        let path = self.path()?;
        let predicate = self.predicate()?;
        Ok(Filter::Test(path, predicate))
    }

    fn predicate(&mut self) -> Result<Predicate, Mistake> {
        if let Some(comparison) = self.comparison() {
            self.scan.spaces();
            let at = self.scan.at();
            let value = self.value()?;
            if !matches!(comparison, Comparison::Eq | Comparison::Ne) {
                value.check_order().map_err(|error| no_order(at, &error))?;
            }
            return Ok(Predicate::Compare(comparison, value));
        }
        let negated = self.negation();
        let mut operator = |keyword| self.scan.take_keyword(keyword);
        if operator("in") {
            let items = self.list()?;
            Ok(Predicate::In { items, negated })
        } else if operator("between") {
            self.between(negated)
        } else if operator("like") {
            let pattern = self.pattern(LikePattern::like)?;
            Ok(Predicate::Like { pattern, negated })
        } else if operator("ilike") {
            let pattern = self.pattern(LikePattern::ilike)?;
            Ok(Predicate::Like { pattern, negated })
        } else if operator("exists") {
            Ok(if negated {
                Predicate::NotExists
            } else {
                Predicate::Exists
            })
        } else if !negated && operator("regex") {
            Ok(Predicate::Regex(self.pattern(RegexPattern::new)?))
        } else if !negated && operator("starts_with") {
            Ok(Predicate::StartsWith(self.string()?.into()))
        } else if !negated && operator("is") {
            self.null()
        } else if negated {
            let hint = match self.scan.word() {
                Some(_) => "to negate other tests, write `not` in front: not (x regex 'a')",
                None => {
                    "`not` stands in front of a whole test, or before in, like, ilike, between, exists"
                }
            };
            Err(self
                .scan
                .expected("`in`, `like`, `ilike`, `between` or `exists`", hint))
        } else {
            let hint = slips::operator(self.scan.rest(), self.scan.word());
            let message = format!("expected an operator, found {}", self.scan.found());
            Err(Mistake::new(self.scan.at(), message, hint))
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        // Longer signs first; `=<`, `=>` and `=~` are slips of other languages.
        let slip = ["=<", "=>", "=~", "==="]
            .iter()
            .any(|slip| self.scan.rest().starts_with(slip));
        let signs = [
            ("==", Comparison::Eq),
            ("=", Comparison::Eq),
            ("!=", Comparison::Ne),
            ("<>", Comparison::Ne),
            ("<=", Comparison::Le),
            ("<", Comparison::Lt),
            (">=", Comparison::Ge),
            (">", Comparison::Gt),
        ];
        let mut signs = signs.into_iter().filter(|_| !slip);
        signs.find_map(|(sign, comparison)| self.scan.take(sign).then_some(comparison))
    }

    /// `not`, or the `not_` of `not_in`.
    fn negation(&mut self) -> bool {
        let joined = self.scan.word().and_then(|word| {
            let (not, operator) = word.split_at_checked(4)?;
            let known = ["in", "like", "ilike", "between", "exists"];
            let known = known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(operator));
            (known && not.eq_ignore_ascii_case("not_")).then_some(not)
        });
        match joined {
            Some(not) => self.scan.take(not),
            None => self.scan.take_keyword("not"),
        }
    }

    fn null(&mut self) -> Result<Predicate, Mistake> {
        let negated = self.scan.take_keyword("not");
        if !self.scan.take_keyword("null") {
            return Err(self
                .scan
                .expected("`null`", "other values are compared by `=` and `!=`"));
        }
        Ok(if negated {
            Predicate::Exists
        } else {
            Predicate::NotExists
        })
    }

    fn list(&mut self) -> Result<Vec<Value>, Mistake> {
        const LIKE: &str = "a list looks like ('a', 'b')";
        if !self.scan.take("(") {
            return Err(self.scan.expected("`(`", LIKE));
        }
        self.scan.spaces();
        let mut items = Vec::new();
        if self.scan.take(")") {
            self.scan.spaces();
            return Ok(items);
        }
        loop {
            if items.len() == MAX_ELEMENTS {
                return Err(self
                    .scan
                    .expected("at most 10,000 elements", "ask several times"));
            }
            if let Some(')' | ',') | None = self.scan.peek() {
                return Err(self.scan.expected("a value", LIKE));
            }
            if self.scan.at_keyword("null") {
                return Err(self
                    .scan
                    .expected("a value", "null is in no list; add `or .. is null`"));
            }
            items.push(self.value()?);
            if self.scan.take(")") {
                self.scan.spaces();
                return Ok(items);
            }
            if !self.scan.take(",") {
                return Err(self.scan.expected("`,` or `)`", LIKE));
            }
            self.scan.spaces();
        }
    }

    fn between(&mut self, negated: bool) -> Result<Predicate, Mistake> {
        const LIKE: &str = "write `between 1 and 9`; both bounds are included";
        let start = self.scan.at();
        if self.scan.peek() == Some('(') {
            return Err(self.scan.expected("a value", LIKE));
        }
        let low = self.value()?;
        if !self.scan.take_keyword("and") {
            return Err(self.scan.expected("`and`", LIKE));
        }
        let middle = self.scan.at();
        let high = self.value()?;
        for (at, bound) in [(start, &low), (middle, &high)] {
            bound.check_order().map_err(|error| no_order(at, &error))?;
        }
        Value::check_bounds(&low, &high).map_err(|error| {
            let kinds = format!("{} and {}", low.kind(), high.kind());
            let message = format!("expected bounds of one type, found {kinds}");
            Mistake::new(middle, message, error.message().to_owned())
        })?;
        Ok(Predicate::Between { low, high, negated })
    }

    fn pattern<P>(&mut self, compile: impl Fn(&str) -> crate::Result<P>) -> Result<P, Mistake> {
        let start = self.scan.at();
        let text = self.string()?;
        compile(&text).map_err(|error| {
            let problem = error.context().find(|(key, _)| *key == "problem");
            let hint = problem
                .map_or("mend the pattern", |(_, problem)| problem)
                .to_owned();
            Mistake::new(start, error.message().to_owned(), hint)
        })
    }

    /// A path, and the space behind it.
    fn path(&mut self) -> Result<Path, Mistake> {
        if self.scan.peek() == Some('@') {
            for (sign, root) in [
                ("@created_at", crate::query::Root::CreatedAt),
                ("@updated_at", crate::query::Root::UpdatedAt),
            ] {
                let mut behind = self.scan.clone();
                if behind.take(sign)
                    && !behind
                        .peek()
                        .is_some_and(|c| c.is_alphanumeric() || "_.".contains(c))
                {
                    self.scan = behind;
                    self.scan.spaces();
                    return Ok(Path::of(root));
                }
            }
            return Err(Mistake::new(
                self.scan.at(),
                "expected `@created_at` or `@updated_at`",
                "these are a record's own times; other names have no `@`",
            ));
        }
        if let Some(word) = self.scan.word()
            && is_keyword(word)
        {
            let hint = if word.eq_ignore_ascii_case("exists") {
                "the path comes first: `name exists`".to_owned()
            } else {
                format!("a field of this name stands in double quotes: \"{word}\"")
            };
            return Err(Mistake::new(
                self.scan.at(),
                format!("expected a path, found `{word}`"),
                hint,
            ));
        }
        let mut names = vec![self.name()?];
        while self.scan.take(".") {
            names.push(self.name()?);
        }
        self.scan.spaces();
        Ok(Path::from_names(names))
    }

    fn name(&mut self) -> Result<Box<str>, Mistake> {
        if self.scan.peek() == Some('"') {
            return Ok(self.scan.quoted('"')?.into());
        }
        match self.scan.word() {
            Some(word) => {
                self.scan.take(word);
                Ok(word.into())
            }
            None => {
                let hint = match self.scan.peek() {
                    Some('\'') => "a name stands in double quotes, or in none",
                    Some('0'..='9') => "a name that begins with a digit stands in double quotes",
                    _ => "a test looks like status = 'closed'",
                };
                Err(self.scan.expected("a path", hint))
            }
        }
    }
}

fn no_order(at: usize, error: &crate::Error) -> Mistake {
    let message = "expected something that has an order";
    Mistake::new(at, message, error.message().to_owned())
}

/// One part as it is, several joined.
fn several(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.pop(), parts.is_empty()) {
        (Some(part), true) => part,
        (last, _) => {
            parts.extend(last);
            join(parts)
        }
    }
}
