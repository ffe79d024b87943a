//! JSON text kept as it was written: validation, and walking to a value without parsing the rest.

use crate::{Error, Result};

/// Checks that `text` is one JSON object that every layout can hold.
///
/// # Errors
/// `Invalid`: not JSON, not an object, or something no layout keeps.
pub(crate) fn validate_object(text: &str) -> Result<()> {
    let value: &serde_json::value::RawValue = serde_json::from_str(text)
        .map_err(|error| Error::invalid("not JSON").with("problem", error))?;
    if value.get().starts_with('{') {
        Ok(())
    } else {
        Err(Error::invalid(
            "a record's fields are a JSON object: {\"name\": value, ..}",
        ))
    }
}
