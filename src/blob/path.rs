//! Which paths an object may have.

use crate::{Error, Result};

/// Lets through what stays below the root on every system.
pub(super) fn check_path(path: &str) -> Result<()> {
    if is_plain(path) {
        return Ok(());
    }
    Err(Error::invalid(
        "the path of an object is relative, with `/` between parts that are not empty, `.` or `..`",
    )
    .with("path", format_args!("{path:?}")))
}

/// Whether a path is one that we write.
pub(super) fn is_plain(path: &str) -> bool {
    let part_is_plain =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
    path.split('/').all(part_is_plain)
}
