//! Each rule of talking to S3, broken on purpose: the test that stands behind it must notice.

use crate::mutant::assert_caught;

macro_rules! caught {
    ($($mutation:ident by $($module:ident)::+;)+) => {
        $(
            #[test]
            #[ignore = "needs a server of S3 (scripts/services)"]
            fn $mutation() {
                assert_caught(stringify!($mutation), concat!("s3", $("::", stringify!($module)),+));
            }
        )+
    };
}

caught! {
    put_without_condition by wire::real::a_put_that_is_refused_for_another_object_is_a_conflict;
    put_without_checksum by wire::real::every_call_is_one_request;
    refused_is_final by wire::real::a_put_whose_answer_was_lost_is_known_as_our_own;
    as_large_is_same by wire::real::a_put_that_is_refused_for_another_object_is_a_conflict;
    broken_off_is_final by wire::real::an_answer_that_breaks_off_is_asked_for_again;
    list_on_read by budget::real::a_lookup_is_one_ranged_request_and_an_absent_id_none;
    failed_parts_stay by parts::real::what_fails_half_way_is_taken_back;
    dropped_parts_stay by parts::what_is_given_up_half_way_is_taken_back;
    crashed_parts_stay by archive::parts_of_a_batch_that_a_crash_left_go_with_it;
}
