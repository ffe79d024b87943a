//! Storing what a batch made of its ids, in multi-row statements in the order of the ids.

use std::fmt::Write;

use super::plan::{Change, Current, Slot};
use crate::Result;
use crate::backend::sqlite::layout::Table;
use crate::backend::sqlite::lease::{Lease, Sql};
use crate::backend::sqlite::read::{self, MOST, placeholders, size_for};
use crate::backend::sqlite::row::Args;
use crate::backend::sqlite::times;

/// How many rows one statement stores at most; smaller rests use the next sizes, so that few texts are ever prepared.
const ROWS: [usize; 4] = [256, 32, 4, 1];

/// Does what the slots say, in one order everywhere: what goes, what comes, what changes.
pub(super) async fn store(
    lease: &mut Lease,
    table: &Table,
    ids: &[&str],
    slots: &[Slot<'_>],
) -> Result<()> {
    let (mut gone, mut new, mut replaced, mut put) = (vec![], vec![], vec![], vec![]);
    for (id, slot) in ids.iter().zip(slots) {
        match slot.change() {
            Change::Nothing => {}
            Change::Delete => gone.push(*id),
            Change::Insert(current) => new.push((*id, current)),
            Change::Renew(current) => {
                gone.push(*id);
                new.push((*id, current));
            }
            Change::Replace(current) if current.sets_created_at => put.push((*id, current)),
            Change::Replace(current) => replaced.push((*id, current)),
        }
    }
    delete(lease, table, &gone).await?;
    for (shape, rows) in [
        (Shape::Insert, new),
        (Shape::Replace, replaced),
        (Shape::Put, put),
    ] {
        let mut rest = rows.as_slice();
        for size in ROWS {
            if rest.len() < size {
                continue;
            }
            let sql = Sql::from(shape.sql(table, size));
            while rest.len() >= size {
                let (now, later) = rest.split_at(size);
                shape.store(lease, &sql, now).await?;
                rest = later;
            }
        }
    }
    Ok(())
}

async fn delete(lease: &mut Lease, table: &Table, ids: &[&str]) -> Result<()> {
    for ids in ids.chunks(MOST) {
        let mut sql = format!("DELETE FROM {} WHERE id IN ", table.quoted());
        placeholders(&mut sql, size_for(ids.len()));
        let mut args = Args::with_capacity(MOST);
        read::add_ids(&mut args, ids);
        lease.execute(&sql.into(), args.finish()).await?;
    }
    Ok(())
}

/// The three ways to store a row.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// The id is new.
    Insert,
    /// The id is there; its time of creation stays as it is stored, in whatever spelling.
    Replace,
    /// The id is there, and the record brings all its times.
    Put,
}

impl Shape {
    async fn store(
        self,
        lease: &mut Lease,
        sql: &Sql,
        rows: &[(&str, &Current<'_>)],
    ) -> Result<()> {
        let width = self.width();
        let mut args = Args::with_capacity(rows.len() * width);
        for (id, current) in rows {
            let Some(record) = current.record else {
                continue;
            };
            args.text(id);
            args.text(record.fields());
            args.opt_text(record.metadata());
            for time in [current.updated_at, current.created_at]
                .into_iter()
                .take(width - 3)
            {
                let time = time
                    .map(times::spell)
                    .transpose()
                    .map_err(|error| error.with("id", id))?;
                args.opt_text(time.as_deref());
            }
        }
        lease.execute(sql, args.finish()).await?;
        Ok(())
    }

    /// How many values a row has.
    fn width(self) -> usize {
        match self {
            Self::Replace => 4,
            Self::Insert | Self::Put => 5,
        }
    }

    fn sql(self, table: &Table, rows: usize) -> String {
        let width = self.width();
        let table = table.quoted();
        let mut sql = match self {
            Self::Insert => {
                format!("INSERT INTO {table} (id, data, metadata, updated_at, created_at) VALUES ")
            }
            Self::Replace => format!(
                "UPDATE {table} SET data = new.column2, metadata = new.column3, updated_at = new.column4 FROM (VALUES "
            ),
            Self::Put => format!(
                "UPDATE {table} SET data = new.column2, metadata = new.column3, updated_at = new.column4, \
                 created_at = new.column5 FROM (VALUES "
            ),
        };
        for row in 0..rows {
            if row > 0 {
                sql.push_str(", ");
            }
            placeholders(&mut sql, width);
        }
        if !matches!(self, Self::Insert) {
            // Writing to a String cannot fail.
            let _ = write!(sql, ") AS new WHERE {table}.id = new.column1");
        }
        sql
    }
}
