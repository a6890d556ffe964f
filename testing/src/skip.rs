//! Skipping a test aloud.

use std::io::Write;

/// Says on the standard error that `test` was skipped and why, past the capturing of the test runner; panics where
/// nothing may be skipped ([`is_required`]).
pub fn skip(test: &str, why: &str) {
    assert!(!is_required(), "{test}: {why}, and SSH_INTEROP=required");
    say(test, why);
}

/// Says that `test` was skipped even where nothing may be: for what only root can do.
///
/// In one write, for tests run in parallel, and not by a macro, whose output the test runner would capture and
/// never show for a test that passes.
pub fn say(test: &str, why: &str) {
    let _ = std::io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes());
}

/// Whether a test must fail rather than skip: `SSH_INTEROP=required` in the environment.
pub fn is_required() -> bool {
    std::env::var_os("SSH_INTEROP").is_some_and(|value| value == "required")
}
