//! A configuration file, and a policy beside it: the text up to the first line of dashes, and what follows.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use thermocline::config::Config;

fuzz_target!(|text: &str| {
    let (config, policy) = text.split_once("\n---\n").unwrap_or((text, ""));
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("policies")).expect("a folder");
    fs::write(folder.path().join("policies/p.toml"), policy).expect("a file");
    let path = folder.path().join("thermocline.toml");
    fs::write(&path, config).expect("a file");
    if let Err(problems) = Config::load(&path) {
        assert!(!problems.to_string().is_empty());
    }
});
