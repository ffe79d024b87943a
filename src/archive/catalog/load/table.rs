//! The table that a collection is bound to, and its columns.

use std::collections::BTreeMap;

use super::{Source, resolve};
use crate::archive::catalog::bounds::{type_name, type_of};
use crate::archive::catalog::dialect::Kind;
use crate::archive::catalog::meta::metadata;
use crate::archive::catalog::state::ArchivedTable;
use crate::archive::column::{Column, ColumnSource, SystemColumn};
use crate::catalog_host::HostTransaction;
use crate::sql::SqlValue;
use crate::{Error, Result};

/// A collection's binding to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::archive::catalog) struct Bound {
    /// The table's id.
    pub(in crate::archive::catalog) id: i64,
    /// From what the age of its rows was taken.
    pub(in crate::archive::catalog) age: String,
}

impl Bound {
    /// The binding of a collection; none before its first segment.
    pub(in crate::archive::catalog) async fn read(
        tx: &mut dyn HostTransaction,
        source: Source<'_>,
    ) -> Result<Option<Self>> {
        let select = format!(
            "SELECT table_id, age FROM {} WHERE name = $1",
            source.sql.table("thermocline_collection")
        );
        let rows = tx.query(&select, &[source.collection.into()]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Self {
            id: row.int(0)?,
            age: row.text(1)?.to_owned(),
        }))
    }

    /// The table as it is now.
    ///
    /// # Errors
    /// `Corrupt`: another program dropped it, or a column that every record needs. `Unsupported`: it changed one.
    pub(in crate::archive::catalog) async fn table(
        &self,
        tx: &mut dyn HostTransaction,
        source: Source<'_>,
    ) -> Result<ArchivedTable> {
        let sql = source.sql;
        let select = format!(
            "SELECT t.table_name, t.path, {relative}, s.path, {schema_relative} \
             FROM {table} t JOIN {schema} s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL \
             WHERE t.table_id = $1 AND t.end_snapshot IS NULL",
            relative = sql.read("t.path_is_relative", Kind::Bool),
            schema_relative = sql.read("s.path_is_relative", Kind::Bool),
            table = sql.table("ducklake_table"),
            schema = sql.table("ducklake_schema"),
        );
        let rows = tx.query(&select, &[self.id.into()]).await?;
        let Some(row) = rows.first() else {
            return Err(Error::corrupt(
                "another program dropped the archive's table, and with it every archived record of this collection; \
                 bring the database back from a backup",
            )
            .with("collection", source.collection));
        };
        let data_path = metadata(tx, sql, "data_path").await?.unwrap_or_default();
        let roots = [source.root, &data_path];
        let base = resolve(row.text(3)?, row.int(4)? != 0, "", &roots)?;
        let path = resolve(row.text(1)?, row.int(2)? != 0, &base, &roots)?;
        let columns = self.columns(tx, source).await?;
        check_system_columns(&columns)
            .map_err(|error| error.with("collection", source.collection))?;
        Ok(ArchivedTable {
            id: Some(self.id),
            name: row.text(0)?.into(),
            path: path.into(),
            columns,
        })
    }

    async fn columns(
        &self,
        tx: &mut dyn HostTransaction,
        source: Source<'_>,
    ) -> Result<Vec<Column>> {
        let sql = source.sql;
        let id = [SqlValue::from(self.id)];
        let select = format!(
            "SELECT column_id, field FROM {} WHERE table_id = $1",
            sql.table("thermocline_column")
        );
        let mut promoted = BTreeMap::new();
        for row in tx.query(&select, &id).await? {
            promoted.insert(row.int(0)?, row.text(1)?.into());
        }
        let select = format!(
            "SELECT column_id, column_name, column_type FROM {} \
             WHERE table_id = $1 AND end_snapshot IS NULL AND parent_column IS NULL ORDER BY column_id",
            sql.table("ducklake_column")
        );
        let mut columns = Vec::new();
        for row in tx.query(&select, &id).await? {
            let id = row.int(0)?;
            let kind = type_of(row.text(2)?);
            let system = SystemColumn::ALL
                .into_iter()
                .find(|system| system.id() == id);
            let source = match (system, promoted.remove(&id)) {
                (Some(system), _) => ColumnSource::System(system),
                (None, Some(field)) => ColumnSource::Promoted(field),
                (None, None) => ColumnSource::Foreign,
            };
            columns.push(Column {
                id,
                name: row.text(1)?.into(),
                kind,
                source,
            });
        }
        Ok(columns)
    }
}

fn check_system_columns(columns: &[Column]) -> Result<()> {
    for system in SystemColumn::ALL {
        let Some(column) = columns.iter().find(|column| column.id == system.id()) else {
            return Err(Error::corrupt(
                "another program dropped a column of the archive's table that every record needs; \
                 bring the database back from a backup",
            )
            .with("column", system));
        };
        if column.kind != system.kind() {
            return Err(Error::unsupported(
                "another program changed the type of a column of the archive's table; change it back",
            )
            .with("column", &column.name)
            .with("expected", type_name(system.kind())));
        }
    }
    Ok(())
}
