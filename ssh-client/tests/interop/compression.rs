//! Compression against OpenSSH, which has the delayed form alone: 8 MiB both ways, with new keys every MiB.

use super::facade::connect;
use crate::support::config_with_key;
use ssh_client::{Config, ErrorKind, RekeyLimit};
use testing::{KeyKind, Sshd, noise};

/// What each run sends and gets back, in bytes.
const SIZE: usize = 8 << 20;

fn echo(sshd: &Sshd, config: &Config, input: &[u8]) {
    let session = connect(sshd, config).unwrap();
    let output = session.command("cat").stdin(input).output().unwrap();
    assert!(output.success(), "{:?}", output.exit);
    assert!(output.stdout == input, "{} bytes came back", output.stdout.len());
}

#[test]
fn both_directions_survive_new_keys() {
    let name = "both_directions_survive_new_keys";
    let Some(sshd) = Sshd::builder().config("RekeyLimit 1M\nLogLevel DEBUG").start_or_skip(name) else {
        return;
    };
    let limit = RekeyLimit { bytes: 1 << 20, ..RekeyLimit::default() };
    let config = config_with_key(&sshd, KeyKind::Ed25519).rekey(limit).compression();
    // What can't be compressed, what can, and what all but vanishes.
    echo(&sshd, &config, &noise(SIZE));
    let text: Vec<u8> =
        (0..).flat_map(|n: u32| format!("line {n} of a text\n").into_bytes()).take(SIZE).collect();
    echo(&sshd, &config, &text);
    echo(&sshd, &config, &vec![0; SIZE]);
    let started = sshd.log().matches("Enabling compression at level 6").count();
    assert!(started > 3 * 2 * 4, "compression began {started} times: not anew with new keys");
}

#[test]
fn each_direction_alone() {
    let Some(sshd) = Sshd::builder().config("RekeyLimit 1M").start_or_skip("each_direction_alone") else {
        return;
    };
    let base = config_with_key(&sshd, KeyKind::Ed25519);
    for (c2s, s2c) in [("zlib@openssh.com", "none"), ("none", "zlib@openssh.com")] {
        let mut algorithms = base.offered().clone();
        (algorithms.compression_c2s, algorithms.compression_s2c) = (vec![c2s.into()], vec![s2c.into()]);
        echo(&sshd, &base.clone().algorithms(algorithms), &b"the same again, ".repeat(100_000));
    }
}

#[test]
fn a_server_without_compression() {
    let name = "a_server_without_compression";
    let Some(sshd) = Sshd::builder().config("Compression no").start_or_skip(name) else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519).compression();
    echo(&sshd, &config, b"as it is");
    let mut algorithms = config.offered().clone();
    algorithms.compression_c2s = vec!["zlib".into()];
    let error = connect(&sshd, &config.algorithms(algorithms)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NothingInCommon);
    assert!(error.to_string().contains("we offer zlib; the peer offers none"), "{error}");
}
