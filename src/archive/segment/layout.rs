//! How the columns of an archived table stand in a Parquet file.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::basic::{
    Compression, Encoding, LogicalType, Repetition, TimeUnit as ParquetTimeUnit, Type as Physical,
    ZstdLevel,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::{ColumnPath, SchemaDescriptor, Type};

use super::failed;
use crate::archive::column::{Column, ColumnSource, ColumnType, SystemColumn};
use crate::{Error, Result};

/// The zone of every time.
pub(super) const UTC: &str = "UTC";

/// The columns that we write, as Parquet and as Arrow see them.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) columns: Vec<Column>,
    pub(super) arrow: SchemaRef,
    parquet: SchemaDescriptor,
}

/// The ways to write the values of a column; which one is smallest depends on the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// Differences of numbers; lengths of texts apart from the texts.
    Delta,
    /// Texts without what they share with the one before.
    Front,
    Dictionary,
}

impl Layout {
    pub(super) fn of(columns: &[Column]) -> Result<Self> {
        let columns: Vec<Column> = columns
            .iter()
            .filter(|column| column.source != ColumnSource::Foreign)
            .cloned()
            .collect();
        let fields = columns
            .iter()
            .map(|column| Ok(Arc::new(parquet_field(column)?)))
            .collect::<Result<_>>()?;
        let root = Type::group_type_builder("record")
            .with_fields(fields)
            .build()
            .map_err(failed)?;
        let arrow = columns.iter().map(arrow_field).collect::<Vec<_>>();
        Ok(Self {
            arrow: Arc::new(Schema::new(arrow)),
            parquet: SchemaDescriptor::new(Arc::new(root)),
            columns,
        })
    }

    pub(super) fn parquet(&self) -> &SchemaDescriptor {
        &self.parquet
    }

    /// The properties of a file whose columns are written in `styles`.
    pub(super) fn properties(&self, styles: &[Style]) -> Result<WriterProperties> {
        // One page a column in nearly every row group: a page index would say nothing.
        const PAGE: usize = 8 << 20;
        let level = ZstdLevel::try_new(1).map_err(failed)?;
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("thermocline version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(None)
            .set_data_page_size_limit(PAGE)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_dictionary_enabled(false);
        for (column, style) in self.columns.iter().zip(styles) {
            let path = ColumnPath::from(vec![column.name.to_string()]);
            if column.kind == ColumnType::Json {
                properties =
                    properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
            }
            properties = match style.encoding(column.kind) {
                Some(encoding) => properties.set_column_encoding(path, encoding),
                None => properties.set_column_dictionary_enabled(path, true),
            };
        }
        Ok(properties.build())
    }
}

impl Style {
    /// The styles that may suit a column.
    pub(super) fn candidates(column: &Column) -> &'static [Self] {
        match (column.kind, &column.source) {
            (ColumnType::Time, _) => &[Self::Delta],
            // Ids never repeat, fields hardly.
            (ColumnType::Text, ColumnSource::System(SystemColumn::Id)) => {
                &[Self::Plain, Self::Delta, Self::Front]
            }
            (ColumnType::Json, ColumnSource::System(SystemColumn::Fields)) => {
                &[Self::Plain, Self::Delta]
            }
            (ColumnType::Text | ColumnType::Json, _) => {
                &[Self::Dictionary, Self::Plain, Self::Delta, Self::Front]
            }
            (ColumnType::Integer, _) => &[Self::Dictionary, Self::Plain, Self::Delta],
            (ColumnType::Double, _) => &[Self::Dictionary, Self::Plain],
            (ColumnType::Boolean | ColumnType::Other, _) => &[Self::Plain],
        }
    }

    fn encoding(self, kind: ColumnType) -> Option<Encoding> {
        match self {
            Self::Plain => Some(Encoding::PLAIN),
            Self::Delta if matches!(kind, ColumnType::Text | ColumnType::Json) => {
                Some(Encoding::DELTA_LENGTH_BYTE_ARRAY)
            }
            Self::Delta => Some(Encoding::DELTA_BINARY_PACKED),
            Self::Front => Some(Encoding::DELTA_BYTE_ARRAY),
            Self::Dictionary => None,
        }
    }
}

fn parquet_field(column: &Column) -> Result<Type> {
    let (physical, logical) = match column.kind {
        ColumnType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        ColumnType::Time => {
            let micros = LogicalType::timestamp(true, ParquetTimeUnit::MICROS);
            (Physical::INT64, Some(micros))
        }
        ColumnType::Integer => (Physical::INT64, None),
        ColumnType::Double => (Physical::DOUBLE, None),
        ColumnType::Boolean => (Physical::BOOLEAN, None),
        ColumnType::Other => {
            return Err(
                Error::unexpected("a column of a type that is never written")
                    .with("column", &column.name),
            );
        }
    };
    let field_id = i32::try_from(column.id).map_err(|_| {
        Error::unsupported("a column's id is too large for a Parquet file").with("id", column.id)
    })?;
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(if is_required(column) {
            Repetition::REQUIRED
        } else {
            Repetition::OPTIONAL
        })
        .with_logical_type(logical)
        .with_id(Some(field_id))
        .build()
        .map_err(failed)
}

fn arrow_field(column: &Column) -> Field {
    let data_type = match column.kind {
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        ColumnType::Integer => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Text | ColumnType::Json | ColumnType::Other => DataType::Utf8,
    };
    Field::new(&*column.name, data_type, !is_required(column))
}

fn is_required(column: &Column) -> bool {
    matches!(&column.source, ColumnSource::System(system) if system.is_required())
}
