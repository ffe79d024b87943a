//! Each rule of a publish, broken on purpose: the test that stands behind it must notice.

use crate::mutant::assert_caught;

macro_rules! caught {
    ($($mutation:ident by $test:ident;)+) => {
        $(
            #[test]
            fn $mutation() {
                assert_caught(stringify!($mutation), concat!("archive::", stringify!($test)));
            }
        )+
    };
}

caught! {
    journal_after_upload by the_journal_knows_a_batch_before_its_first_byte_is_sent;
    publish_without_head by an_object_that_vanished_is_not_published;
    flush_on_sqlite by dead_rows_stay_inlined_where_readers_would_see_a_flush_half_done;
    unknown_outcome_no_wait by an_unknown_outcome_is_waited_for_and_found_out;
}

/// Needs rows that another program wrote.
#[test]
#[ignore = "needs DuckDB: run scripts/test"]
fn locate_ours_only() {
    assert_caught(
        "locate_ours_only",
        "archive_foreign::we_see_each_of_duckdbs_commits",
    );
}
