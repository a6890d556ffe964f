//! The measurement works: next to nothing of everything.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

#[test]
fn a_few_samples_fill_every_row() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_timing")).args(["--samples", "400"]).output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    for row in [
        "`==`",
        "hmac-sha2-256,",
        "aes128-gcm@openssh.com",
        "3des-cbc",
        "blowfish-cbc",
        "sntrup761x25519-sha512",
        "ssh-dss",
        "rsa-sha2-512",
    ] {
        assert!(table.lines().any(|line| line.contains(row)), "{row}: {table}");
    }
}
