//! Reading parts of objects, each in one request.

use std::ops::Range;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::S3Store;
use super::error::{Doing, from_sdk, status};
use crate::fault::mutation;
use crate::{Error, Result};

/// Requests for ranges of one object that are under way at once.
const AT_ONCE: usize = 8;

/// How often an answer that breaks off is asked for again. The SDK's retries end where an answer begins.
const BROKEN_OFF: usize = 2;

/// No object of S3's is as large. Not every server reads a larger number.
const LARGEST: u64 = 1 << 50;

/// What is wanted of an object.
#[derive(Clone, Debug)]
enum Part {
    Range(Range<u64>),
    /// Never of length 0.
    Suffix(u64),
}

/// What became of asking for a part.
enum Answer {
    Begun(Box<GetObjectOutput>),
    Missing,
    /// The object has nothing there.
    Beyond,
}

impl S3Store {
    pub(super) async fn read_ranges(
        &self,
        path: &str,
        ranges: &[Range<u64>],
    ) -> Result<Option<Vec<Bytes>>> {
        let joined = joined(ranges);
        if joined.is_empty() {
            // No request brings nothing; whether the object is there is still asked for.
            let found = self.look_at(path).await?;
            return Ok(found.map(|_| vec![Bytes::new(); ranges.len()]));
        }
        let fetched: Option<Vec<Bytes>> = stream::iter(joined.clone())
            .map(|range| self.read(path, Part::Range(range)))
            .buffered(AT_ONCE)
            .try_collect::<Vec<Option<Bytes>>>()
            .await?
            .into_iter()
            .collect();
        Ok(fetched.map(|fetched| {
            let part = |range: &Range<u64>| cut(&joined, &fetched, range);
            ranges.iter().map(part).collect()
        }))
    }

    pub(super) async fn read_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        if length == 0 {
            return Ok(self.look_at(path).await?.map(|_| Bytes::new()));
        }
        self.read(path, Part::Suffix(length.min(LARGEST))).await
    }

    /// The size of an object; none where it is missing.
    pub(super) async fn look_at(&self, path: &str) -> Result<Option<u64>> {
        let key = self.key(path)?;
        let bucket = self.location.bucket();
        let asked = self.client.head_object().bucket(bucket).key(key);
        match asked.send().await {
            Ok(head) => Ok(Some(size(head.content_length()))),
            Err(error) if status(&error) == Some(404) => {
                // An answer to HEAD does not say which of the two is missing, the object or its bucket.
                self.look_for_bucket(path).await?;
                Ok(None)
            }
            Err(error) => Err(from_sdk(&self.location, Doing::Reading, path, error)),
        }
    }

    async fn look_for_bucket(&self, path: &str) -> Result<()> {
        let asked = self.client.head_bucket().bucket(self.location.bucket());
        match asked.send().await {
            // Who may not see the bucket was told that the object is missing, so the bucket is there.
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(403) => Ok(()),
            Err(error) => Err(from_sdk(&self.location, Doing::Reading, path, error)),
        }
    }

    async fn read(&self, path: &str, part: Part) -> Result<Option<Bytes>> {
        let key = self.key(path)?;
        if mutation("list_on_read") {
            let _found = super::listing::of_objects(self.clone(), path.to_owned())
                .next()
                .await;
        }
        let mut broken_off = 0;
        loop {
            let output = match self.ask(path, &key, &part).await? {
                Answer::Begun(output) => output,
                Answer::Missing => return Ok(None),
                Answer::Beyond => {
                    return match part {
                        // An empty object has no last bytes.
                        Part::Suffix(_) => Ok(Some(Bytes::new())),
                        Part::Range(_) => Err(self.too_short(path)),
                    };
                }
            };
            let expected = self.expected(path, &part, &output)?;
            match output.body.collect().await.map(|body| body.into_bytes()) {
                Ok(bytes) if bytes.len() as u64 == expected => return Ok(Some(bytes)),
                Err(_) | Ok(_) if broken_off < BROKEN_OFF && !mutation("broken_off_is_final") => {
                    broken_off += 1;
                }
                Ok(_) => return Err(self.broken_off(path)),
                Err(error) => return Err(self.broken_off(path).with_source(error)),
            }
        }
    }

    async fn ask(&self, path: &str, key: &str, part: &Part) -> Result<Answer> {
        let range = match part {
            Part::Range(range) => {
                let last = (range.end - 1).min(LARGEST);
                format!("bytes={}-{last}", range.start.min(last))
            }
            Part::Suffix(length) => format!("bytes=-{length}"),
        };
        let bucket = self.location.bucket();
        let asked = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .range(range);
        match asked.send().await {
            Ok(output) => Ok(Answer::Begun(Box::new(output))),
            Err(error) if is_missing(&error) => Ok(Answer::Missing),
            Err(error) if status(&error) == Some(416) => Ok(Answer::Beyond),
            Err(error) => Err(from_sdk(&self.location, Doing::Reading, path, error)),
        }
    }

    /// How many bytes the answer has, found out before any memory is taken for them.
    fn expected(&self, path: &str, part: &Part, output: &GetObjectOutput) -> Result<u64> {
        let length = size(output.content_length());
        let whole = output.content_range().is_none();
        match part {
            Part::Range(range)
                if length == range.end - range.start && !(whole && range.start > 0) =>
            {
                Ok(length)
            }
            Part::Range(range)
                if !(whole && range.start > 0) && length < range.end - range.start =>
            {
                Err(self.too_short(path))
            }
            Part::Suffix(wanted) if length <= *wanted => Ok(length),
            _ => Err(Error::unsupported(
                "the server sends other bytes than were asked for; it does not know ranges",
            )
            .with("bucket", self.location.bucket())
            .with("object", path)),
        }
    }

    fn too_short(&self, path: &str) -> Error {
        Error::corrupt("an object ends before the bytes that were asked for")
            .with("bucket", self.location.bucket())
            .with("object", path)
    }

    fn broken_off(&self, path: &str) -> Error {
        Error::unavailable("the answer broke off, again and again")
            .with("bucket", self.location.bucket())
            .with("object", path)
            .with("remedy", "see whether the network is well, and try again")
    }
}

fn is_missing(error: &SdkError<GetObjectError>) -> bool {
    match error.as_service_error() {
        Some(GetObjectError::NoSuchKey(_)) => true,
        _ => error.code() == Some("NoSuchKey"),
    }
}

/// A length as the SDK has it; absent ones and those below zero are none.
fn size(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or(0)
}

/// Ranges in their order, those that touch or overlap as one, empty ones left out.
fn joined(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges
        .iter()
        .filter(|range| !range.is_empty())
        .cloned()
        .collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// A range's bytes, out of the fetched ones, without a copy.
fn cut(joined: &[Range<u64>], fetched: &[Bytes], range: &Range<u64>) -> Bytes {
    if range.is_empty() {
        return Bytes::new();
    }
    let at = joined.partition_point(|whole| whole.end <= range.start);
    let offset = |position: u64| {
        usize::try_from(position - joined[at].start).expect("it was fetched into memory")
    };
    fetched[at].slice(offset(range.start)..offset(range.end))
}
