//! What a move needs of a table: checked before the first one, refused with the reason.

use super::age::AgeColumn;
use super::layout::{Table, is_of_layout};
use super::lease::Lease;
use super::row::{self, Args};
use super::{Place, PostgresDatabase};
use crate::sql::quoted;
use crate::{Age, Error, Result};

/// What the server's own catalog can say against a move: a question that answers with what it found, and the reason.
const REFUSALS: [(&str, &str, &str); 6] = [
    (
        "SELECT conrelid::regclass::text || ' (' || conname || ')' FROM pg_constraint \
         WHERE contype = 'f' AND confrelid = $1::text::regclass",
        "foreign key",
        "another table refers to these records and would lose its rows or its references; drop the foreign key",
    ),
    (
        "SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::text::regclass AND NOT tgisinternal \
         AND tgenabled <> 'D' AND tgtype & 8 <> 0",
        "trigger",
        "a trigger runs when a record is deleted, and a move would look like a deletion; drop or disable the trigger",
    ),
    (
        "SELECT 'row security' WHERE row_security_active($1::text::regclass)",
        "found",
        "row security hides records from this user, who would archive some and take them for all; connect as the owner, \
         or as a user with BYPASSRLS",
    ),
    (
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass \
         UNION ALL SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = $1::text::regclass",
        "table",
        "other tables inherit from this one, or it from others, so that an id may stand twice; end the inheritance",
    ),
    (
        "SELECT c.collname::text FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation \
         WHERE a.attrelid = $1::text::regclass AND a.attname = 'id' AND NOT c.collisdeterministic",
        "collation",
        "the id's collation calls different ids equal; give the column a deterministic one",
    ),
    (
        "SELECT rulename::text FROM pg_rewrite WHERE ev_class = $1::text::regclass",
        "rule",
        "a rule rewrites what is done to this table; drop the rule",
    ),
];

/// Checks the table, and makes the index on the age if the table is ours.
///
/// # Errors
/// `Unsupported`: records would be lost or torn, or the age has no index.
pub(super) async fn prepare(lease: &mut Lease, place: &Place, age: &Age) -> Result<()> {
    let table = &place.table;
    check_columns(lease, table).await?;
    for (sql, found, problem) in REFUSALS {
        let rows = lease.fetch(&sql.into(), table.regclass().finish()).await?;
        if let Some(row) = rows.first() {
            return Err(table.refuse(problem).with(found, row::text(row, 0)?));
        }
    }
    index_age(lease, table, age).await
}

async fn check_columns(lease: &mut Lease, table: &Table) -> Result<()> {
    let columns = table.columns(lease).await?;
    let lost: Vec<&str> = columns
        .iter()
        .filter(|column| !column.generated && !is_of_layout(&column.name))
        .map(|column| &*column.name)
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(table
        .refuse(
            "the table has columns that an archive does not keep, they would be lost; move them into `data` or drop them",
        )
        .with("columns", lost.join(", ")))
}

async fn index_age(lease: &mut Lease, table: &Table, age: &Age) -> Result<()> {
    let column = AgeColumn::of(age);
    if matches!(column, AgeColumn::Nowhere) {
        return Err(Error::invalid("no record can have an age at this path").with("age", age));
    }
    let key = column.key();
    let scan = format!(
        "SELECT FROM {} ORDER BY {key}, id COLLATE \"C\" LIMIT 1",
        table.quoted()
    );
    let steps = PostgresDatabase::explain(lease, &scan, Args::default()).await?;
    if steps.iter().all(|step| !step.contains("Sort"))
        && steps.iter().any(|step| step.contains("Index"))
    {
        return Ok(());
    }
    let name = quoted(&table.index(&format!("age_{:08x}", short_hash(&age.to_string()))));
    let index = format!(
        "CREATE INDEX IF NOT EXISTS {name} ON {} ({key}, id COLLATE \"C\")",
        table.quoted()
    );
    if !table.is_ours(lease).await? {
        let concurrently = index.replacen("INDEX IF", "INDEX CONCURRENTLY IF", 1);
        return Err(table
            .refuse(
                "the age has no index, and this table was made by another program; make the index",
            )
            .with("sql", concurrently));
    }
    // Writers wait while it is made, as long as it takes.
    lease
        .begin("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning")
        .await?;
    lease.plainly(&index).await?;
    lease.commit().await
}

/// Tells the indexes of several ages apart, whatever their paths are called.
fn short_hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
