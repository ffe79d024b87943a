//! The token that changes with every write of a record.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Record;
use crate::{Error, Result};

/// An opaque token of one state of one record; it names the layout that it came from.
///
/// Tokens of two tiers never compare equal: a conditional write by the token of a record that has moved since
/// answers `Changed`, and the next read brings the new one.
///
/// Where it is a hash (SQLite, the archive), a record that comes back to the very same state, its times included, has
/// the same token again: after the same `put` twice, or deleted and created again within one microsecond.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    pub(crate) fn of(layout: &str, token: impl fmt::Display) -> Self {
        Self(format!("{layout}:{token}").into())
    }

    /// The token as text, to be kept and given back.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((layout, token)) if !layout.is_empty() && !token.is_empty() => {
                Ok(Self(text.into()))
            }
            _ => Err(
                Error::invalid("a version looks like `layout:token`, as a read gave it")
                    .with("value", text),
            ),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The layouts whose version is a hash of the record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashLayout {
    Sqlite,
    Archive,
}

/// How a record knows its version: not at all, as given, or by hashing itself when asked.
#[derive(Clone, Debug)]
pub(crate) enum Stamp {
    None,
    Given(Version),
    Hash(HashLayout),
    #[cfg(feature = "postgres")]
    Row(RowStamp),
}

/// What PostgreSQL keeps beside each state of a row.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowStamp {
    /// The transaction that wrote it.
    pub(crate) xmin: u32,
    /// Where it stood, as the server sends it: a hint, because the row moves without a change.
    pub(crate) ctid: [u8; 6],
}

#[cfg(feature = "postgres")]
impl RowStamp {
    /// The version of a state that the transaction `xmin` wrote.
    pub(crate) fn version_of(xmin: u32) -> Version {
        Version::of("pg1", xmin)
    }
}

impl Stamp {
    pub(super) fn version(&self, record: &Record) -> Option<Version> {
        match self {
            Self::None => None,
            Self::Given(version) => Some(version.clone()),
            Self::Hash(layout) => Some(layout.version(record)),
            #[cfg(feature = "postgres")]
            Self::Row(stamp) => Some(RowStamp::version_of(stamp.xmin)),
        }
    }
}

impl HashLayout {
    /// The version that a record of this content has in this layout.
    pub(crate) fn version(self, record: &Record) -> Version {
        self.version_at(record, record.created_at(), record.updated_at())
    }

    /// The version that a record has once it is stored with these times.
    pub(crate) fn version_at(
        self,
        record: &Record,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    ) -> Version {
        let name = match self {
            Self::Sqlite => "sqlite1",
            Self::Archive => "archive1",
        };
        // Every write makes one: digit by digit, without the formatter.
        let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
        let mut text = String::with_capacity(name.len() + 65);
        text.push_str(name);
        text.push(':');
        for byte in hash_at(record, created_at, updated_at) {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
        }
        Version(text.into())
    }
}

/// SHA-256 over id, fields, metadata and times, each behind its length so that no two contents share a text.
fn hash_at(
    record: &Record,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [
        record.id().as_str(),
        record.fields(),
        record.metadata().unwrap_or(""),
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    for time in [created_at, updated_at] {
        hash.update(
            time.map_or(i64::MIN, Timestamp::as_microsecond)
                .to_le_bytes(),
        );
    }
    hash.finalize().into()
}
