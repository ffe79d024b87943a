//! Where in S3 objects lie, and how its server is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use super::path::is_plain;
use crate::url::{encoded, parts};
use crate::{Error, Result};

/// A bucket, the prefix of every key in it, and how its server is reached.
///
/// It is read from text, `s3://bucket/prefix?region=eu-central-1`; its keys are `endpoint`, `region`, `path_style` and
/// `ca_file`. What is not said comes from where every AWS tool takes it: the environment, then `~/.aws/config`.
/// Credentials are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    bucket: String,
    /// Empty, or ending in `/`.
    prefix: String,
    server: S3Server,
}

/// How a server of S3 is reached; what is not said comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct S3Server {
    /// Its URL, where it is not Amazon's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region that requests are signed for; `us-east-1` where an endpoint stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether the bucket's name stands in the path instead of the host's name: by default where there is an endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// A file in PEM with whom to trust beside the system's own authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// The keys of a location's URL, which are [`S3Server`]'s.
pub(crate) const KEYS: [&str; 4] = ["endpoint", "region", "path_style", "ca_file"];

impl S3Location {
    /// A bucket, and what every key in it begins with: empty, or folders with `/` between them.
    ///
    /// # Errors
    /// `Invalid`: no bucket can have such a name, or no object of ours such a prefix.
    pub fn new(bucket: impl Into<String>, prefix: impl Into<String>) -> Result<Self> {
        let (bucket, mut prefix) = (bucket.into(), prefix.into());
        if bucket.contains('@') {
            return Err(Error::invalid(NO_CREDENTIALS));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !(3..=255).contains(&bucket.len()) || !bucket.chars().all(fits) {
            return Err(Error::invalid(
                "a bucket's name has 3 to 63 letters, digits, dots and hyphens: s3://bucket/prefix",
            )
            .with("bucket", format_args!("{bucket:?}")));
        }
        if prefix.ends_with('/') {
            prefix.pop();
        }
        if !prefix.is_empty() {
            if !is_plain(&prefix) || prefix.chars().any(char::is_control) {
                return Err(Error::invalid(
                    "a prefix is folders with `/` between them, none of them empty, `.` or `..`, without `\\` and `:`",
                )
                .with("prefix", format_args!("{prefix:?}")));
            }
            prefix.push('/');
        }
        Ok(Self {
            bucket,
            prefix,
            server: S3Server::default(),
        })
    }

    /// Says how the server is reached.
    #[must_use]
    pub fn at(mut self, server: S3Server) -> Self {
        self.server = server;
        self
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What every key begins with: empty, or ending in `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The URL that reads back as the same location.
    pub fn url(&self) -> String {
        let server = &self.server;
        let values = [
            server.endpoint.clone(),
            server.region.clone(),
            server.path_style.map(|path_style| path_style.to_string()),
            server
                .ca_file
                .as_ref()
                .map(|file| file.display().to_string()),
        ];
        let mut url = format!("s3://{}/{}", self.bucket, encoded(&self.prefix));
        let mut mark = '?';
        for (key, value) in KEYS.iter().zip(values) {
            if let Some(value) = value {
                url = format!("{url}{mark}{key}={}", encoded(&value));
                mark = '&';
            }
        }
        url
    }

    /// The same with a relative `ca_file` counted from `folder`.
    #[must_use]
    pub(crate) fn beside(mut self, folder: &Path) -> Self {
        self.server = self.server.beside(folder);
        self
    }

    /// How the server is reached.
    pub fn server(&self) -> &S3Server {
        &self.server
    }
}

impl S3Server {
    /// The values of [`KEYS`].
    pub(crate) fn from_values(values: [Option<String>; 4]) -> Result<Self> {
        let [endpoint, region, path_style, ca_file] = values;
        let server = Self {
            endpoint,
            region,
            path_style: path_style.map(|text| boolean(&text)).transpose()?,
            ca_file: ca_file.map(PathBuf::from),
        };
        server.check()?;
        Ok(server)
    }

    /// Takes from `other` what is not said here.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            endpoint: self.endpoint.or_else(|| other.endpoint.clone()),
            region: self.region.or_else(|| other.region.clone()),
            path_style: self.path_style.or(other.path_style),
            ca_file: self.ca_file.or_else(|| other.ca_file.clone()),
        }
    }

    /// The same with a relative `ca_file` counted from `folder`.
    #[must_use]
    pub(crate) fn beside(mut self, folder: &Path) -> Self {
        self.ca_file = self.ca_file.map(|file| folder.join(file));
        self
    }

    /// Whether all of it looks like what it is.
    ///
    /// # Errors
    /// `Invalid`: the endpoint or the region does not.
    pub(crate) fn check(&self) -> Result<()> {
        self.endpoint
            .as_deref()
            .map_or(Ok(()), Self::check_endpoint)?;
        self.region.as_deref().map_or(Ok(()), Self::check_region)
    }

    pub(crate) fn check_region(region: &str) -> Result<()> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !region.is_empty() && region.chars().all(fits) {
            return Ok(());
        }
        Err(
            Error::invalid("a region has letters, digits and hyphens, such as eu-central-1")
                .with("region", format_args!("{region:?}")),
        )
    }

    pub(crate) fn check_endpoint(endpoint: &str) -> Result<()> {
        let rest = ["http://", "https://"]
            .iter()
            .find_map(|scheme| endpoint.strip_prefix(scheme));
        let is_host = |rest: &str| {
            !rest.is_empty()
                && !rest.starts_with(['/', ':'])
                && !rest.contains(['?', '#'])
                && !rest.contains(char::is_whitespace)
        };
        match rest {
            Some(rest) if rest.contains('@') => Err(Error::invalid(NO_CREDENTIALS)),
            Some(rest) if is_host(rest) => Ok(()),
            _ => Err(Error::invalid(
                "an endpoint is a URL such as http://localhost:7070 or https://s3.example.com",
            )
            .with("endpoint", format_args!("{endpoint:?}"))),
        }
    }
}

/// What is said where a URL may hold a password: without showing it.
const NO_CREDENTIALS: &str = "credentials do not belong into a URL; they come from the environment (AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY), a profile (AWS_PROFILE), or the machine's role";

fn boolean(text: &str) -> Result<bool> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::invalid("path_style is true or false").with("path_style", text)),
    }
}

impl FromStr for S3Location {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        let rest = url
            .strip_prefix("s3://")
            .ok_or_else(|| Error::invalid("a place in S3 is named by s3://bucket/prefix"))?;
        let (name, values) = parts(rest, KEYS).map_err(Error::invalid)?;
        let (bucket, prefix) = name.split_once('/').unwrap_or((&name, ""));
        Ok(Self::new(bucket, prefix)?.at(S3Server::from_values(values)?))
    }
}

/// For calls that take either a URL or a location.
impl TryFrom<&str> for S3Location {
    type Error = Error;

    fn try_from(url: &str) -> Result<Self> {
        url.parse()
    }
}

impl fmt::Display for S3Location {
    /// The address that foreign readers know: without how the server is reached.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests;
