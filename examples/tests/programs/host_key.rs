//! `host_key`.

use crate::host::{Host, text};
use std::{fs, process::Output};
use testing::KeyKind;

const HOST_KEY: &str = env!("CARGO_BIN_EXE_host_key");

/// The fingerprint in `accepted: ssh-ed25519 SHA256:…`.
#[track_caller]
fn accepted(output: &Output) -> String {
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let (_, fingerprint) = stdout.trim_end().rsplit_once("accepted: ssh-ed25519 ").unwrap();
    fingerprint.to_owned()
}

#[track_caller]
fn assert_refused(output: &Output, why: &str) {
    assert!(text(&output.stderr).contains(why), "{output:?}");
    assert_eq!(output.status.code(), Some(255), "{output:?}");
    assert!(!text(&output.stdout).contains("accepted"), "{output:?}");
}

#[test]
fn by_known_hosts() {
    let Some(host) = Host::start("by_known_hosts") else { return };
    assert!(accepted(&host.run(HOST_KEY, &[&host.target()], "")).starts_with("SHA256:"));
    let file = host.home.path().join("other");
    fs::write(&file, "").unwrap();
    let output = host.run(HOST_KEY, &[&host.target(), "--known-hosts", file.to_str().unwrap()], "");
    assert_refused(&output, "no key is known");
}

#[test]
fn by_fingerprint() {
    let Some(host) = Host::start("by_fingerprint") else { return };
    let fingerprint = accepted(&host.run(HOST_KEY, &[&host.target()], ""));
    fs::remove_file(host.home.path().join(".ssh/known_hosts")).unwrap();
    let output = host.run(HOST_KEY, &[&host.target(), "--fingerprint", &fingerprint], "");
    assert_eq!(accepted(&output), fingerprint);
    let other = format!("SHA256:{}", "A".repeat(43));
    assert_refused(
        &host.run(HOST_KEY, &[&host.target(), "--fingerprint", &other], ""),
        &format!("not {other}"),
    );
    let output = host.run(HOST_KEY, &[&host.target(), "--fingerprint", "SHA256:no"], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn by_a_decision() {
    let Some(host) = Host::start("by_a_decision") else { return };
    let file = host.home.path().join(".ssh/known_hosts");
    fs::remove_file(&file).unwrap();
    for answer in ["no\n", "", "y\n"] {
        assert_refused(&host.run(HOST_KEY, &[&host.target(), "--ask"], answer), "was not accepted");
        assert!(!file.exists());
    }
    let output = host.run(HOST_KEY, &[&host.target(), "--ask"], "yes\n");
    accepted(&output);
    assert!(text(&output.stdout).starts_with("+--[ED25519 256]--+"), "{output:?}");
    // From now on it is known, without a question.
    accepted(&host.run(HOST_KEY, &[&host.target()], ""));
    accepted(&host.run(HOST_KEY, &[&host.target(), "--ask"], ""));
    // What contradicts it is no question either.
    let other = testing::KeyPair::generate(KeyKind::Ed25519);
    fs::write(&file, format!("[127.0.0.1]:{} {}\n", host.sshd.port(), other.public_line())).unwrap();
    assert_refused(&host.run(HOST_KEY, &[&host.target(), "--ask"], "yes\n"), "somebody may sit in between");
}
