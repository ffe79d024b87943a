//! Writing objects that are not there yet, and deleting them.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::S3Store;
use super::error::{Doing, from_sdk, status};
use crate::fault::mutation;
use crate::{Error, Result};

/// Parts that go up at once.
const AT_ONCE: usize = 4;

/// More parts no object may have.
const MOST_PARTS: usize = 10_000;

/// How much of an object that is there already is compared at a time.
const COMPARED: u64 = 8 << 20;

/// How long a write may take until its answer begins; a connection that stands still is given up sooner.
const WRITE_TIMEOUT: Duration = Duration::from_secs(300);

/// Why an object was not written.
enum Refused {
    /// Something is there under this name; maybe what was to be written.
    There(Error),
    Failed(Error),
}

/// Parts of an object that is not whole yet. Dropped before it is, it takes them back.
struct Upload<'a> {
    store: &'a S3Store,
    path: &'a str,
    key: &'a str,
    id: String,
    is_whole: bool,
}

impl S3Store {
    pub(super) async fn write(&self, path: &str, bytes: Bytes) -> Result<()> {
        let key = self.key(path)?;
        let sent = if bytes.len() > self.parts_above {
            self.write_in_parts(path, &key, &bytes).await
        } else {
            self.write_whole(path, &key, bytes.clone()).await
        };
        match sent {
            Ok(()) => Ok(()),
            Err(Refused::There(error)) => self.accept(path, &bytes, error).await,
            Err(Refused::Failed(error)) => Err(error),
        }
    }

    async fn write_whole(&self, path: &str, key: &str, bytes: Bytes) -> Result<(), Refused> {
        let sent = self
            .client
            .put_object()
            .bucket(self.location.bucket())
            .key(key)
            .set_if_none_match(condition())
            .set_checksum_algorithm(checksum())
            .body(ByteStream::from(bytes))
            .customize()
            .config_override(slow())
            .send()
            .await;
        sent.map(drop).map_err(|error| self.refused(path, error))
    }

    async fn write_in_parts(&self, path: &str, key: &str, bytes: &Bytes) -> Result<(), Refused> {
        let mut upload = self.begin(path, key).await.map_err(Refused::Failed)?;
        let done = upload.send(bytes, self.part_size(bytes.len())).await;
        // What failed for certain is taken back here, so that the caller's next word is the last one.
        if done.is_err() && !mutation("failed_parts_stay") {
            upload.abort().await;
        }
        upload.is_whole = true;
        done
    }

    async fn begin<'a>(&'a self, path: &'a str, key: &'a str) -> Result<Upload<'a>> {
        let failed = |error| from_sdk(&self.location, Doing::Writing, path, error);
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(self.location.bucket())
            .key(key)
            .set_checksum_algorithm(checksum())
            .send()
            .await
            .map_err(failed)?;
        let id = begun.upload_id.ok_or_else(|| {
            Error::unavailable("the server began an upload and gave it no id")
                .with("bucket", self.location.bucket())
                .with("object", path)
        })?;
        Ok(Upload {
            store: self,
            path,
            key,
            id,
            is_whole: false,
        })
    }

    fn part_size(&self, length: usize) -> usize {
        (self.parts_above / 2).max(length.div_ceil(MOST_PARTS))
    }

    fn refused<E>(&self, path: &str, error: SdkError<E>) -> Refused
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // An upload that is gone may have been completed by a request whose answer was lost.
        let may_be_there = status(&error) == Some(412)
            || matches!(
                error.code(),
                Some("ConditionalRequestConflict" | "NoSuchUpload")
            );
        let may_be_there = may_be_there && !mutation("refused_is_final");
        let error = from_sdk(&self.location, Doing::Writing, path, error);
        if may_be_there {
            Refused::There(error)
        } else {
            Refused::Failed(error)
        }
    }

    /// Takes what is there for what was to be written, if it is that, byte for byte.
    async fn accept(&self, path: &str, bytes: &Bytes, refusal: Error) -> Result<()> {
        let Some(size) = self.look_at(path).await? else {
            // It was there a moment ago, or it is not there yet.
            return Err(refusal);
        };
        let is_as_large = size == bytes.len() as u64;
        if is_as_large && (mutation("as_large_is_same") || self.is_same(path, bytes).await?) {
            return Ok(());
        }
        Err(Error::conflict(
            "an object of this name with other content exists; objects never change, so move that one away",
        )
        .with("bucket", self.location.bucket())
        .with("object", path))
    }

    async fn is_same(&self, path: &str, bytes: &Bytes) -> Result<bool> {
        let length = bytes.len() as u64;
        let mut start = 0;
        let mut rest = bytes.clone();
        while start < length {
            let end = length.min(start + COMPARED);
            let range = start..end;
            let Some(parts) = self.read_ranges(path, std::slice::from_ref(&range)).await? else {
                return Ok(false);
            };
            let there: Bytes = parts.into_iter().next().unwrap_or_default();
            if rest.len() < there.len() || rest.split_to(there.len()) != there {
                return Ok(false);
            }
            start = end;
        }
        Ok(true)
    }

    pub(super) async fn remove(&self, path: &str) -> Result<()> {
        let key = self.key(path)?;
        let asked = self
            .client
            .delete_object()
            .bucket(self.location.bucket())
            .key(key);
        match asked.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(from_sdk(&self.location, Doing::Deleting, path, error)),
        }
    }

    pub(super) async fn abort(&self, path: &str, key: &str, id: &str) -> Result<()> {
        let asked = self
            .client
            .abort_multipart_upload()
            .bucket(self.location.bucket())
            .key(key)
            .upload_id(id);
        match asked.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            Err(error) => Err(from_sdk(&self.location, Doing::Deleting, path, error)),
        }
    }
}

impl Upload<'_> {
    /// Sends every part and makes them one object.
    async fn send(&self, bytes: &Bytes, part_size: usize) -> Result<(), Refused> {
        let parts = stream::iter((1..).zip((0..bytes.len()).step_by(part_size)))
            .map(|(number, start)| {
                let end = bytes.len().min(start + part_size);
                self.send_part(number, bytes.slice(start..end))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(Refused::Failed)?;
        let completed = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(self.store.location.bucket())
            .key(self.key)
            .upload_id(&self.id)
            .set_if_none_match(condition())
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .customize()
            .config_override(slow())
            .send()
            .await;
        completed
            .map(drop)
            .map_err(|error| self.store.refused(self.path, error))
    }

    async fn send_part(&self, number: i32, bytes: Bytes) -> Result<CompletedPart> {
        let store = self.store;
        let sent = store
            .client
            .upload_part()
            .bucket(store.location.bucket())
            .key(self.key)
            .upload_id(&self.id)
            .part_number(number)
            .set_checksum_algorithm(checksum())
            .body(ByteStream::from(bytes))
            .customize()
            .config_override(slow())
            .send()
            .await
            .map_err(|error| from_sdk(&store.location, Doing::Writing, self.path, error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .build())
    }

    async fn abort(&self) {
        if let Err(error) = self.store.abort(self.path, self.key, &self.id).await {
            tracing::warn!(object = self.path, %error, "parts of an object that was not written stay until orphans are removed");
        }
    }
}

impl Drop for Upload<'_> {
    /// A write that was given up half way.
    fn drop(&mut self) {
        if self.is_whole || mutation("dropped_parts_stay") {
            return;
        }
        // Without a runtime nothing can be sent any more; the listing of orphans finds the parts.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (store, path, key) = (
                self.store.clone(),
                self.path.to_owned(),
                self.key.to_owned(),
            );
            let id = std::mem::take(&mut self.id);
            runtime.spawn(async move {
                let upload = Upload {
                    store: &store,
                    path: &path,
                    key: &key,
                    id,
                    is_whole: true,
                };
                upload.abort().await;
            });
        }
    }
}

/// That nothing of this name is there.
fn condition() -> Option<String> {
    (!mutation("put_without_condition")).then(|| "*".to_owned())
}

/// What the server checks the bytes by before it keeps them.
fn checksum() -> Option<ChecksumAlgorithm> {
    (!mutation("put_without_checksum")).then_some(ChecksumAlgorithm::Crc32)
}

/// With the time that bytes take to go up.
fn slow() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Config::builder()
        .timeout_config(TimeoutConfig::builder().read_timeout(WRITE_TIMEOUT).build())
}
