//! What lies in a bucket: for finding orphans, never for a read.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsError;
use aws_sdk_s3::primitives::DateTime;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::S3Store;
use super::error::{Doing, from_sdk, status};
use crate::blob::path::is_plain;
use crate::blob::{BlobInfo, UnfinishedUpload};
use crate::{Error, Result};

pub(super) fn of_objects(store: S3Store, prefix: String) -> BoxStream<'static, Result<BlobInfo>> {
    pages(store, prefix, objects)
}

/// Uploads that never became objects: what crashes leave behind costs money too.
pub(super) fn of_uploads(
    store: S3Store,
    prefix: String,
) -> BoxStream<'static, Result<UnfinishedUpload>> {
    pages(store, prefix, uploads)
}

/// Where a listing goes on.
#[derive(Debug)]
enum Next {
    At([Option<String>; 2]),
    End,
}

type Page<T> = (Vec<T>, Next);

/// Asks for page after page, each when it is wanted.
fn pages<T, F>(
    store: S3Store,
    prefix: String,
    page: impl Fn(S3Store, String, [Option<String>; 2]) -> F + Send + 'static,
) -> BoxStream<'static, Result<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<Page<T>>> + Send + 'static,
{
    stream::try_unfold(Next::At([None, None]), move |next| {
        let asked = match next {
            Next::At(marks) => Some(page(store.clone(), prefix.clone(), marks)),
            Next::End => None,
        };
        async move {
            let Some(asked) = asked else { return Ok(None) };
            let (found, next) = asked.await?;
            Ok::<_, Error>(Some((stream::iter(found.into_iter().map(Ok)), next)))
        }
    })
    .try_flatten()
    .boxed()
}

async fn objects(
    store: S3Store,
    prefix: String,
    marks: [Option<String>; 2],
) -> Result<Page<BlobInfo>> {
    let location = &store.location;
    let [token, _] = marks;
    let page = store
        .client
        .list_objects_v2()
        .bucket(location.bucket())
        .prefix(format!("{}{prefix}", location.prefix()))
        .set_continuation_token(token)
        .send()
        .await
        .map_err(|error| from_sdk(location, Doing::Listing, "", error))?;
    let found = page.contents().iter().filter_map(|object| {
        Some(BlobInfo {
            path: path(&store, object.key()?)?,
            size: object.size().and_then(|size| u64::try_from(size).ok())?,
            modified: timestamp(object.last_modified()?)?,
        })
    });
    let next = match page.next_continuation_token() {
        Some(token) if page.is_truncated() == Some(true) => {
            Next::At([Some(token.to_owned()), None])
        }
        _ => Next::End,
    };
    Ok((found.collect(), next))
}

async fn uploads(
    store: S3Store,
    prefix: String,
    marks: [Option<String>; 2],
) -> Result<Page<UnfinishedUpload>> {
    let location = &store.location;
    let [key, upload] = marks;
    let asked = store
        .client
        .list_multipart_uploads()
        .bucket(location.bucket())
        .prefix(format!("{}{prefix}", location.prefix()))
        .set_key_marker(key)
        .set_upload_id_marker(upload);
    let page = match asked.send().await {
        Ok(page) => page,
        // Then there is nothing that could be found.
        Err(error) if knows_none(&error) => return Ok((Vec::new(), Next::End)),
        Err(error) => return Err(from_sdk(location, Doing::Listing, "", error)),
    };
    let found = page.uploads().iter().filter_map(|upload| {
        Some(UnfinishedUpload {
            path: path(&store, upload.key()?)?,
            id: upload.upload_id()?.to_owned(),
            begun: timestamp(upload.initiated()?)?,
        })
    });
    let next = match (page.next_key_marker(), page.next_upload_id_marker()) {
        (Some(key), upload) if page.is_truncated() == Some(true) => {
            Next::At([Some(key.to_owned()), upload.map(str::to_owned)])
        }
        _ => Next::End,
    };
    Ok((found.collect(), next))
}

fn knows_none(error: &SdkError<ListMultipartUploadsError>) -> bool {
    status(error) == Some(501) || error.code() == Some("NotImplemented")
}

/// The path of a key; none for what is not ours: folders of other tools, names that we never give.
fn path(store: &S3Store, key: &str) -> Option<String> {
    let path = key.strip_prefix(store.location.prefix())?;
    is_plain(path).then(|| path.to_owned())
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()
}
