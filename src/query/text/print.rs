//! Filters written as text that reads back as the same tree.

use std::fmt;

use crate::query::{Comparison, Filter, Predicate, Value};

impl fmt::Display for Filter {
    /// The filter as text.
    ///
    /// It reads back as an equal tree, unless an `And` or `Or` has fewer than two parts: those have no text of their
    /// own, and what is written in their place means the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) if parts.is_empty() => Ok(()),
            filter => write_filter(filter, Around::Nothing, f),
        }
    }
}

/// What a filter stands in.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Nothing,
    Or,
    And,
    Not,
}

fn write_filter(filter: &Filter, around: Around, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (parts, word, inside) = match filter {
        Filter::Not(part) => {
            f.write_str("not ")?;
            return write_filter(part, Around::Not, f);
        }
        Filter::Test(path, predicate) => {
            return write!(f, "{path} {predicate}");
        }
        // Every record has an id.
        Filter::And(parts) if parts.is_empty() => return f.write_str("id exists"),
        Filter::Or(parts) if parts.is_empty() => return f.write_str("id not exists"),
        Filter::And(parts) => (parts, " and ", Around::And),
        Filter::Or(parts) => (parts, " or ", Around::Or),
    };
    if let [part] = parts.as_slice() {
        return write_filter(part, around, f);
    }
    // `and` binds closer than `or`; a tree in a tree of its own kind keeps its brackets.
    let bare = around == Around::Nothing || (around, inside) == (Around::Or, Around::And);
    if !bare {
        f.write_str("(")?;
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        write_filter(part, inside, f)?;
    }
    if !bare {
        f.write_str(")")?;
    }
    Ok(())
}

impl fmt::Display for Predicate {
    /// The operator and its operands, as they stand behind a path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: &bool| if *negated { "not " } else { "" };
        match self {
            Self::Compare(comparison, value) => write!(f, "{comparison} {value}"),
            Self::Between { low, high, negated } => {
                write!(f, "{}between {low} and {high}", not(negated))
            }
            Self::In { items, negated } => {
                write!(f, "{}in (", not(negated))?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Self::Like { pattern, negated } => {
                let operator = if pattern.folds_case() {
                    "ilike"
                } else {
                    "like"
                };
                write!(f, "{}{operator} {}", not(negated), quoted(pattern.as_str()))
            }
            Self::Regex(pattern) => write!(f, " regex {}", quoted(pattern.as_str())),
            Self::StartsWith(prefix) => write!(f, " starts_with {}", quoted(prefix)),
            Self::Exists => f.write_str("exists"),
            Self::NotExists => f.write_str("not exists"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        })
    }
}

impl fmt::Display for Value {
    /// The value as it is written in a filter's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::String(text) => f.write_str(&quoted(text)),
            Self::Json(text) => write!(f, "json {}", quoted(text)),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
