//! Queries as people and programs write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use thermocline::{Filter, Path, Query};

fuzz_target!(|text: &str| {
    if let Ok(filter) = text.parse::<Filter>() {
        // What is read can be written, and reads back as the same.
        let again = filter.to_string().parse::<Filter>();
        assert_eq!(again.expect("it reads back"), filter);
    }
    let _path = text.parse::<Path>();
    let _query = Query::from_json(text);
});
