//! The behaviours that every [`Database`] shows, to run against your own.
//!
//! Each behaviour is a public function over `&dyn Database` that panics where the database behaves otherwise. It wants a
//! database that is empty and that nobody else uses. What a backend may lack is asked of
//! [`capabilities`](Database::capabilities) first.
//!
//! One test per behaviour, each with a database of its own ([`conformance_tests!`](crate::conformance_tests)):
//!
//! ```
//! # fn main() {}
//! # #[cfg(test)]
//! mod mine {
//!     thermocline::conformance_tests!(async || thermocline::MemoryDatabase::new());
//! }
//! ```
//!
//! Or all of them in one call ([`all`]), which names those that failed:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! thermocline::conformance::all(async || thermocline::MemoryDatabase::new()).await;
//! # }
//! ```

mod ground;

pub mod conditional;
pub mod content;
pub mod filtering;
pub mod lifecycle;
pub mod ordering;
pub mod reading;
pub mod times;
pub mod verbs;
pub mod writing;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::Database;

/// What a test runs on: a database, alone or with what must outlive it.
pub trait Fixture {
    /// The database that is tested.
    fn database(&self) -> &dyn Database;
}

impl<D: Database> Fixture for D {
    fn database(&self) -> &dyn Database {
        self
    }
}

/// A database and its folder, its server or whatever else goes when the test is over.
impl<D: Database, K> Fixture for (D, K) {
    fn database(&self) -> &dyn Database {
        &self.0
    }
}

/// One behaviour: its name, and the test of it.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The function's name.
    pub name: &'static str,
    /// Panics where the database behaves otherwise.
    pub check: for<'a> fn(&'a dyn Database) -> BoxFuture<'a, ()>,
}

/// Checks every behaviour, each on a fixture of its own, and panics with the names of those that failed.
pub async fn all<F: Fixture>(make: impl AsyncFn() -> F) {
    let mut failed = Vec::new();
    for behaviour in BEHAVIOURS {
        let fixture = make().await;
        let check = (behaviour.check)(fixture.database());
        if AssertUnwindSafe(check).catch_unwind().await.is_err() {
            failed.push(behaviour.name);
        }
    }
    assert!(
        failed.is_empty(),
        "does not behave as a Database: {failed:?}"
    );
}

/// Makes one `#[tokio::test]` per behaviour, each on a fixture that the async closure makes.
///
/// Attributes behind the closure go to every test: `, #[ignore = "needs a server"]`. It stands in a module of its own, and
/// needs tokio with the features `macros` and `rt` as a dependency of the tests.
#[macro_export]
macro_rules! conformance_tests {
    ($make:expr $(, #[$attribute:meta])*) => {
        $crate::conformance::__behaviours! {
            $crate::conformance::__conformance_tests, [[$(#[$attribute])*] $make]
        }
    };
}

/// The tests of [`conformance_tests!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$attributes:tt $make:expr] $($area:ident: $($name:ident)+;)+) => {
        $($(
            $crate::conformance::__with_attributes! {
                $attributes
                #[tokio::test]
                async fn $name() {
                    let fixture = ($make)().await;
                    let db = $crate::conformance::Fixture::database(&fixture);
                    $crate::conformance::$area::$name(db).await;
                }
            }
        )+)+
    };
}

/// Puts attributes before an item.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_attributes {
    ([$($attributes:tt)*] $($item:tt)*) => {
        $($attributes)* $($item)*
    };
}

/// The list of all behaviours, handed to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __behaviours {
    ($then:path, $with:tt) => {
        $then! { $with
            reading: missing_is_none any_text_may_be_asked_for reads_keep_order_and_repeats reading_nothing_is_nothing reads_of_many_ids writes_are_seen_at_once;
            writing: create_refuses_what_exists update_needs_a_record upsert_writes_either_way put_writes_either_way delete_removes a_write_replaces_the_whole every_write_brings_a_new_version reads_and_other_writes_keep_the_version outcomes_keep_the_order repeated_ids_are_written_in_order writing_nothing_is_nothing writes_of_many_records every_valid_id_is_kept invalid_ids_are_refused;
            times: the_clock_dates_new_records replacing_keeps_created_at put_keeps_times unknown_times_stay_unknown a_recreated_record_is_new;
            content: fields_are_kept numbers_are_kept metadata_is_kept a_large_record_is_kept deep_and_wide_records_are_kept;
            conditional: conditional_writes_work_or_are_unsupported the_current_version_is_let_through an_old_version_is_changed a_version_of_a_missing_record_is_missing a_recreated_record_has_another_version a_changed_record_spoils_no_batch conditional_additions_all_count;
            filtering: types_never_mix negations_need_a_value_and_not_does_not null_and_missing_are_one arrays_and_objects_are_equal_deeply numbers_compare_exactly strings_compare_by_code_point like_patterns regex_and_prefix paths_lead_through_objects connectives_nest instants_compare_by_time own_times_can_be_asked_for ids_can_be_asked_for wrong_questions_are_invalid;
            ordering: sort_orders_all_types sort_by_several_keys limit_and_offset_cut_the_order unsorted_cuts projection_keeps_branches projection_comes_last count_is_what_search_returns;
            lifecycle: clear_removes_everything health_names_the_service a_closed_handle_answers_closed streams_may_be_dropped_half_way an_open_stream_blocks_nobody a_stream_is_a_snapshot a_batch_is_seen_whole concurrent_writers_agree readers_never_go_back a_dropped_write_is_whole_or_nothing many_questions_at_once;
            verbs: the_verb_create the_verbs_update_and_upsert the_verbs_delete_and_exists the_verbs_of_batches the_verb_write_if;
        }
    };
}

// Exported macros stand at the root; here they stand where they belong too.
#[doc(hidden)]
pub use __behaviours;
#[doc(hidden)]
pub use __conformance_tests;
#[doc(hidden)]
pub use __with_attributes;

macro_rules! list {
    ([] $($area:ident: $($name:ident)+;)+) => {
        /// Every behaviour.
        pub const BEHAVIOURS: &[Behaviour] = &[$($(
            Behaviour {
                name: stringify!($name),
                check: |db| Box::pin($area::$name(db)),
            },
        )+)+];
    };
}

__behaviours! { list, [] }
