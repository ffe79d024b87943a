use std::sync::Arc;

use serde_json::json;

use super::*;

/// So many records in each month of 2013.
fn months(sizes: &[usize]) -> Months {
    let row = |month: usize, number: usize| {
        let record = Record::new(format!("{month}-{number}"), json!({})).unwrap();
        let at = format!("2013-{month:02}-01T00:00:00Z").parse().unwrap();
        SegmentRow::new(Arc::new(record), at)
    };
    let rows = |month| (0..sizes[month - 1]).map(move |number| row(month, number));
    (1..=sizes.len())
        .map(|month| {
            let rows: Vec<_> = rows(month).collect();
            (Slice::of(rows[0].age_at), rows)
        })
        .collect()
}

#[test]
fn a_batch_ends_with_a_month_when_another_would_not_fit() {
    for (sizes, is_cut) in [
        (&[][..], false),
        (&[9], false),
        (&[3, 1], false),
        (&[6, 1], true),
        (&[3, 3, 1], false),
        (&[4, 4, 1], true),
        (&[1, 6, 1], true),
    ] {
        assert_eq!(is_cut_at_a_month(&months(sizes), 10), is_cut, "{sizes:?}");
    }
}
