//! A bucket does what a directory does.

mod in_process {
    use crate::blob_contract::contract;
    use crate::s3::place;

    contract!(easy => async {
        let (place, alive) = place::in_process().await;
        (place.store().await, alive)
    });
}

mod real {
    use crate::blob_contract::{self, contract};
    use crate::s3::place;

    contract!(
        #[ignore = "needs a server of S3 (scripts/services)"]
        => async {
            let (place, alive) = place::real().await;
            (place.store().await, alive)
        }
    );

    /// Only here: the server in this process looks first and writes then, with others between.
    #[tokio::test]
    #[ignore = "needs a server of S3 (scripts/services)"]
    async fn racing_writers_of_one_name_leave_one_whole_object() {
        let (place, _alive) = place::real().await;
        let store = place.store().await;
        blob_contract::racing_writers_of_one_name_leave_one_whole_object(store).await;
    }
}
