//! Each rule of the catalog, broken on purpose: the test that stands behind it must notice.

#[path = "../../tests/it/mutant.rs"]
mod mutant;

use self::mutant::assert_caught;

macro_rules! caught {
    ($($mutation:ident by $($module:ident)::+;)+) => {
        $(
            #[test]
            fn $mutation() {
                assert_caught(stringify!($mutation), concat!("archive", $("::", stringify!($module)),+));
            }
        )+
    };
}

caught! {
    late_s0 by catalog::tests::commits::a_change_counts_only_on_the_state_that_it_was_decided_on;
    validate_by_count by catalog::tests::commits::what_is_touched_is_compared_row_by_row;
    any_unique_is_conflict by catalog::tests::commits::a_taken_snapshot_is_no_conflict_and_a_taken_id_is_one;
    table_stats_forgotten by catalog::tests::commits::the_tables_statistics_grow_with_every_segment;
    lease_ignored by catalog::tests::leases::one_holder_at_a_time_until_its_time_is_over;
    lease_by_holder_only by catalog::tests::leases::a_holder_that_slept_does_not_renew_what_changed_hands;
    lease_of_any_clock by catalog::tests::leases::a_lease_from_a_clock_that_was_set_back_keeps_nobody_out;
    excluded_forgotten by publish::tests::both_halves_are_one;
    fetch_under_lock by publish::tests::others_write_while_a_half_fetches_what_it_needs;
    two_transactions by publish::tests::what_is_not_published_stays_in_the_primary;
}
