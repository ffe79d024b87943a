//! Objects in a bucket of S3, or of a server that speaks like it.

mod connect;
mod error;
mod listing;
mod read;
mod write;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use self::connect::S3StoreBuilder;

use super::location::S3Location;
use super::path::check_path;
use super::{BlobInfo, BlobStore, UnfinishedUpload};
use crate::{Error, Result};

/// The longest key that S3 takes, in bytes.
const LONGEST_KEY: usize = 1024;

/// A [`BlobStore`] over a bucket.
///
/// An object is created once and never replaced (`If-None-Match`); what is there already is compared with what was to be
/// written, so a write whose answer was lost is known as done. Large objects go up in parts, and a write that fails or is
/// dropped takes its parts back. Requests are tried again by the SDK alone, as it is set up, three times in all.
///
/// Credentials come from where every AWS tool takes them: the environment, a profile, the machine's role.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    location: Arc<S3Location>,
    /// Objects that are larger go up in parts of half the size.
    parts_above: usize,
}

impl S3Store {
    /// Opens the bucket that a location, or its URL, names. Nothing is asked of the server yet.
    ///
    /// ```no_run
    /// # async fn open() -> thermocline::Result<()> {
    /// let store = thermocline::S3Store::open("s3://bucket/archive?region=eu-central-1").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Invalid`: no such location can be, no region is known, or `ca_file` cannot be read.
    pub async fn open<L>(location: L) -> Result<Self>
    where
        L: TryInto<S3Location, Error: Into<Error>>,
    {
        let builder = Self::builder(location.try_into().map_err(Into::into)?);
        // What the SDK keeps while it looks for its settings is large.
        Box::pin(builder.open()).await
    }

    /// Opens the bucket of a location with more settings.
    pub fn builder(location: S3Location) -> S3StoreBuilder {
        S3StoreBuilder::new(location)
    }

    fn key(&self, path: &str) -> Result<String> {
        check_path(path)?;
        let key = format!("{}{path}", self.location.prefix());
        if key.len() > LONGEST_KEY {
            return Err(Error::invalid(
                "the key of an object in S3 has at most 1024 bytes; shorten the prefix or the table's name",
            )
            .with("bucket", self.location.bucket())
            .with("object", path)
            .with("bytes", key.len()));
        }
        Ok(key)
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3Store").field(&self.location).finish()
    }
}

#[async_trait]
impl BlobStore for S3Store {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.write(path, bytes).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        self.read_ranges(path, ranges).await
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        self.read_suffix(path, length).await
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        self.look_at(path).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.remove(path).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        listing::of_objects(self.clone(), prefix.to_owned())
    }

    fn list_unfinished(&self, prefix: &str) -> BoxStream<'static, Result<UnfinishedUpload>> {
        listing::of_uploads(self.clone(), prefix.to_owned())
    }

    async fn take_back(&self, upload: &UnfinishedUpload) -> Result<()> {
        let key = self.key(&upload.path)?;
        self.abort(&upload.path, &key, &upload.id).await
    }

    fn root(&self) -> String {
        self.location.to_string()
    }
}
