//! Conditions of SQL that know when they are constant.

/// A condition; SQL's third truth value counts as false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend::sqlite) enum Condition {
    /// True of every row.
    Always,
    /// True of no row.
    Never,
    /// True where this expression is.
    Sql(String),
}

impl Condition {
    pub(super) fn all(parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Never) {
            return Self::Never;
        }
        Self::joined(parts, " AND ").unwrap_or(Self::Always)
    }

    pub(super) fn any(parts: Vec<Self>) -> Self {
        if parts.contains(&Self::Always) {
            return Self::Always;
        }
        Self::joined(parts, " OR ").unwrap_or(Self::Never)
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Sql(sql) => Self::Sql(format!("({sql}) IS NOT TRUE")),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Sql(sql) => sql.len(),
            Self::Always | Self::Never => 0,
        }
    }

    /// The condition as an expression.
    pub(in crate::backend::sqlite) fn sql(&self) -> &str {
        match self {
            Self::Always => "TRUE",
            Self::Never => "FALSE",
            Self::Sql(sql) => sql,
        }
    }

    /// Joins the expressions as a tree that is as flat as it can be: SQLite bounds the depth of expressions.
    fn joined(parts: Vec<Self>, word: &str) -> Option<Self> {
        let mut expressions: Vec<String> = parts
            .into_iter()
            .filter_map(|part| match part {
                Self::Sql(sql) => Some(sql),
                Self::Always | Self::Never => None,
            })
            .collect();
        while expressions.len() > 1 {
            expressions = expressions
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => format!("({left}){word}({right})"),
                    one => one.concat(),
                })
                .collect();
        }
        expressions.pop().map(Self::Sql)
    }
}

impl From<String> for Condition {
    fn from(sql: String) -> Self {
        Self::Sql(sql)
    }
}
