//! In whose local time a table was written: that of a fresh session, which is not ours.
//!
//! The driver asks for UTC when it connects, so what a session of Python's would get is pieced together from where the
//! server gets it.

use super::lease::Lease;
use super::row::{self, Args};
use super::times::Zone;
use crate::{Error, Result};

/// What is set for this user and this database, the most particular first.
const OF_ROLE: &str = "SELECT substr(setting, 10) FROM pg_db_role_setting s, unnest(s.setconfig) AS setting \
    WHERE setting ILIKE 'timezone=%' \
    AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
    AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user)) \
    ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1";

/// Whether we may read the server's configuration, and the zone of its log, which `initdb` writes beside the other.
const OF_SERVER: &str = "SELECT has_table_privilege('pg_file_settings', 'SELECT') \
    AND has_function_privilege('pg_show_all_file_settings()', 'EXECUTE'), current_setting('log_timezone')";

const OF_FILES: &str =
    "SELECT setting FROM pg_file_settings WHERE lower(name) = 'timezone' AND applied LIMIT 1";

/// The zone of a fresh session.
///
/// # Errors
/// `Invalid`: it cannot be found out, and is probably not UTC: it has to be said.
pub(super) async fn of_fresh_session(lease: &mut Lease) -> Result<Zone> {
    if let Some(name) = one(lease, OF_ROLE).await? {
        return Zone::named(&name);
    }
    let rows = lease
        .fetch(&OF_SERVER.into(), Args::default().finish())
        .await?;
    let (reads_files, log) = match rows.first() {
        Some(row) => (row::truth(row, 0)?, row::text(row, 1)?),
        None => (false, ""),
    };
    if reads_files {
        let name = one(lease, OF_FILES).await?;
        return Zone::named(name.as_deref().unwrap_or("GMT"));
    }
    match Zone::named(log) {
        Ok(zone) if zone.is_utc() => Ok(zone),
        _ => Err(Error::invalid(
            "the server does not tell which time zone its sessions have, and by its log it is not UTC; say it with \
             timestamp_zone: the table's times are in it",
        )
        .with("log_timezone", log)),
    }
}

async fn one(lease: &mut Lease, sql: &str) -> Result<Option<String>> {
    let rows = lease.fetch(&sql.into(), Args::default().finish()).await?;
    let text = rows.first().map(|row| row::text(row, 0)).transpose()?;
    Ok(text.map(str::to_owned))
}
