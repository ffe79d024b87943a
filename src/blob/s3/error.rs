//! What the SDK's errors mean to a caller: told apart by its own classes, codes and statuses, never by words.

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::blob::location::S3Location;
use crate::{Error, ErrorKind};

/// What a request is for: the permission that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Reading,
    Writing,
    Deleting,
    Listing,
}

impl Doing {
    fn message(self) -> &'static str {
        match self {
            Self::Reading => "an object cannot be read",
            Self::Writing => "an object cannot be written",
            Self::Deleting => "an object cannot be deleted",
            Self::Listing => "the bucket cannot be listed",
        }
    }

    fn permission(self, location: &S3Location) -> String {
        let (bucket, prefix) = (location.bucket(), location.prefix());
        let objects = format!("arn:aws:s3:::{bucket}/{prefix}*");
        match self {
            // Who may not list is told 403, not 404, of what is missing.
            Self::Reading => {
                format!("s3:GetObject on {objects} and s3:ListBucket on arn:aws:s3:::{bucket}")
            }
            Self::Writing => format!("s3:PutObject and s3:AbortMultipartUpload on {objects}"),
            Self::Deleting => format!("s3:DeleteObject and s3:AbortMultipartUpload on {objects}"),
            Self::Listing => {
                format!("s3:ListBucket and s3:ListBucketMultipartUploads on arn:aws:s3:::{bucket}")
            }
        }
    }
}

/// An error of the SDK as one of ours, with the place that it is about.
pub(super) fn from_sdk<E>(
    location: &S3Location,
    doing: Doing,
    object: &str,
    error: SdkError<E>,
) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let (kind, remedy) = meaning(&error);
    let mut ours = Error::new(kind, doing.message()).with("bucket", location.bucket());
    if !object.is_empty() {
        ours = ours.with("object", object);
    }
    ours = ours.with("problem", problem(&error)).with("remedy", remedy);
    if is_denied(&error) {
        ours = ours.with("permission", doing.permission(location));
    }
    if let Some(endpoint) = &location.server().endpoint {
        ours = ours.with("endpoint", endpoint);
    }
    if let Some(region) = header(&error, "x-amz-bucket-region") {
        ours = ours.with("region of the bucket", region);
    }
    if kind == ErrorKind::Unavailable
        && status(&error) == Some(403)
        && let Some(time) = header(&error, "date")
    {
        ours = ours.with("time there", time);
    }
    if let Some(id) = error.request_id() {
        ours = ours.with("request", id);
    }
    ours.with_source(error)
}

fn meaning<E>(error: &SdkError<E>) -> (ErrorKind, &'static str)
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let Some(refused) = find::<CredentialsError>(error) {
        return from_credentials(refused);
    }
    match error {
        SdkError::ConstructionFailure(_) => (
            ErrorKind::Invalid,
            "see whether the endpoint and the region are right",
        ),
        SdkError::TimeoutError(_) => (
            ErrorKind::Unavailable,
            "it did not answer in time; try again",
        ),
        SdkError::DispatchFailure(failure) => {
            if find::<rustls::Error>(error).is_some() {
                return (
                    ErrorKind::Invalid,
                    "no trusted TLS connection can be made; name who signed the server's certificate with ca_file",
                );
            }
            match failure.as_connector_error() {
                Some(error) if error.is_user() => (
                    ErrorKind::Invalid,
                    "see whether the endpoint and the region are right",
                ),
                Some(error) if error.is_timeout() => (
                    ErrorKind::Unavailable,
                    "it did not answer in time; try again",
                ),
                _ => (
                    ErrorKind::Unavailable,
                    "check the endpoint, and that it can be reached",
                ),
            }
        }
        SdkError::ResponseError(_) => (
            ErrorKind::Unavailable,
            "that is no answer of S3's; is the endpoint right?",
        ),
        SdkError::ServiceError(_) => from_service(error.code().unwrap_or_default(), status(error)),
        _ => (ErrorKind::Unexpected, "the SDK failed"),
    }
}

fn from_credentials(error: &CredentialsError) -> (ErrorKind, &'static str) {
    match error {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => (
            ErrorKind::Invalid,
            "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), or a \
             role of the machine",
        ),
        _ => (
            ErrorKind::Unavailable,
            "the credentials could not be fetched; see whether their source answers",
        ),
    }
}

fn from_service(code: &str, status: Option<u16>) -> (ErrorKind, &'static str) {
    match code {
        "NoSuchBucket" => (
            ErrorKind::Invalid,
            "there is no such bucket; make it, or correct the archive's address",
        ),
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "NotSignedUp" => (
            ErrorKind::Invalid,
            "these credentials are not accepted; see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile",
        ),
        "ExpiredToken" | "TokenRefreshRequired" => (
            ErrorKind::Invalid,
            "the credentials have expired; get new ones",
        ),
        "RequestTimeTooSkewed" | "RequestExpired" => (
            ErrorKind::Unavailable,
            "this machine's clock is not right; set it",
        ),
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "IllegalLocationConstraintException" => (
            ErrorKind::Invalid,
            "the bucket lies in another region; name that one (`region`)",
        ),
        "InvalidObjectState" => (
            ErrorKind::Unavailable,
            "it lies in a storage class that cannot be read at once; restore it there first",
        ),
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch" => (
            ErrorKind::Unavailable,
            "the bytes were damaged on their way, and nothing was stored; try again",
        ),
        "NoSuchUpload" | "ConditionalRequestConflict" | "OperationAborted" => (
            ErrorKind::Unavailable,
            "somebody else was at the same object; try again",
        ),
        "KeyTooLongError" | "EntityTooLarge" | "EntityTooSmall" | "InvalidBucketName" => {
            (ErrorKind::Invalid, "the server does not take that")
        }
        _ if THROTTLING_ERRORS.contains(&code) || TRANSIENT_ERRORS.contains(&code) => {
            (ErrorKind::Unavailable, "it is busy; try again")
        }
        _ => from_status(status),
    }
}

fn from_status(status: Option<u16>) -> (ErrorKind, &'static str) {
    match status {
        Some(401 | 403) => (
            ErrorKind::Invalid,
            "allow it to these credentials, or take others",
        ),
        Some(301 | 302 | 307) => (
            ErrorKind::Invalid,
            "the bucket lies in another region; name that one (`region`)",
        ),
        Some(404) => (
            ErrorKind::Invalid,
            "see whether the bucket is there and the endpoint is right",
        ),
        Some(501) => (
            ErrorKind::Unsupported,
            "this server cannot do that; take one that can",
        ),
        Some(408 | 429 | 500..) => (
            ErrorKind::Unavailable,
            "it is busy or has trouble; try again",
        ),
        _ => (ErrorKind::Unexpected, "see what it says"),
    }
}

fn is_denied<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error.code() {
        Some(code) => matches!(code, "AccessDenied" | "AllAccessDisabled" | "Forbidden"),
        // Answers to HEAD have no body that could hold a code.
        None => status(error) == Some(403),
    }
}

/// The HTTP status of the answer, if there was one.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    Some(error.raw_response()?.status().as_u16())
}

fn header<'e, E>(error: &'e SdkError<E>, name: &'static str) -> Option<&'e str> {
    error.raw_response()?.headers().get(name)
}

/// What went wrong, in the words of whoever says it.
fn problem<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let SdkError::ServiceError(_) = error {
        return match (error.code(), error.message(), status(error)) {
            (Some(code), Some(message), _) => format!("{message} [{code}]"),
            (Some(code), None, _) => code.to_owned(),
            (None, _, Some(status)) => format!("the server answered {status}"),
            (None, _, None) => "the server refused it".to_owned(),
        };
    }
    let mut deepest: &(dyn StdError + 'static) = error;
    while let Some(below) = below(deepest) {
        deepest = below;
    }
    deepest.to_string()
}

/// The error below another one. What an I/O error was made of is no source of its own.
fn below<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The first error of a type in a chain.
fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = below(error);
    }
    None
}

#[cfg(test)]
mod tests;
