//! Each rule of the hot tier, broken on purpose: the test of that rule must fail.

use crate::mutant::assert_caught;

macro_rules! caught {
    ($($mutation:ident by $test:ident)*) => {$(
        #[test]
        fn $mutation() {
            assert_caught(stringify!($mutation), concat!("coherence::", stringify!($test)));
        }
    )*};
}

caught! {
    join_old_flight by a_load_that_began_before_a_write_is_neither_joined_nor_kept
    bump_in_caller_future by a_cancelled_write_still_ends_the_generation_when_it_is_done
    bump_only_on_success by a_write_that_reports_failure_may_have_happened
    batch_bump_partial by a_batch_ends_the_generation_of_every_key
    ttl_from_insert by a_lifetime_counts_from_the_start_of_the_load
    conflict_no_bump by a_refused_write_shows_that_the_copy_is_old
    absent_for_create by absence_is_kept_shortly_and_only_for_reads
    unavailable_as_absent by a_tier_out_of_reach_is_no_absence
    cache_after_unknown by a_write_of_unknown_outcome_keeps_its_key_out_of_the_hot_tier
}

#[test]
fn ignore_generation() {
    assert_caught("ignore_generation", "coherence::stress::no_read_is_stale");
}
