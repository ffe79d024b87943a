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
        catalog: Catalog,
        table: String,
        data: ArchiveData,
    },
    Configuration(String),
}

/// The database that an archive's catalog lives in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Catalog {
    Sqlite(PathBuf),
    Postgres(DatabaseUrl),
}

/// The schema of a catalog in PostgreSQL.
const SCHEMA: &str = "thermocline";

/// The table where a URL names none.
const TABLE: &str = "records";

/// Documented, and not built yet.
const LATER: [&str; 8] = [
    "elasticsearch",
    "elasticsearchs",
    "s3",
    "file",
    "json",
    "csv",
    "tsv",
    "parquet",
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
                "`{scheme}:` is not built yet; memory:, sqlite:PATH, postgres://, ducklake:sqlite:PATH and ducklake:postgres:// are"
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
            let data = data.ok_or_else(|| wrong(NO_DATA.to_owned()))?;
            let told = |error: Error| error.with("url", without_passwords(url));
            return Ok(Self::Archive {
                catalog: Catalog::Sqlite(file(catalog).map_err(wrong)?),
                table: table.unwrap_or_else(|| TABLE.to_owned()),
                data: archived(&data, server).map_err(told)?,
            });
        }
        let catalog = url.strip_prefix("ducklake:");
        if let Some(rest) = catalog.filter(|rest| rest.starts_with("postgres")) {
            return archive_in_postgres(rest)
                .map_err(|error| error.with("url", without_passwords(url)));
        }
        if url.is_empty() {
            return Err(wrong(
                "a URL or a configuration file's path is needed".to_owned(),
            ));
        }
        Ok(Self::Configuration(url.to_owned()))
    }
}

const NO_DATA: &str = "an archive's URL says where the segments lie: ?data=archive/";

/// `postgres://..?data=..&table=..`: what the archive does not know of its keys is the database's.
fn archive_in_postgres(url: &str) -> Result<Address> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let [endpoint, region, path_style, ca_file] = S3_KEYS;
    let keys = [
        "table", "data", "schema", endpoint, region, path_style, ca_file,
    ];
    let is_ours = |pair: &&str| keys.contains(&pair.split('=').next().unwrap_or_default());
    let (ours, theirs): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_ours);
    let (_, [table, data, schema, server @ ..]) =
        parts(&format!("?{}", ours.join("&")), keys).map_err(Error::invalid)?;
    if let Some(schema) = schema.filter(|schema| schema != SCHEMA) {
        return Err(Error::unsupported(
            "an archive's catalog lives in the schema `thermocline`; other names are not built yet",
        )
        .with("schema", schema));
    }
    let data = data.ok_or_else(|| Error::invalid(NO_DATA))?;
    let mark = if theirs.iter().any(|pair| !pair.is_empty()) {
        "?"
    } else {
        ""
    };
    Ok(Address::Archive {
        catalog: Catalog::Postgres(DatabaseUrl::new(format!(
            "{place}{mark}{}",
            theirs.join("&")
        ))),
        table: table.unwrap_or_else(|| TABLE.to_owned()),
        data: archived(&data, server)?,
    })
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
