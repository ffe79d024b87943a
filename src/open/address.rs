//! URLs that name a backend.

use std::path::PathBuf;
use std::str::FromStr;

use crate::blob::S3_KEYS;
use crate::config::{ArchiveData, DatabaseUrl, without_passwords};
use crate::url::parts;
use crate::{Error, Result, S3Server};

/// What a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Memory,
    Sqlite {
        path: PathBuf,
        table: String,
    },
    Postgres(DatabaseUrl),
    Archive {
        catalog: PathBuf,
        table: String,
        data: ArchiveData,
    },
    Configuration(String),
}

/// The table where a URL names none.
const TABLE: &str = "records";

/// Documented, and not built yet.
const LATER: [&str; 9] = [
    "elasticsearch",
    "elasticsearchs",
    "s3",
    "file",
    "json",
    "csv",
    "tsv",
    "parquet",
    "ducklake:postgres",
];

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        let wrong = |message: String| Error::invalid(message).with("url", without_passwords(url));
        if let Some(scheme) = LATER.iter().find(|scheme| {
            url.strip_prefix(*scheme)
                .is_some_and(|rest| rest.starts_with(':'))
        }) {
            return Err(Error::unsupported(format!(
                "`{scheme}:` is not built yet; memory:, sqlite:PATH, postgres:// and ducklake:sqlite:PATH are"
            ))
            .with("url", without_passwords(url)));
        }
        if let Some(rest) = url.strip_prefix("memory:") {
            return match rest {
                "" => Ok(Self::Memory),
                _ => Err(wrong("nothing stands behind `memory:`".to_owned())),
            };
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self::Postgres(DatabaseUrl::new(url)));
        }
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let (path, [table]) = parts(rest, ["table"]).map_err(wrong)?;
            return Ok(Self::Sqlite {
                path: file(path).map_err(wrong)?,
                table: table.unwrap_or_else(|| TABLE.to_owned()),
            });
        }
        if let Some(rest) = url.strip_prefix("ducklake:sqlite:") {
            let [endpoint, region, path_style, ca_file] = S3_KEYS;
            let keys = ["table", "data", endpoint, region, path_style, ca_file];
            let (catalog, [table, data, server @ ..]) = parts(rest, keys).map_err(wrong)?;
            let data = data.ok_or_else(|| {
                wrong("an archive's URL says where the segments lie: ?data=archive/".to_owned())
            })?;
            let told = |error: Error| error.with("url", without_passwords(url));
            return Ok(Self::Archive {
                catalog: file(catalog).map_err(wrong)?,
                table: table.unwrap_or_else(|| TABLE.to_owned()),
                data: archived(&data, server).map_err(told)?,
            });
        }
        if url.is_empty() {
            return Err(wrong(
                "a URL or a configuration file's path is needed".to_owned(),
            ));
        }
        Ok(Self::Configuration(url.to_owned()))
    }
}

/// A path that is there.
fn file(path: String) -> std::result::Result<PathBuf, String> {
    if path.is_empty() {
        return Err("the URL names no file: sqlite:PATH".to_owned());
    }
    Ok(path.into())
}

fn archived(data: &str, server: [Option<String>; 4]) -> Result<ArchiveData> {
    let says_how = server.iter().any(Option::is_some);
    match ArchiveData::parse(data)? {
        ArchiveData::S3(location) => {
            let server = S3Server::from_values(server)?.or(location.server());
            Ok(ArchiveData::S3(location.at(server)))
        }
        ArchiveData::Directory(_) if says_how => Err(Error::invalid(format!(
            "{} say how S3 is reached, and the segments lie in a folder",
            S3_KEYS.join(", ")
        ))),
        directory => Ok(directory),
    }
}

#[cfg(test)]
mod tests;
