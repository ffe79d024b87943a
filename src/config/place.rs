//! Where the archive lies: `[archive]` and `[s3]`.

use std::path::{Path, PathBuf};

use super::ArchiveConfig;
use super::section::Section;
use crate::{S3Location, S3Server};

/// Where an archive's segments lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveData {
    /// In a folder.
    Directory(PathBuf),
    /// In a bucket.
    S3(S3Location),
}

impl ArchiveData {
    /// Reads `s3://bucket/prefix`, with keys behind a `?`, or the path of a folder.
    ///
    /// # Errors
    /// `Invalid`: what begins with `s3://` is no place in S3.
    pub fn parse(text: &str) -> crate::Result<Self> {
        if text.starts_with("s3://") {
            return Ok(Self::S3(text.parse()?));
        }
        Ok(Self::Directory(text.into()))
    }

    /// The same with relative paths counted from `folder`.
    fn beside(self, folder: &Path) -> Self {
        match self {
            Self::Directory(path) => Self::Directory(folder.join(path)),
            Self::S3(location) => Self::S3(location.beside(folder)),
        }
    }
}

pub(super) fn archive(section: Section<'_, '_>, folder: &Path) -> ArchiveConfig {
    let data = match section.entry("data") {
        Some(entry) => {
            entry.parse(|text| ArchiveData::parse(text).map_err(|error| error.to_string()))
        }
        None => {
            section.note(
                "data",
                "an archive needs a place for its segments",
                "add data = \"archive/\" for a folder, data = \"s3://bucket/prefix\" for S3, or take [archive] out",
            );
            None
        }
    };
    section.finish();
    let data = data.unwrap_or_else(|| ArchiveData::Directory(PathBuf::new()));
    ArchiveConfig {
        data: data.beside(folder),
    }
}

pub(super) fn s3(section: Section<'_, '_>, folder: &Path) -> S3Server {
    let text = |key, check: fn(&str) -> crate::Result<()>| {
        section.parse(key, |text| match check(text) {
            Ok(()) => Ok(text.to_owned()),
            Err(error) => Err(error.to_string()),
        })
    };
    let server = S3Server {
        endpoint: text("endpoint", S3Server::check_endpoint),
        region: text("region", S3Server::check_region),
        path_style: section
            .entry("path_style")
            .and_then(|entry| entry.boolean()),
        ca_file: section.text("ca_file").map(PathBuf::from),
    };
    for key in [
        "access_key",
        "access_key_id",
        "secret_access_key",
        "secret_key",
    ] {
        section.secret(
            key,
            "credentials do not stand in the configuration",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or name a profile with AWS_PROFILE",
        );
    }
    section.finish();
    server.beside(folder)
}
