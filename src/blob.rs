//! Bytes under names: where segments lie.

mod counted;
#[cfg(feature = "archive")]
mod directory;
#[cfg(any(feature = "config", feature = "s3"))]
mod location;
mod path;
#[cfg(feature = "s3")]
mod s3;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

pub use self::counted::{BlobRequests, CountedBlobs};
#[cfg(feature = "archive")]
pub use self::directory::DirectoryStore;
#[cfg(feature = "config")]
pub(crate) use self::location::KEYS as S3_KEYS;
#[cfg(any(feature = "config", feature = "s3"))]
pub use self::location::{S3Location, S3Server};
#[cfg(feature = "s3")]
pub use self::s3::{S3Store, S3StoreBuilder};

use crate::Result;

/// A place for immutable objects. Paths are relative, with `/` between parts, and made by this crate only.
#[async_trait]
pub trait BlobStore: Send + Sync + Debug {
    /// Makes the place itself where it is missing; nothing to do where others make it (a bucket).
    ///
    /// Asked for only while no object can lie there: a place that is missing later was moved, or is not mounted, and is
    /// not made anew.
    ///
    /// # Errors
    /// `Unavailable`: it cannot be made.
    async fn prepare(&self) -> Result<()> {
        Ok(())
    }

    /// Writes a new object, durably: after this returned, a crash of the machine does not lose it.
    ///
    /// # Errors
    /// `Conflict`: an object of this name with other content exists.
    async fn put(&self, path: &str, bytes: Bytes) -> Result<()>;

    /// Reads ranges of an object, in one request where they lie together; none where it is missing.
    ///
    /// # Errors
    /// `Corrupt`: the object ends before a range does.
    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>>;

    /// Reads the last `length` bytes of an object (all of a shorter one) in one request; none where it is missing.
    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>>;

    /// The size of an object; none where it is missing.
    async fn size(&self, path: &str) -> Result<Option<u64>>;

    /// Removes an object; nothing happens where it is missing.
    async fn delete(&self, path: &str) -> Result<()>;

    /// Lists objects under a prefix, for finding orphans and for seeing that an empty store is there: no read depends on it.
    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>>;

    /// Lists uploads under a prefix that never became objects: none where objects do not go up in parts.
    fn list_unfinished(&self, _prefix: &str) -> BoxStream<'static, Result<UnfinishedUpload>> {
        stream::empty().boxed()
    }

    /// Takes back the parts of such an upload; nothing happens where it is gone, or has become an object.
    async fn take_back(&self, _upload: &UnfinishedUpload) -> Result<()> {
        Ok(())
    }

    /// The absolute address of the store, ending in `/`: what a foreign reader puts before a path.
    fn root(&self) -> String;
}

/// An object that a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its path in the store.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// An upload in parts that never became an object: what a crash leaves behind, and what costs money unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The path of the object that it was to be.
    pub path: String,
    /// Its id there.
    pub id: String,
    /// When it was begun.
    pub begun: Timestamp,
}

#[async_trait]
impl<B: BlobStore + ?Sized> BlobStore for Arc<B> {
    async fn prepare(&self) -> Result<()> {
        (**self).prepare().await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        (**self).put(path, bytes).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        (**self).get_ranges(path, ranges).await
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        (**self).get_suffix(path, length).await
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        (**self).size(path).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        (**self).delete(path).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        (**self).list(prefix)
    }

    fn list_unfinished(&self, prefix: &str) -> BoxStream<'static, Result<UnfinishedUpload>> {
        (**self).list_unfinished(prefix)
    }

    async fn take_back(&self, upload: &UnfinishedUpload) -> Result<()> {
        (**self).take_back(upload).await
    }

    fn root(&self) -> String {
        (**self).root()
    }
}
