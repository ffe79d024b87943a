//! Which server, as which user, and how: settings out of a URL, never printed with their password.

use std::fmt;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::{Error, Result, url};

/// The table where a URL names none.
const TABLE: &str = "records";

/// The schema where a URL names none.
const SCHEMA: &str = "public";

/// The keys of a URL that are ours.
const OURS: [&str; 3] = ["table", "schema", "statement_cache"];

/// The keys of a URL that are the driver's, as libpq has them.
const DRIVERS: [&str; 8] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "application_name",
    "options",
];

/// A server, a user, a database.
#[derive(Clone)]
pub(super) struct Server {
    options: PgConnectOptions,
    /// Whether sessions may be somebody else's after each transaction: nothing is kept in them then.
    pub(super) is_pooled: bool,
}

/// What a URL says beyond the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) schema: String,
    pub(super) table: String,
}

impl Server {
    /// Reads `postgres://user:password@host:port/database?table=..&schema=..&sslmode=..&statement_cache=..`.
    ///
    /// # Errors
    /// `Invalid`: it is no such URL. The error never holds the URL.
    pub(super) fn parse(url: &str) -> Result<(Self, Address)> {
        let rest = ["postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme))
            .ok_or_else(|| {
                Error::invalid("the URL of a PostgreSQL database begins with postgres://")
            })?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut table, mut schema, mut cache) = (None, None, None);
        let mut drivers = String::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "table" => table = Some(decoded(key, value)?),
                "schema" => schema = Some(decoded(key, value)?),
                "statement_cache" => {
                    cache = Some(value.parse::<usize>().map_err(|_| {
                        Error::invalid(
                            "statement_cache is a number of statements; 0 is for poolers",
                        )
                        .with("statement_cache", value)
                    })?)
                }
                _ if DRIVERS.contains(&key) => {
                    drivers.push(if drivers.is_empty() { '?' } else { '&' });
                    drivers.push_str(pair);
                }
                _ => {
                    let known = OURS.iter().chain(&DRIVERS).copied();
                    return Err(
                        Error::invalid("the URL of a PostgreSQL database has no such key")
                            .with("key", key)
                            .with("keys", known.collect::<Vec<_>>().join(", ")),
                    );
                }
            }
        }
        let options: PgConnectOptions =
            format!("postgres://{place}{drivers}").parse().map_err(|_| {
                Error::invalid(
                    "the URL cannot be understood; it looks like postgres://user:password@host:5432/database, with %40 \
                     for an @ in the password",
                )
            })?;
        let server = Self {
            options: options
                .statement_cache_capacity(cache.unwrap_or(256))
                // Poolers refuse to set what they do not know, and no float ever comes as text.
                .extra_float_digits(None)
                .disable_statement_logging(),
            is_pooled: cache == Some(0),
        };
        let address = Address {
            schema: schema.unwrap_or_else(|| SCHEMA.to_owned()),
            table: table.unwrap_or_else(|| TABLE.to_owned()),
        };
        Ok((server, address))
    }

    /// The driver's settings. Without a pooler between, the session itself bounds how long a statement may take.
    pub(super) fn options(&self, statement: Duration, lock: Duration) -> PgConnectOptions {
        let mut options = self.options.clone();
        if options.get_application_name().is_none() {
            options = options.application_name("thermocline");
        }
        if self.is_pooled {
            return options;
        }
        options.options([
            ("statement_timeout", statement.as_millis()),
            ("lock_timeout", lock.as_millis()),
        ])
    }

    pub(super) fn user(&self) -> &str {
        self.options.get_username()
    }

    /// What tells one database from another.
    pub(super) fn identity(&self) -> String {
        let options = &self.options;
        format!(
            "postgres:{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options
                .get_database()
                .unwrap_or_else(|| options.get_username())
        )
    }
}

fn decoded(key: &str, value: &str) -> Result<String> {
    match url::decoded(value) {
        Ok(text) if !text.is_empty() => Ok(text),
        _ => Err(Error::invalid("a key of the URL needs one value").with("key", key.to_owned())),
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        write!(
            f,
            "{}@{}:{}/{}",
            options.get_username(),
            options.get_host(),
            options.get_port(),
            options
                .get_database()
                .unwrap_or_else(|| options.get_username())
        )
    }
}

impl fmt::Debug for Server {
    /// The driver's own would print the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self})")
    }
}

#[cfg(test)]
mod tests;
