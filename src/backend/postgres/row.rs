//! Rows as records, and values as the driver wants them.

mod number;

use sqlx::encode::IsNull;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnection, PgHasArrayType, PgRow, PgTypeInfo, PgValueFormat,
    PgValueRef,
};
use sqlx::{Arguments, Encode, Executor, Postgres, Row, Type, TypeInfo, ValueRef};

use super::times::Zone;
use crate::record::{RowStamp, Stamp};
use crate::sql::{SqlRow, SqlValue};
use crate::{Error, Record, RecordId, Result};

/// The columns of a record, in the order in which every statement of ours names them.
pub(super) const COLUMNS: &str = "id, data, metadata, created_at, updated_at, xmin, ctid";

/// How many they are.
pub(super) const COLUMN_COUNT: usize = 7;

/// Reads a row of [`COLUMNS`].
///
/// # Errors
/// `Corrupt`: the fields are no JSON object.
pub(super) fn record(row: &impl Cells, zone: &Zone) -> Result<Record> {
    let id = row.bytes(0)?.unwrap_or_default();
    let id = std::str::from_utf8(id).map_err(|_| unreadable(0))?;
    let fields = json(row, 1)?.ok_or_else(|| unreadable(1))?;
    let metadata = json(row, 2)?;
    for (part, json) in [("data", Some(&fields)), ("metadata", metadata.as_ref())] {
        if json.is_some_and(|json| !json.starts_with('{')) {
            return Err(Error::corrupt("a stored record is no JSON object")
                .with("id", id)
                .with("column", part));
        }
    }
    let stamp = RowStamp {
        xmin: u32::from_be_bytes(fixed(row, 5)?),
        ctid: fixed(row, 6)?,
    };
    let record = Record::stored(
        RecordId::stored(id.to_owned()),
        fields,
        metadata,
        Stamp::Row(stamp),
    );
    Ok(record.with_times(time(row, 3, zone)?, time(row, 4, zone)?))
}

/// The instant in a column, or none where it is NULL or not known.
pub(super) fn time(row: &impl Cells, index: usize, zone: &Zone) -> Result<Option<jiff::Timestamp>> {
    Ok(match row.bytes(index)? {
        None => None,
        Some(_) => zone.read(i64::from_be_bytes(fixed(row, index)?)),
    })
}

/// The transaction's number in a column.
pub(super) fn xid(row: &PgRow, index: usize) -> Result<u32> {
    fixed(row, index).map(u32::from_be_bytes)
}

/// The text in a column; empty where it is NULL.
pub(super) fn text(row: &PgRow, index: usize) -> Result<&str> {
    let bytes = row.bytes(index)?.unwrap_or_default();
    std::str::from_utf8(bytes).map_err(|_| unreadable(index))
}

/// The truth in a column; false where it is NULL.
pub(super) fn truth(row: &PgRow, index: usize) -> Result<bool> {
    Ok(row
        .bytes(index)?
        .is_some_and(|bytes| matches!(bytes, [1] | b"t")))
}

/// The number in a column.
pub(super) fn int(row: &PgRow, index: usize) -> Result<i64> {
    match value(row, index)? {
        SqlValue::Integer(value) => Ok(value),
        _ => Err(unreadable(index)),
    }
}

/// The JSON text in a column, without the blanks that PostgreSQL puts between its parts.
fn json(row: &impl Cells, index: usize) -> Result<Option<Box<str>>> {
    let Some(bytes) = row.bytes(index)? else {
        return Ok(None);
    };
    // In binary the text follows the number of its format, which is 1.
    let text = bytes.strip_prefix(&[1]).unwrap_or(bytes);
    let text = std::str::from_utf8(text).map_err(|_| unreadable(index))?;
    let json = compact(text);
    Ok(Some(match number::may_be_long(&json) {
        true => number::shortened(&json),
        false => json,
    }))
}

/// The same JSON without a blank behind a comma or a colon.
fn compact(text: &str) -> Box<str> {
    let mut out = String::with_capacity(text.len());
    let (mut from, mut in_string) = (0, false);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b' ' if !in_string => {
                out.push_str(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(&text[from..]);
    out.into()
}

/// A row of any statement.
pub(super) fn sql_row(row: &PgRow) -> Result<SqlRow> {
    (0..row.len())
        .map(|index| value(row, index))
        .collect::<Result<_>>()
        .map(SqlRow)
}

/// The value in a column of any statement.
fn value(row: &PgRow, index: usize) -> Result<SqlValue> {
    let cell = cell(row, index)?;
    if cell.is_null() {
        return Ok(SqlValue::Null);
    }
    let info = cell.type_info().into_owned();
    let bytes = cell.as_bytes().map_err(|_| unreadable(index))?;
    if cell.format() == PgValueFormat::Text {
        return std::str::from_utf8(bytes)
            .map(SqlValue::from)
            .map_err(|_| unreadable(index));
    }
    let wrong = |_| unreadable(index);
    Ok(match info.name() {
        "INT8" => SqlValue::Integer(i64::from_be_bytes(bytes.try_into().map_err(wrong)?)),
        "INT4" => SqlValue::Integer(i32::from_be_bytes(bytes.try_into().map_err(wrong)?).into()),
        "INT2" => SqlValue::Integer(i16::from_be_bytes(bytes.try_into().map_err(wrong)?).into()),
        "OID" | "xid" => {
            SqlValue::Integer(u32::from_be_bytes(bytes.try_into().map_err(wrong)?).into())
        }
        "BOOL" => SqlValue::Integer((bytes == [1]).into()),
        "FLOAT8" => SqlValue::Real(f64::from_be_bytes(bytes.try_into().map_err(wrong)?)),
        "BYTEA" => SqlValue::Blob(bytes.into()),
        "\"CHAR\"" | "TEXT" | "VARCHAR" | "NAME" | "CHAR" | "JSON" | "UNKNOWN" => {
            std::str::from_utf8(bytes)
                .map_err(|_| unreadable(index))?
                .into()
        }
        "JSONB" => std::str::from_utf8(bytes.get(1..).unwrap_or_default())
            .map_err(|_| unreadable(index))?
            .into(),
        other => {
            return Err(Error::unexpected(
                "an answer of PostgreSQL has a type that nobody expects",
            )
            .with("column", index)
            .with("type", other));
        }
    })
}

/// A row whose cells are the server's bytes, however they came.
pub(super) trait Cells {
    /// The bytes of a cell; none where it is NULL.
    fn bytes(&self, index: usize) -> Result<Option<&[u8]>>;
}

impl Cells for PgRow {
    fn bytes(&self, index: usize) -> Result<Option<&[u8]>> {
        let cell = cell(self, index)?;
        if cell.is_null() {
            return Ok(None);
        }
        cell.as_bytes().map(Some).map_err(|_| unreadable(index))
    }
}

fn fixed<const N: usize>(row: &impl Cells, index: usize) -> Result<[u8; N]> {
    let bytes = row.bytes(index)?.unwrap_or_default();
    bytes.try_into().map_err(|_| unreadable(index))
}

fn cell(row: &PgRow, index: usize) -> Result<PgValueRef<'_>> {
    row.try_get_raw(index).map_err(|error| {
        Error::unexpected("an answer of PostgreSQL lacks a column")
            .with("column", index)
            .with_source(error)
    })
}

fn unreadable(index: usize) -> Error {
    Error::corrupt("a stored value cannot be read").with("column", index)
}

/// The values of a statement's placeholders.
#[derive(Debug, Default)]
pub(super) struct Args(PgArguments);

impl Args {
    pub(super) fn of(values: &[SqlValue]) -> Self {
        let mut args = Self::default();
        values.iter().for_each(|value| args.add(value));
        args
    }

    pub(super) fn add(&mut self, value: &SqlValue) {
        match value {
            SqlValue::Null => self.encode(Untyped),
            SqlValue::Integer(value) => self.encode(*value),
            SqlValue::Real(value) => self.encode(*value),
            SqlValue::Text(value) => self.encode(value.as_ref()),
            SqlValue::Blob(value) => self.encode(value.as_ref()),
        }
    }

    /// One more value.
    pub(super) fn and(mut self, value: &SqlValue) -> Self {
        self.add(value);
        self
    }

    /// One time.
    pub(super) fn time(mut self, time: i64) -> Self {
        self.encode(Time(time));
        self
    }

    /// One array of texts.
    pub(super) fn texts<'a>(mut self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        self.encode(texts.into_iter().collect::<Vec<_>>());
        self
    }

    /// One array of texts of which some may be missing.
    pub(super) fn opt_texts<'a>(
        mut self,
        texts: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Self {
        self.encode(texts.into_iter().collect::<Vec<_>>());
        self
    }

    /// One array of times.
    pub(super) fn times(mut self, times: impl IntoIterator<Item = Option<i64>>) -> Self {
        self.encode(
            times
                .into_iter()
                .map(|time| time.map(Time))
                .collect::<Vec<_>>(),
        );
        self
    }

    /// One array of numbers of transactions.
    pub(super) fn xids(mut self, xids: impl IntoIterator<Item = u32>) -> Self {
        self.encode(xids.into_iter().map(Xid).collect::<Vec<_>>());
        self
    }

    /// One array of places in the table.
    pub(super) fn ctids(mut self, ctids: impl IntoIterator<Item = [u8; 6]>) -> Self {
        self.encode(ctids.into_iter().map(Tid).collect::<Vec<_>>());
        self
    }

    pub(super) fn finish(self) -> PgArguments {
        self.0
    }

    fn encode<'t>(&mut self, value: impl Encode<'t, Postgres> + Type<Postgres>) {
        Arguments::add(&mut self.0, value).expect("plain values always encode");
    }
}

/// Lets the driver look up the types that it does not know, before any statement needs them.
///
/// It does so with a statement of its own. Behind a pooler statements have no names, and a look-up in the middle of one
/// takes its place.
pub(super) async fn learn_types(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql("BEGIN")).await?;
    let mut args = PgArguments::default();
    for name in ["xid", "_xid", "tid", "_tid"] {
        args.add(NullOf(name)).map_err(sqlx::Error::Encode)?;
    }
    let question = "SELECT FROM (VALUES ($1, $2, $3, $4)) AS nothing WHERE FALSE";
    let question = sqlx::query_with(question, args).persistent(false);
    connection.execute(question).await?;
    connection.execute(sqlx::raw_sql("COMMIT")).await?;
    Ok(())
}

/// NULL of a type by its name.
struct NullOf(&'static str);

impl Type<Postgres> for NullOf {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for NullOf {
    fn encode_by_ref(
        &self,
        _: &mut PgArgumentBuffer,
    ) -> std::result::Result<IsNull, sqlx::error::BoxDynError> {
        Ok(IsNull::Yes)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_name(self.0))
    }
}

/// NULL of whatever type the statement wants.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(
        &self,
        _: &mut PgArgumentBuffer,
    ) -> std::result::Result<IsNull, sqlx::error::BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// Types of the server that the driver sends as bytes: their numbers, and those of their arrays, never change.
macro_rules! as_bytes {
    ($($name:ident($held:ty): $oid:literal, $array:literal, $bytes:expr;)+) => { $(
        struct $name($held);

        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($oid))
            }
        }

        impl PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($array))
            }
        }

        impl Encode<'_, Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut PgArgumentBuffer,
            ) -> std::result::Result<IsNull, sqlx::error::BoxDynError> {
                let bytes: fn($held) -> _ = $bytes;
                buffer.extend_from_slice(&bytes(self.0));
                Ok(IsNull::No)
            }
        }
    )+ };
}

as_bytes! {
    Time(i64): 1114, 1115, i64::to_be_bytes;
    Xid(u32): 28, 1011, u32::to_be_bytes;
    Tid([u8; 6]): 27, 1010, |bytes| bytes;
}

#[cfg(test)]
mod tests;
