//! Each rule of a move over PostgreSQL, broken on purpose: the test that stands behind it must notice.

use crate::mutant::assert_caught;

macro_rules! caught {
    ($($mutation:ident by $($module:ident)::+;)+) => {
        $(
            #[test]
            #[ignore = "needs PostgreSQL: run scripts/test"]
            fn $mutation() {
                assert_caught(stringify!($mutation), concat!("postgres", $("::", stringify!($module)),+));
            }
        )+
    };
}

caught! {
    unconditional_delete by moves::a_record_that_changes_during_its_move_stays_and_is_there_once;
    excluded_forgotten by moves::a_record_that_changes_during_its_move_stays_and_is_there_once;
    ctid_only by archived::rows_that_changed_are_not_deleted;
    two_transactions by moves::what_is_not_published_stays_in_the_primary;
    publish_without_head by moves::what_is_not_published_stays_in_the_primary;
    table_stats_forgotten by moves::a_record_that_changes_during_its_move_stays_and_is_there_once;
    late_s0 by moves::a_change_counts_only_on_the_state_that_it_was_decided_on;
    any_unique_is_conflict by moves::writers_of_one_archive_wait_for_each_other;
    collision_is_final by moves::a_dead_lock_is_no_failure;
    stats_before_snapshot by moves::who_was_first_at_the_catalog_is_never_thrown_out;
    publish_without_timeouts by archived::a_snapshot_stands_from_its_beginning;
    unknown_outcome_no_wait by moves::an_unknown_outcome_is_waited_for_and_found_out;
    gc_without_fence by moves::orphans_are_fenced_off_before_they_are_removed;
    catalog_from_other_snapshot by moves::a_record_that_moves_under_a_reader_is_found;
    cache_without_incarnation by moves::a_restored_database_is_read_anew;
    publish_ignores_archived_copy by moves::a_record_that_somebody_put_back_is_archived_once;
    delete_once by moves::a_delete_that_meets_a_record_in_no_tier_looks_again;
    names_inlined_only by flush::what_duckdb_had_begun_before_does_not_undo_a_delete;
    names_deleted_only by flush::what_duckdb_had_begun_before_does_not_undo_a_delete;
    flush_noncumulative by flush::dead_rows_move_into_one_delete_file_and_stay_dead;
    flush_end_snapshot by flush::dead_rows_move_into_one_delete_file_and_stay_dead;
    flush_deletes_all_inlined by flush::what_dies_during_a_flush_waits_for_the_next;
    flush_reregister_only by flush::a_delete_file_that_somebody_replaced_meanwhile_is_thrown_away;
    scheduled_at_once by flush::a_replaced_delete_file_goes_after_two_days;
    scheduled_though_in_use by flush::a_replaced_delete_file_goes_after_two_days;
    turns_only by dead_locks::a_batch_is_stored_whoever_else_writes;
    unavailable_as_absent by moves::live_records_need_no_archive;
}
