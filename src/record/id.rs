//! The id of a record.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::{Error, Result};

/// The longest id that is written, in bytes.
const MAX_BYTES: usize = 512;

/// The id of a record: 1 to 512 bytes of text without control characters; cheap to clone.
///
/// `../x` is a valid id: ids never become paths.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(Arc<str>);

impl RecordId {
    /// Takes `id` if it may be written.
    ///
    /// # Errors
    /// `Invalid`: empty, too long, or with a control character.
    pub fn new(id: impl AsRef<str>) -> Result<Self> {
        let id = id.as_ref();
        if id.is_empty() {
            return Err(Error::invalid("an id is not empty"));
        }
        if id.len() > MAX_BYTES {
            let start: String = id.chars().take(40).collect();
            return Err(Error::invalid("an id is at most 512 bytes")
                .with("bytes", id.len())
                .with("starts", start));
        }
        if let Some(found) = id.chars().find(|c| c.is_control()) {
            return Err(Error::invalid("an id has no control characters")
                .with("id", format_args!("{id:?}"))
                .with("found", format_args!("U+{:04X}", u32::from(found))));
        }
        Ok(Self(id.into()))
    }

    /// An id as a backend stored it: odd old ones stay readable.
    pub(crate) fn stored(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for RecordId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RecordId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
