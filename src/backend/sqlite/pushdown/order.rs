//! A query's order as SQL.

use super::Reach;
use super::number::{COLLATION, NUMBERS};
use super::place::{Place, own_time};
use crate::Sort;
use crate::query::{Order, Root};

/// The list after `ORDER BY`, with the id at its end; none where SQL would order otherwise than we do.
pub(in crate::backend::sqlite) fn order(sort: &[Sort], reach: Reach) -> Option<String> {
    if !reach.utf8 {
        return None;
    }
    let mut keys = Vec::new();
    for Sort { path, order } in sort {
        let place = Place::of(path);
        let expressions = match path.root() {
            Root::Id => vec!["id COLLATE BINARY".to_owned()],
            Root::CreatedAt | Root::UpdatedAt => vec![own_time(place.column())],
            Root::Fields | Root::Metadata if reach.json => json_keys(&place),
            Root::Fields | Root::Metadata => return None,
        };
        let way = match order {
            Order::Asc => "ASC",
            Order::Desc => "DESC",
        };
        keys.extend(
            expressions
                .iter()
                .map(|expression| format!("{expression} {way}")),
        );
    }
    keys.push("id COLLATE BINARY".to_owned());
    Some(keys.join(", "))
}

/// The type's rank, then the value of texts, then of numbers; arrays tie, and so do objects.
fn json_keys(place: &Place) -> Vec<String> {
    let kind = place.kind();
    vec![
        format!(
            "CASE {kind} WHEN 'false' THEN 1 WHEN 'true' THEN 2 WHEN 'integer' THEN 3 WHEN 'real' THEN 3 \
             WHEN 'text' THEN 4 WHEN 'array' THEN 5 WHEN 'object' THEN 6 ELSE 0 END"
        ),
        format!("CASE {kind} WHEN 'text' THEN {} END", place.value()),
        format!(
            "CASE WHEN {kind} IN ({NUMBERS}) THEN {} END COLLATE {COLLATION}",
            place.written()
        ),
    ]
}
