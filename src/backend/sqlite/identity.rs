//! Which file a path names: another one in its place must not be taken for it.

use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// A file as the system knows it, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// The file that `path` names; none where it names none, or where the system tells no files apart.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    #[cfg(not(unix))]
    pub(super) fn of(_path: &Path) -> Option<Self> {
        None
    }
}

/// Whether `path` still names the file that it named when it was opened.
///
/// # Errors
/// `Closed`: it was replaced or removed; what is written through connections of before would be lost.
pub(super) fn check(path: &Path, opened: Option<Identity>) -> Result<()> {
    if opened.is_none() || Identity::of(path) == opened {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Closed,
        "the database file was replaced or removed while it was open; open it again",
    )
    .with("file", path.display()))
}
