//! URLs that name a backend.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{DatabaseUrl, without_passwords};
use crate::{Error, Result};

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
        data: PathBuf,
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
            let (path, [table, _]) = parts(rest, ["table", ""]).map_err(wrong)?;
            return Ok(Self::Sqlite {
                path,
                table: table.unwrap_or_else(|| TABLE.to_owned()),
            });
        }
        if let Some(rest) = url.strip_prefix("ducklake:sqlite:") {
            let (catalog, [table, data]) = parts(rest, ["table", "data"]).map_err(wrong)?;
            let data = data.ok_or_else(|| {
                wrong("an archive's URL says where the segments lie: ?data=archive/".to_owned())
            })?;
            return Ok(Self::Archive {
                catalog,
                table: table.unwrap_or_else(|| TABLE.to_owned()),
                data: data.into(),
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

/// `PATH?key=value&..`, with `%XX` in the path and the values.
fn parts(
    text: &str,
    keys: [&str; 2],
) -> std::result::Result<(PathBuf, [Option<String>; 2]), String> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let path = decoded(path)?;
    if path.is_empty() {
        return Err("the URL names no file: sqlite:PATH".to_owned());
    }
    let mut values = [None, None];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(at) = keys
            .iter()
            .position(|known| *known == key && !key.is_empty())
        else {
            let known: Vec<&str> = keys.into_iter().filter(|key| !key.is_empty()).collect();
            return Err(format!(
                "the URL has no key {key:?}; its keys are {}",
                known.join(", ")
            ));
        };
        let value = decoded(value)?;
        if value.is_empty() || values[at].replace(value).is_some() {
            return Err(format!("{key:?} needs one value"));
        }
    }
    Ok((path.into(), values))
}

fn decoded(text: &str) -> std::result::Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let Some(value) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()) else {
            return Err("`%` stands before two hexadecimal digits; `%25` is a `%`".to_owned());
        };
        bytes.push(value);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| "the URL is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
