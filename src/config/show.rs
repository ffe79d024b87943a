//! The effective configuration, printed in the shape of its files.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::units::{duration_text, size_text};
use super::{ArchiveData, Columns, PolicyConfig};
use crate::{Age, AgeForm, Filter, Schedule};

pub(super) fn duration<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration_text(*value))
}

pub(super) fn size<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&size_text(*value))
}

pub(super) fn some_size<S: Serializer>(
    value: &Option<u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.map(size_text).serialize(serializer)
}

pub(super) fn age<S: Serializer>(age: &Age, serializer: S) -> Result<S::Ok, S::Error> {
    let unit = match age.form() {
        AgeForm::Text => return serializer.collect_str(age),
        AgeForm::Seconds => "s",
        AgeForm::Millis => "ms",
    };
    let mut table = serializer.serialize_struct("age", 2)?;
    table.serialize_field("field", &age.to_string())?;
    table.serialize_field("unit", unit)?;
    table.end()
}

pub(super) fn columns<S: Serializer>(columns: &Columns, serializer: S) -> Result<S::Ok, S::Error> {
    match columns {
        Columns::Auto => serializer.serialize_str("auto"),
        Columns::None => serializer.serialize_str("none"),
        Columns::Named(names) => names.serialize(serializer),
    }
}

impl Serialize for ArchiveData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Directory(path) => path.serialize(serializer),
            Self::S3(location) => serializer.serialize_str(&location.url()),
        }
    }
}

impl Serialize for PolicyConfig {
    /// In the shape of a policy file.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Batch {
            rows: usize,
            bytes: String,
        }
        let policy = &self.policy;
        let mut table = serializer.serialize_struct("policy", 8)?;
        table.serialize_field("name", policy.name())?;
        table.serialize_field("collection", &self.collection)?;
        table.serialize_field("older_than", &format!("{:#}", policy.span()))?;
        if *policy.only() != Filter::ALL {
            table.serialize_field("where", &policy.only().to_string())?;
        }
        table.serialize_field("action", "move")?;
        if let Some(interval) = self.schedule.as_ref().and_then(Schedule::interval) {
            table.serialize_field("every", &duration_text(interval))?;
        }
        if let Some((line, zone)) = self.schedule.as_ref().and_then(Schedule::line) {
            table.serialize_field("schedule", line)?;
            table.serialize_field("zone", zone)?;
        }
        let batch = Batch {
            rows: policy.batches().rows,
            bytes: size_text(policy.batches().bytes),
        };
        table.serialize_field("batch", &batch)?;
        table.end()
    }
}
