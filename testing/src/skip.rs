//! Skipping a test aloud.

use std::io::Write;

/// Says on the standard error that `test` was skipped and why, past the capturing of the test runner; panics where
/// nothing may be skipped ([`is_required`]).
pub fn skip(test: &str, why: &str) {
    assert!(!is_required(), "{test}: {why}, and SSH_INTEROP=required");
    // The macros would be captured and never be seen for a test that passes.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// Whether a test must fail rather than skip: `SSH_INTEROP=required` in the environment.
pub fn is_required() -> bool {
    std::env::var_os("SSH_INTEROP").is_some_and(|value| value == "required")
}
