//! Breaking one rule on purpose: a test of the rule, run in a child process with the mutation set, must fail.

use std::process::Command;

/// Runs the test `name` of this binary with `mutation` in force, and panics unless exactly that test fails.
///
/// One that is ignored runs too: whoever runs this has what it needs.
pub(crate) fn assert_caught(mutation: &str, name: &str) {
    let run = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", name, "--include-ignored"])
        .env("THERMOCLINE_MUTATION", mutation)
        .output()
        .expect("it runs again");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(said.contains("running 1 test"), "there is no test `{name}`");
    assert!(
        said.contains("1 failed"),
        "nothing noticed the mutation `{mutation}`:\n{said}"
    );
}
