//! Each algorithm against OpenSSH: 8 MiB both ways, with new keys every MiB. With the slower back end alone it is 2 MiB: the
//! framing and the exchanges are the same code.

use crate::facade::connect;
use crate::support::{config, config_with_key, key_exchanges, public_key};
use ssh_client::{Config, Credential, RekeyLimit, host_key::Expect};
use std::sync::Arc;
use testing::{KeyKind, Sshd, noise};

/// What each run sends and gets back, in bytes.
const SIZE: usize = if cfg!(feature = "aws-lc") { 8 << 20 } else { 2 << 20 };

/// Runs `cat` over a session with this configuration, rekeying all the time.
fn echo(sshd: &Sshd, config: Config, what: &str) {
    let limit = RekeyLimit { bytes: 1 << 20, ..RekeyLimit::default() };
    let before = key_exchanges(sshd);
    let session = connect(sshd, &config.rekey(limit)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let input = noise(SIZE);
    let output =
        session.command("cat").stdin(input.clone()).output().unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(output.success(), "{what}: {:?}", output.exit);
    assert!(output.stdout == input, "{what}: {} bytes came back", output.stdout.len());
    // The first, and new keys: what is under way does not wait for them, so that they come less often than by the limit.
    let exchanges = key_exchanges(sshd) - before;
    assert!(exchanges > SIZE >> 21, "{what}: {exchanges} key exchanges in the server's log");
}

fn server(name: &str) -> Option<Sshd> {
    Sshd::builder()
        .config("LogLevel DEBUG\nRekeyLimit 1M\nCiphers +aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc\nMACs +hmac-md5,hmac-md5-96,hmac-sha1-96,hmac-md5-etm@openssh.com,hmac-md5-96-etm@openssh.com,hmac-sha1-96-etm@openssh.com\nKexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1\nHostKeyAlgorithms +ssh-rsa")
        .start_or_skip(name)
}

/// What Debian's OpenSSH 9.2 has, legacy included: all of it is here, too.
const CIPHERS: [&str; 10] = [
    "3des-cbc",
    "aes128-cbc",
    "aes128-ctr",
    "aes128-gcm@openssh.com",
    "aes192-cbc",
    "aes192-ctr",
    "aes256-cbc",
    "aes256-ctr",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];
const MACS: [&str; 16] = [
    "hmac-md5",
    "hmac-md5-96",
    "hmac-md5-96-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512",
    "hmac-sha2-512-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "umac-128@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-64@openssh.com",
];
const KEXES: [&str; 14] = [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
];

/// What both sides have of a kind, as `ssh -Q` calls it. With OpenSSH 9.2 these are the names `expected`, no more and no
/// less; what another version lacks of them is told.
fn common<'a>(
    sshd: &Sshd,
    kind: &str,
    ours: impl Iterator<Item = &'a str>,
    expected: &[&str],
) -> Vec<&'a str> {
    let output = std::process::Command::new("ssh").args(["-Q", kind]).output().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    let common: Vec<_> = ours.filter(|name| theirs.lines().any(|other| other == *name)).collect();
    let session = connect(sshd, &config_with_key(sshd, KeyKind::Ed25519)).unwrap();
    let server = session.server().unwrap().software().to_owned();
    if server.starts_with("OpenSSH_9.2p") {
        let mut tried = common.clone();
        tried.sort_unstable();
        assert_eq!(tried, expected);
    }
    for name in expected.iter().filter(|name| !common.contains(name)) {
        testing::say(&format!("{kind} {name}"), &format!("{server} does not have it"));
    }
    common
}

/// A configuration whose key exchanges are cheap. OpenSSH holds the bytes of a packet against a limit in blocks, and so
/// exchanges keys after nearly every packet of a cipher with blocks of 16 bytes. With ChaCha20, whose blocks it takes to
/// have eight, there are about as many exchanges as were asked for.
fn base(sshd: &Sshd) -> Config {
    let config = config_with_key(sshd, KeyKind::Ed25519);
    let mut algorithms = config.offered().clone();
    algorithms.kex = vec!["curve25519-sha256".into()];
    algorithms.cipher_c2s = vec!["chacha20-poly1305@openssh.com".into()];
    algorithms.cipher_s2c = algorithms.cipher_c2s.clone();
    config.algorithms(algorithms)
}

#[test]
fn every_cipher() {
    let Some(sshd) = server("every_cipher") else { return };
    let base = base(&sshd);
    let ours = base.provider().ciphers.iter().map(|cipher| cipher.name());
    for name in common(&sshd, "cipher", ours, &CIPHERS) {
        let mut algorithms = base.offered().clone();
        (algorithms.cipher_c2s, algorithms.cipher_s2c) = (vec![name.into()], vec![name.into()]);
        echo(&sshd, base.clone().algorithms(algorithms), name);
    }
}

#[test]
fn every_mac() {
    let Some(sshd) = server("every_mac") else { return };
    let base = base(&sshd);
    let ours = base.provider().macs.iter().map(|mac| mac.name());
    for name in common(&sshd, "mac", ours, &MACS) {
        let mut algorithms = base.offered().clone();
        (algorithms.cipher_c2s, algorithms.cipher_s2c) =
            (vec!["aes128-ctr".into()], vec!["aes256-ctr".into()]);
        (algorithms.mac_c2s, algorithms.mac_s2c) = (vec![name.into()], vec![name.into()]);
        echo(&sshd, base.clone().algorithms(algorithms), name);
    }
}

#[test]
fn every_key_exchange_method() {
    let Some(sshd) = server("every_key_exchange_method") else { return };
    let base = base(&sshd);
    let ours = base.provider().kex.iter().map(|method| method.name());
    for name in common(&sshd, "kex", ours, &KEXES) {
        let mut algorithms = base.offered().clone();
        algorithms.kex = vec![name.into()];
        echo(&sshd, base.clone().algorithms(algorithms), name);
    }
}

#[test]
fn every_host_key_algorithm() {
    let Some(sshd) = server("every_host_key_algorithm") else { return };
    let algorithms = [
        (KeyKind::Ed25519, "ssh-ed25519"),
        (KeyKind::EcdsaP256, "ecdsa-sha2-nistp256"),
        (KeyKind::EcdsaP384, "ecdsa-sha2-nistp384"),
        (KeyKind::EcdsaP521, "ecdsa-sha2-nistp521"),
        (KeyKind::Rsa, "rsa-sha2-256"),
        (KeyKind::Rsa, "rsa-sha2-512"),
    ];
    for (kind, name) in algorithms {
        let base = base(&sshd);
        let mut algorithms = base.offered().clone();
        algorithms.host_key = vec![name.into()];
        let key = public_key(sshd.host_key(kind).public_line());
        echo(&sshd, base.algorithms(algorithms).host_key(Expect(key)), name);
    }
}

#[test]
fn every_user_key_type() {
    let Some(sshd) = server("every_user_key_type") else { return };
    let algorithms = base(&sshd).offered().clone();
    for kind in KeyKind::ALL {
        let config = config_with_key(&sshd, kind).algorithms(algorithms.clone());
        echo(&sshd, config, &format!("user key {kind:?}"));
    }
}

#[test]
fn each_back_end_alone() {
    let Some(sshd) = server("each_back_end_alone") else { return };
    let mut providers = vec![ssh_client::crypto::rust_crypto::provider()];
    if cfg!(feature = "aws-lc") {
        providers.push(ssh_client::crypto::default_provider());
    }
    for provider in providers {
        let provider = Arc::new(ssh_client::kex::provider(provider));
        let key = public_key(sshd.host_key(KeyKind::Ed25519).public_line());
        let path = sshd.user_key_path(KeyKind::Ed25519);
        let credential = Credential::key_file(path, None, &provider).unwrap();
        let config = Config::with_provider(config(&sshd).user(), provider).host_key(Expect(key));
        echo(&sshd, config.credential(credential), "back end");
    }
}
