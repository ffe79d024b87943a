//! The move: old records leave the primary in the transaction that makes their archived copy visible.

mod backlog;
mod due;
mod plan;
mod primary_half;
mod report;
mod run;

pub use self::backlog::Backlog;
pub(crate) use self::backlog::Sweep;
pub use self::plan::Plan;
pub(crate) use self::plan::plan;
pub use self::report::ArchiveReport;
pub(crate) use self::run::{Run, run};
