//! From a path to the value in a record.

use std::borrow::Cow;

use super::{Path, Root};
use crate::Record;
use crate::json::{self, Json};
use crate::record::rfc3339;

/// The value at `path`, looked up in the record's text without parsing the rest; `None` if nothing is there.
pub(crate) fn value_at<'a>(record: &'a Record, path: &Path) -> Option<Json<'a>> {
    let object = match path.root() {
        Root::Id => return Some(Json::String(Cow::Borrowed(record.id().as_str()))),
        Root::CreatedAt => {
            return record
                .created_at()
                .map(|time| Json::String(rfc3339(time).into()));
        }
        Root::UpdatedAt => {
            return record
                .updated_at()
                .map(|time| Json::String(rfc3339(time).into()));
        }
        Root::Fields => record.fields(),
        Root::Metadata => record.metadata()?,
    };
    json::value_at(object, path.names()).map(Json::view)
}
