//! What the jobs share: records, clocks, rounds in which both sides take turns, children, the table.

pub(crate) mod child;
pub(crate) mod data;
pub(crate) mod flights;
pub(crate) mod machine;
#[cfg(feature = "postgres")]
pub(crate) mod memory;
pub(crate) mod rounds;
pub(crate) mod table;
