//! What a filter says of every match, so that what cannot match need not be looked at.

use super::{Comparison, Filter, Path, Predicate, Root, Value};

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

    /// Whether every match certainly has a value at `place`.
    #[cfg(feature = "sqlite")]
    pub(crate) fn needs(&self, place: &Path) -> bool {
        match self {
            Self::And(filters) => filters.iter().any(|filter| filter.needs(place)),
            Self::Or(filters) => {
                !filters.is_empty() && filters.iter().all(|filter| filter.needs(place))
            }
            Self::Not(_) => false,
            Self::Test(path, predicate) => path == place && *predicate != Predicate::NotExists,
        }
    }
}
