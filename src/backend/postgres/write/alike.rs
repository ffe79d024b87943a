//! Batches of one kind: one statement each.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use jiff::Timestamp;
use sqlx::postgres::PgRow;

use crate::backend::postgres::Place;
use crate::backend::postgres::lease::Lease;
use crate::backend::postgres::row::{self, Args};
use crate::record::RowStamp;
use crate::{Op, Result, Write, Written};

/// The next time of a row that was written before: later than that, so that it moves forward with every write.
pub(super) const LATER: &str = "GREATEST(EXCLUDED.updated_at, CASE WHEN isfinite(r.updated_at) \
    THEN r.updated_at + interval '1 microsecond' END)";

/// The operations that a statement does for many rows at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Upsert,
    Put,
    Update,
    Delete,
}

impl Kind {
    /// None for a write that expects a version, which a row may fail in two ways.
    pub(super) fn of(write: &Write) -> Option<Self> {
        if write.expect.is_some() {
            return None;
        }
        Some(match &write.op {
            Op::Create(_) => Self::Create,
            Op::Upsert(_) => Self::Upsert,
            Op::Put(_) => Self::Put,
            Op::Update(_) => Self::Update,
            Op::Delete(_) => Self::Delete,
        })
    }

    /// Applies writes of this kind to ids that differ.
    pub(super) async fn apply(
        self,
        lease: &mut Lease,
        place: &Place,
        now: Timestamp,
        writes: &[Write],
    ) -> Result<Vec<Written>> {
        let mut sorted: Vec<&Write> = writes.iter().collect();
        sorted.sort_unstable_by_key(|write| write.id().as_str());
        let args = self.args(place, now, &sorted)?;
        let rows = lease
            .fetch(
                &self.sql(place.table.quoted(), sorted.len()).into(),
                args.finish(),
            )
            .await?;
        let mut outcomes = self.outcomes(&rows)?;
        Ok(writes
            .iter()
            .map(|write| {
                outcomes
                    .remove(write.id().as_str())
                    .unwrap_or_else(|| self.otherwise())
            })
            .collect())
    }

    fn sql(self, table: &str, rows: usize) -> String {
        let new = "SELECT u.id, u.data::jsonb, u.metadata::jsonb, $4, $4 \
                   FROM unnest($1::text[], $2::text[], $3::text[]) AS u(id, data, metadata)";
        let insert =
            format!("INSERT INTO {table} AS r (id, data, metadata, created_at, updated_at)");
        let replaced = "data = EXCLUDED.data, metadata = EXCLUDED.metadata, updated_at =";
        let answer = "RETURNING r.id, r.xmin, r.xmax = 0";
        // The rows are locked in one order before they are changed in any.
        let locked = format!(
            "WITH held AS MATERIALIZED (SELECT id FROM {table} WHERE id = ANY($1) ORDER BY id COLLATE \"C\" FOR UPDATE)"
        );
        match self {
            Self::Create => format!("{insert} {new} ON CONFLICT (id) DO NOTHING {answer}"),
            Self::Upsert => {
                format!("{insert} {new} ON CONFLICT (id) DO UPDATE SET {replaced} {LATER} {answer}")
            }
            Self::Put => format!(
                "{insert} SELECT u.id, u.data::jsonb, u.metadata::jsonb, u.created_at, u.updated_at \
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamp[], $5::timestamp[]) \
                 AS u(id, data, metadata, created_at, updated_at) \
                 ON CONFLICT (id) DO UPDATE SET {replaced} EXCLUDED.updated_at, created_at = EXCLUDED.created_at {answer}"
            ),
            Self::Update => format!(
                "{locked} UPDATE {table} AS r SET {replaced} {LATER} \
                 FROM held JOIN (SELECT u.id, u.data::jsonb, u.metadata::jsonb, $4::timestamp AS updated_at \
                 FROM unnest($1::text[], $2::text[], $3::text[]) AS u(id, data, metadata)) AS excluded ON excluded.id = held.id \
                 WHERE r.id = held.id RETURNING r.id, r.xmin, false"
            ),
            Self::Delete if rows == 1 => {
                format!("DELETE FROM {table} AS r WHERE r.id = ANY($1) RETURNING r.id")
            }
            Self::Delete => format!(
                "{locked} DELETE FROM {table} AS r USING held WHERE r.id = held.id RETURNING r.id"
            ),
        }
    }

    fn args(self, place: &Place, now: Timestamp, writes: &[&Write]) -> Result<Args> {
        let args = Args::default().texts(writes.iter().map(|write| write.id().as_str()));
        if self == Self::Delete {
            return Ok(args);
        }
        let records = || writes.iter().filter_map(|write| write.op.record());
        let args = args
            .texts(records().map(|record| record.fields()))
            .opt_texts(records().map(|record| record.metadata()));
        if self != Self::Put {
            return Ok(args.time(place.zone.write(now)?));
        }
        let (mut created, mut updated) = (Vec::new(), Vec::new());
        for record in records() {
            created.push(place.opt_time(record, record.created_at())?);
            updated.push(place.opt_time(record, record.updated_at())?);
        }
        Ok(args.times(created).times(updated))
    }

    fn outcomes(self, rows: &[PgRow]) -> Result<HashMap<&str, Written, FixedState>> {
        let outcome = |row| {
            let written = match self {
                Self::Delete => Written::Deleted,
                _ => {
                    let version = RowStamp::version_of(row::xid(row, 1)?);
                    if row::truth(row, 2)? {
                        Written::Created(version)
                    } else {
                        Written::Updated(version)
                    }
                }
            };
            Ok((row::text(row, 0)?, written))
        };
        rows.iter().map(outcome).collect()
    }

    /// What became of a write whose row did not come back.
    fn otherwise(self) -> Written {
        match self {
            Self::Create => Written::Exists,
            Self::Upsert | Self::Put | Self::Update | Self::Delete => Written::Missing,
        }
    }
}
