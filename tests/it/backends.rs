//! Every backend shows the behaviours of a `Database`.

mod defects;

use thermocline::conformance::BEHAVIOURS;
use thermocline::{MemoryDatabase, conformance};

/// Makes a module of tests per backend: its name, and how to make an empty one.
macro_rules! backends {
    ($($(#[$condition:meta])* $name:ident: $make:expr;)+) => { $(
        $(#[$condition])*
        mod $name {
            thermocline::conformance_tests!($make);
        }
    )+ };
}

// `memory` and `moka` run the same as unit tests.
backends! {
    #[cfg(feature = "sqlite")]
    sqlite: async || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.db");
        (thermocline::SqliteDatabase::open(path).await.unwrap(), folder)
    };
    #[cfg(feature = "faults")]
    faulty: async || thermocline::Faulty::new(thermocline::MemoryDatabase::new());
}

#[tokio::test]
async fn all_behaviours_run_in_one_call() {
    conformance::all(async || MemoryDatabase::new()).await;
}

/// A behaviour that is written and not listed would never run.
#[test]
fn every_behaviour_is_listed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance");
    let mut written = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let functions = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "));
        written.extend(functions.map(|rest| rest.split_once('(').unwrap().0.to_owned()));
    }
    written.sort_unstable();
    let mut listed: Vec<&str> = BEHAVIOURS.iter().map(|behaviour| behaviour.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, written);
}
