//! Questions: filters, order, limits, projection, as types and as text; and the one meaning of all of them.

mod collect;
mod filter;
mod instant;
mod json_form;
mod key;
mod lookup;
mod matcher;
mod narrow;
mod normal;
mod operand;
mod path;
mod pattern;
mod prepared;
mod projection;
mod text;
mod value;

use std::fmt;

pub(crate) use self::collect::Collector;
pub use self::filter::{Comparison, Filter, Predicate};
pub use self::instant::Instant;
pub(crate) use self::instant::{UNITS, first, parse_time};
pub(crate) use self::key::KeyBound;
pub use self::key::SortKey;
pub(crate) use self::lookup::value_at;
pub use self::path::{Path, Root};
pub use self::pattern::{LikePattern, LikePiece, RegexPattern};
pub use self::prepared::Prepared;
pub use self::value::{Number, Value};

use crate::Result;

/// A question to a [`Database`](crate::Database): which records, in which order, how many, which parts of them.
///
/// Without a sort the order is by id if there is an offset, else any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Which records.
    pub filter: Filter,
    /// In which order; ties are broken by id, ascending.
    pub sort: Vec<Sort>,
    /// At most so many; 0 is none.
    pub limit: Option<u64>,
    /// Leaves out so many of the first.
    pub offset: u64,
    /// Only these branches of the fields; id, metadata and times always come.
    pub fields: Option<Vec<Path>>,
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// Where the value stands.
    pub path: Path,
    /// Which way.
    pub order: Order,
}

/// The way of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Missing and null, false, true, numbers, strings, arrays, objects.
    #[default]
    Asc,
    /// The reverse.
    Desc,
}

impl Query {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// The records that match a filter's text: `status = 'open' and total > 10`.
    ///
    /// # Errors
    /// `Invalid`: the text, with the place and what was expected there.
    pub fn filter(text: &str) -> Result<Self> {
        Ok(Self::from(text.parse::<Filter>()?))
    }

    /// Adds a sort key.
    ///
    /// # Errors
    /// `Invalid`: the text is no path.
    pub fn sort(mut self, path: &str, order: Order) -> Result<Self> {
        self.sort.push(Sort {
            path: path.parse()?,
            order,
        });
        Ok(self)
    }

    /// At most `limit` records.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out the first `offset` records.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Keeps only these branches of the fields.
    ///
    /// # Errors
    /// `Invalid`: a text that is no path.
    pub fn fields<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        self.fields = Some(paths.into_iter().map(str::parse).collect::<Result<_>>()?);
        Ok(self)
    }
}

impl From<Filter> for Query {
    fn from(filter: Filter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        })
    }
}

#[cfg(test)]
pub(crate) mod arbitrary_tests;
#[cfg(test)]
mod model_tests;
