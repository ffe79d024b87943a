//! Every behaviour of a `Database`, on a server and behind a pooler.

mod direct {
    thermocline::conformance_tests!(
        crate::postgres::lent,
        #[ignore = "needs PostgreSQL: run scripts/test"]
    );
}

mod pooled {
    thermocline::conformance_tests!(
        crate::postgres::lent_pooled,
        #[ignore = "needs PostgreSQL: run scripts/test"]
    );
}
