//! A query's order as SQL.

use super::place::JsonPlace;
use super::subject::{is_no_time, is_time};
use crate::Sort;
use crate::backend::postgres::times::Zone;
use crate::query::{Order, Root};

/// The list after `ORDER BY`, with the id at its end; none where SQL would order otherwise than we do.
pub(in crate::backend::postgres) fn order(sort: &[Sort], zone: &Zone) -> Option<String> {
    let mut keys = Vec::new();
    for Sort { path, order } in sort {
        let expressions = match path.root() {
            Root::Id => vec!["id COLLATE \"C\"".to_owned()],
            Root::CreatedAt if zone.is_utc() => vec![own_time("created_at")],
            Root::UpdatedAt if zone.is_utc() => vec![own_time("updated_at")],
            Root::CreatedAt | Root::UpdatedAt => return None,
            Root::Fields | Root::Metadata => json_keys(&JsonPlace::of(path)?),
        };
        // NULL is what is missing, which stands before everything.
        let way = match order {
            Order::Asc if path.root() == Root::Id => "ASC",
            Order::Desc if path.root() == Root::Id => "DESC",
            Order::Asc => "ASC NULLS FIRST",
            Order::Desc => "DESC NULLS LAST",
        };
        keys.extend(
            expressions
                .iter()
                .map(|expression| format!("{expression} {way}")),
        );
    }
    keys.push("id COLLATE \"C\"".to_owned());
    Some(keys.join(", "))
}

/// The rows with the own time that comes first in an order, and those without: a condition, and what orders them alike.
///
/// No index of the column orders all rows as we do, who know no times before the year 1 or after 9999. Each of the two
/// parts it can find, and the first has an order that it gives.
pub(in crate::backend::postgres) fn parts(sort: &[Sort], zone: &Zone) -> Option<[Part; 2]> {
    let (first, others) = sort.split_first()?;
    let column = match first.path.root() {
        Root::CreatedAt if zone.is_utc() => "created_at",
        Root::UpdatedAt if zone.is_utc() => "updated_at",
        _ => return None,
    };
    let others = order(others, zone)?;
    let way = match first.order {
        Order::Asc => "ASC",
        Order::Desc => "DESC",
    };
    Some([
        Part {
            condition: is_time(column),
            order: format!("{column} {way}, {others}"),
        },
        Part {
            condition: is_no_time(column),
            order: others,
        },
    ])
}

/// Some of the rows, in the order of all.
#[derive(Debug)]
pub(in crate::backend::postgres) struct Part {
    pub(in crate::backend::postgres) condition: String,
    pub(in crate::backend::postgres) order: String,
}

fn own_time(column: &str) -> String {
    format!("CASE WHEN {} THEN {column} END", is_time(column))
}

/// The type's rank, then the value of booleans and numbers, then that of texts; arrays tie, and so do objects.
fn json_keys(place: &JsonPlace) -> Vec<String> {
    let (kind, value, text) = (place.kind(), place.value(), place.text());
    vec![
        format!(
            "CASE {kind} WHEN 'boolean' THEN 1 WHEN 'number' THEN 2 WHEN 'string' THEN 3 WHEN 'array' THEN 4 \
             WHEN 'object' THEN 5 ELSE 0 END"
        ),
        format!("CASE WHEN {kind} IN ('boolean', 'number') THEN {value} END"),
        format!("CASE {kind} WHEN 'string' THEN {text} END"),
    ]
}
