//! Who is at work on a table: so that several processes share the work out instead of doing it twice.
//!
//! It is for efficiency only. Nothing that keeps records safe asks it: two movers on one table do no harm, and a holder
//! that slept past its lease may wake and go on. Its row is written in short transactions of its own, never in a publish.

use std::time::Duration;

use jiff::Timestamp;

use super::bounds::{time_of, time_text};
use super::dialect::{Kind, Sql};
use crate::Result;
use crate::catalog_host::HostTransaction;
use crate::fault::mutation;
use crate::sql::SqlValue;

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Who holds it, in words for people.
    pub(crate) holder: Box<str>,
    /// How often it changed hands: a holder that lost it in between is told from one that did not.
    pub(crate) epoch: i64,
    /// When others may take it, unless it is renewed.
    pub(crate) expires: Timestamp,
}

/// What became of a wish for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is ours.
    Ours(Lease),
    /// Somebody else holds it.
    Held(Lease),
}

/// Takes a table's lease for `length`, if nobody holds it.
pub(super) async fn take(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    holder: &str,
    now: Timestamp,
    length: Duration,
) -> Result<Taken> {
    loop {
        let before = read(tx, sql, collection).await?;
        if let Some(lease) = &before
            && is_held(lease, now, length)
        {
            return Ok(Taken::Held(lease.clone()));
        }
        let lease = Lease {
            holder: holder.into(),
            epoch: before
                .as_ref()
                .map_or(1, |lease| lease.epoch.saturating_add(1)),
            expires: end(now, length),
        };
        let row: [SqlValue; 4] = [
            collection.into(),
            holder.into(),
            lease.epoch.into(),
            time_text(lease.expires.as_microsecond()).into(),
        ];
        let (table, expires) = (sql.table("thermocline_lease"), sql.bind(4, Kind::Time));
        let write = match before {
            None => format!(
                "INSERT INTO {table} (collection, holder, epoch, expires) VALUES ($1, $2, $3, {expires}) \
                 ON CONFLICT DO NOTHING"
            ),
            Some(_) => format!(
                "UPDATE {table} SET holder = $2, epoch = $3, expires = {expires} WHERE collection = $1"
            ),
        };
        // None is changed where another process was the first ever: what it wrote is there to be read now.
        if tx.execute(&write, &row).await? == 1 {
            return Ok(Taken::Ours(lease));
        }
    }
}

/// Makes a lease last until `length` from now; none if it is not ours any more.
pub(super) async fn renew(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    lease: &Lease,
    now: Timestamp,
    length: Duration,
) -> Result<Option<Lease>> {
    let expires = end(now, length);
    let changed = set(tx, sql, collection, lease, expires).await?;
    Ok(changed.then(|| Lease {
        expires,
        ..lease.clone()
    }))
}

/// Gives a lease back, if it is still ours.
pub(super) async fn release(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    lease: &Lease,
    now: Timestamp,
) -> Result<()> {
    set(tx, sql, collection, lease, now).await?;
    Ok(())
}

async fn set(
    tx: &mut dyn HostTransaction,
    sql: Sql,
    collection: &str,
    lease: &Lease,
    expires: Timestamp,
) -> Result<bool> {
    let same_epoch = if mutation("lease_by_holder_only") {
        "$3 = $3"
    } else {
        "epoch = $3"
    };
    let update = format!(
        "UPDATE {} SET expires = {} WHERE collection = $1 AND holder = $2 AND {same_epoch}",
        sql.table("thermocline_lease"),
        sql.bind(4, Kind::Time)
    );
    let args: [SqlValue; 4] = [
        collection.into(),
        (&*lease.holder).into(),
        lease.epoch.into(),
        time_text(expires.as_microsecond()).into(),
    ];
    Ok(tx.execute(&update, &args).await? == 1)
}

async fn read(tx: &mut dyn HostTransaction, sql: Sql, collection: &str) -> Result<Option<Lease>> {
    let select = format!(
        "SELECT holder, epoch, {} FROM {} WHERE collection = $1{}",
        sql.read("expires", Kind::Time),
        sql.table("thermocline_lease"),
        sql.for_update()
    );
    let rows = tx.query(&select, &[collection.into()]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Lease {
        holder: row.text(0)?.into(),
        epoch: row.int(1)?,
        // What cannot be read keeps nobody out.
        expires: time_of(row.text(2)?).unwrap_or(Timestamp::MIN),
    }))
}

/// Whether a lease keeps others out. Nobody grants himself more than `length`: one that ends later was written by a
/// clock that has been set back since, and its holder may be long gone.
fn is_held(lease: &Lease, now: Timestamp, length: Duration) -> bool {
    if mutation("lease_ignored") {
        return false;
    }
    let is_credible = lease.expires <= end(now, length.saturating_mul(4));
    now < lease.expires && (is_credible || mutation("lease_of_any_clock"))
}

fn end(now: Timestamp, length: Duration) -> Timestamp {
    now.saturating_add(length).unwrap_or(Timestamp::MAX)
}
