//! The tables of DuckLake 1.0, as its specification prints them, and our own beside them.

use super::dialect::{Kind, Sql};
use Kind::{Bool, Int, Text, Time, Uuid};

/// A table: its name, and its columns.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// How many of the first columns are the primary key.
    key: usize,
    /// How many of the first columns are NOT NULL without being the key.
    required: usize,
}

impl Table {
    const fn new(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Self {
        Self {
            name,
            columns,
            key: 0,
            required: 0,
        }
    }

    const fn keyed(mut self, columns: usize) -> Self {
        self.key = columns;
        self
    }

    const fn required(mut self, columns: usize) -> Self {
        self.required = columns;
        self
    }

    /// The statement that makes the table, if it is not there.
    pub(super) fn create(&self, sql: Sql) -> String {
        let mut columns: Vec<String> = Vec::new();
        for (index, (name, kind)) in self.columns.iter().enumerate() {
            let rule = match index {
                0 if self.key == 1 => " PRIMARY KEY",
                _ if index < self.required => " NOT NULL",
                _ => "",
            };
            columns.push(format!("\"{name}\" {}{rule}", sql.kind(*kind)));
        }
        if self.key > 1 {
            let key: Vec<_> = self.columns.iter().take(self.key).collect();
            let key: Vec<_> = key.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            columns.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let name = sql.table(self.name);
        format!("CREATE TABLE IF NOT EXISTS {name} ({})", columns.join(", "))
    }
}

/// The 28 tables of DuckLake 1.0. Readers of every kind look for all of them.
#[rustfmt::skip]
pub(super) const DUCKLAKE: [Table; 28] = [
    Table::new("ducklake_metadata", &[("key", Text), ("value", Text), ("scope", Text), ("scope_id", Int)]).required(2),
    Table::new("ducklake_snapshot", &[
        ("snapshot_id", Int), ("snapshot_time", Time), ("schema_version", Int), ("next_catalog_id", Int),
        ("next_file_id", Int),
    ]).keyed(1),
    Table::new("ducklake_snapshot_changes", &[
        ("snapshot_id", Int), ("changes_made", Text), ("author", Text), ("commit_message", Text),
        ("commit_extra_info", Text),
    ]).keyed(1),
    Table::new("ducklake_schema", &[
        ("schema_id", Int), ("schema_uuid", Uuid), ("begin_snapshot", Int), ("end_snapshot", Int),
        ("schema_name", Text), ("path", Text), ("path_is_relative", Bool),
    ]).keyed(1),
    Table::new("ducklake_table", &[
        ("table_id", Int), ("table_uuid", Uuid), ("begin_snapshot", Int), ("end_snapshot", Int), ("schema_id", Int),
        ("table_name", Text), ("path", Text), ("path_is_relative", Bool),
    ]),
    Table::new("ducklake_view", &[
        ("view_id", Int), ("view_uuid", Uuid), ("begin_snapshot", Int), ("end_snapshot", Int), ("schema_id", Int),
        ("view_name", Text), ("dialect", Text), ("sql", Text), ("column_aliases", Text),
    ]),
    Table::new("ducklake_tag", &[
        ("object_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int), ("key", Text), ("value", Text),
    ]),
    Table::new("ducklake_column_tag", &[
        ("table_id", Int), ("column_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int), ("key", Text),
        ("value", Text),
    ]),
    Table::new("ducklake_data_file", &[
        ("data_file_id", Int), ("table_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int), ("file_order", Int),
        ("path", Text), ("path_is_relative", Bool), ("file_format", Text), ("record_count", Int),
        ("file_size_bytes", Int), ("footer_size", Int), ("row_id_start", Int), ("partition_id", Int),
        ("encryption_key", Text), ("mapping_id", Int), ("partial_max", Int),
    ]).keyed(1),
    Table::new("ducklake_file_column_stats", &[
        ("data_file_id", Int), ("table_id", Int), ("column_id", Int), ("column_size_bytes", Int), ("value_count", Int),
        ("null_count", Int), ("min_value", Text), ("max_value", Text), ("contains_nan", Bool), ("extra_stats", Text),
    ]),
    Table::new("ducklake_file_variant_stats", &[
        ("data_file_id", Int), ("table_id", Int), ("column_id", Int), ("variant_path", Text), ("shredded_type", Text),
        ("column_size_bytes", Int), ("value_count", Int), ("null_count", Int), ("min_value", Text),
        ("max_value", Text), ("contains_nan", Bool), ("extra_stats", Text),
    ]),
    Table::new("ducklake_delete_file", &[
        ("delete_file_id", Int), ("table_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int),
        ("data_file_id", Int), ("path", Text), ("path_is_relative", Bool), ("format", Text), ("delete_count", Int),
        ("file_size_bytes", Int), ("footer_size", Int), ("encryption_key", Text), ("partial_max", Int),
    ]).keyed(1),
    Table::new("ducklake_column", &[
        ("column_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int), ("table_id", Int), ("column_order", Int),
        ("column_name", Text), ("column_type", Text), ("initial_default", Text), ("default_value", Text),
        ("nulls_allowed", Bool), ("parent_column", Int), ("default_value_type", Text),
        ("default_value_dialect", Text),
    ]),
    Table::new("ducklake_table_stats", &[
        ("table_id", Int), ("record_count", Int), ("next_row_id", Int), ("file_size_bytes", Int),
    ]),
    Table::new("ducklake_table_column_stats", &[
        ("table_id", Int), ("column_id", Int), ("contains_null", Bool), ("contains_nan", Bool), ("min_value", Text),
        ("max_value", Text), ("extra_stats", Text),
    ]),
    Table::new("ducklake_partition_info", &[
        ("partition_id", Int), ("table_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int),
    ]),
    Table::new("ducklake_partition_column", &[
        ("partition_id", Int), ("table_id", Int), ("partition_key_index", Int), ("column_id", Int),
        ("transform", Text),
    ]),
    Table::new("ducklake_file_partition_value", &[
        ("data_file_id", Int), ("table_id", Int), ("partition_key_index", Int), ("partition_value", Text),
    ]),
    Table::new("ducklake_files_scheduled_for_deletion", &[
        ("data_file_id", Int), ("path", Text), ("path_is_relative", Bool), ("schedule_start", Time),
    ]),
    Table::new("ducklake_inlined_data_tables", &[("table_id", Int), ("table_name", Text), ("schema_version", Int)]),
    Table::new("ducklake_column_mapping", &[("mapping_id", Int), ("table_id", Int), ("type", Text)]),
    Table::new("ducklake_name_mapping", &[
        ("mapping_id", Int), ("column_id", Int), ("source_name", Text), ("target_field_id", Int),
        ("parent_column", Int), ("is_partition", Bool),
    ]),
    Table::new("ducklake_schema_versions", &[("begin_snapshot", Int), ("schema_version", Int), ("table_id", Int)]),
    Table::new("ducklake_macro", &[
        ("schema_id", Int), ("macro_id", Int), ("macro_name", Text), ("begin_snapshot", Int), ("end_snapshot", Int),
    ]),
    Table::new("ducklake_macro_impl", &[
        ("macro_id", Int), ("impl_id", Int), ("dialect", Text), ("sql", Text), ("type", Text),
    ]),
    Table::new("ducklake_macro_parameters", &[
        ("macro_id", Int), ("impl_id", Int), ("column_id", Int), ("parameter_name", Text), ("parameter_type", Text),
        ("default_value", Text), ("default_value_type", Text),
    ]),
    Table::new("ducklake_sort_info", &[
        ("sort_id", Int), ("table_id", Int), ("begin_snapshot", Int), ("end_snapshot", Int),
    ]),
    Table::new("ducklake_sort_expression", &[
        ("sort_id", Int), ("table_id", Int), ("sort_key_index", Int), ("expression", Text), ("dialect", Text),
        ("sort_direction", Text), ("null_order", Text),
    ]),
];

/// Our own tables: what makes our reading faster or our writing safe. No other reader needs them.
#[rustfmt::skip]
pub(super) const OURS: [Table; 9] = [
    Table::new("thermocline_meta", &[("key", Text), ("value", Text)]).keyed(1),
    // A collection and the table that it is bound to.
    Table::new("thermocline_collection", &[("name", Text), ("table_id", Int), ("age", Text)]).keyed(1),
    // Which field a promoted column copies.
    Table::new("thermocline_column", &[("table_id", Int), ("column_id", Int), ("field", Text)]).keyed(2),
    // What DuckLake has no place for: the id index, and columns with values that did not fit (ids with commas between).
    Table::new("thermocline_segment", &[
        ("data_file_id", Int), ("batch", Text), ("tail_length", Int), ("incomplete", Text),
    ]).keyed(1),
    // Batches: `open` before the first byte is uploaded, then `published` or `dead`.
    Table::new("thermocline_journal", &[
        ("batch", Text), ("table_id", Int), ("state", Text), ("opened_at", Time),
    ]).keyed(1),
    Table::new("thermocline_journal_object", &[("path", Text), ("batch", Text)]).keyed(1),
    // Objects that nothing refers to, and when they were first seen so.
    Table::new("thermocline_orphan", &[("path", Text), ("first_seen", Time)]).keyed(1),
    // Who is at work on a table: for efficiency only.
    Table::new("thermocline_lease", &[("collection", Text), ("holder", Text), ("epoch", Int), ("expires", Time)]).keyed(1),
    // The last runs of the policies; `skipped` is a JSON object, `times` counts runs in a row that found nothing to do.
    Table::new("thermocline_run", &[
        ("run", Text), ("collection", Text), ("policy", Text), ("holder", Text), ("started", Time), ("ended", Time),
        ("outcome", Text), ("times", Int), ("moved", Int), ("skipped", Text), ("segments", Int), ("bytes", Int),
        ("error_kind", Text), ("error", Text), ("version", Text),
    ]).keyed(1),
];

/// Indexes on DuckLake's tables, which have none: readers do not see them.
pub(super) const INDEXES: [(&str, &str, &str); 4] = [
    (
        "thermocline_data_file_table",
        "ducklake_data_file",
        "table_id, begin_snapshot",
    ),
    (
        "thermocline_delete_file_table",
        "ducklake_delete_file",
        "table_id, data_file_id",
    ),
    (
        "thermocline_column_stats_file",
        "ducklake_file_column_stats",
        "data_file_id",
    ),
    ("thermocline_journal_state", "thermocline_journal", "state"),
];

/// What a column of one of these tables holds; integers in the tables that belong to one archived table.
pub(super) fn kind(table: &str, column: &str) -> Kind {
    let table = DUCKLAKE
        .iter()
        .chain(&OURS)
        .find(|known| known.name == table);
    let column = table.and_then(|table| table.columns.iter().find(|known| known.0 == column));
    column.map_or(Int, |(_, kind)| *kind)
}
