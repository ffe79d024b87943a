//! What a filter says about ids alone, so that a question for one record is not answered by a scan.

use super::{Comparison, Filter, Predicate, Root, Value};

impl Filter {
    /// The only id that can match, where the filter names one.
    pub(crate) fn only_id(&self) -> Option<&str> {
        match self {
            Self::And(filters) => filters.iter().find_map(Self::only_id),
            Self::Test(path, Predicate::Compare(Comparison::Eq, Value::String(id)))
                if path.root() == Root::Id =>
            {
                Some(id)
            }
            _ => None,
        }
    }
}
