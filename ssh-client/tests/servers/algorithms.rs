//! Every algorithm that a server and we have in common, legacy included, found by asking the server.
//!
//! `expected` is what must be among them, so that a test cannot pass by finding nothing; what a newer server or we learn
//! later is tried of itself.

use crate::{
    facade::Session,
    offer::offer,
    support::{config, connect, every, key, logs_in, only},
};
use testing::{KeyKind, Server, noise};

/// Each key exchange method, twice: before and after the login.
pub(crate) fn key_exchanges(server: &dyn Server, expected: &[&str]) {
    let base = logs_in(server);
    let ours = base.provider().kex.iter().map(|method| method.name()).collect();
    for name in common(ours, &offer(server).kex, expected) {
        let algorithms = only(&base, |algorithms| algorithms.kex = vec![name.into()]);
        let session = connect(server, &base.clone().algorithms(algorithms));
        assert_eq!(session.negotiated().unwrap().kex, name);
        echo(&session, 10_000, name);
        session.rekey().unwrap();
        echo(&session, 10_000, name);
    }
}

/// Each cipher, with new keys every 256 KiB.
pub(crate) fn ciphers(server: &dyn Server, expected: &[&str]) {
    let base = logs_in(server).rekey(every(256 << 10));
    let ours = base.provider().ciphers.iter().map(|cipher| cipher.name()).collect();
    for name in common(ours, &offer(server).ciphers, expected) {
        let algorithms = only(&base, |algorithms| {
            algorithms.cipher_c2s = vec![name.into()];
            algorithms.cipher_s2c = vec![name.into()];
        });
        let session = connect(server, &base.clone().algorithms(algorithms));
        assert_eq!(session.negotiated().unwrap().cipher_s2c, name);
        echo(&session, 1 << 20, name);
    }
}

/// Each MAC, likewise, with a cipher that needs one.
pub(crate) fn macs(server: &dyn Server, expected: &[&str]) {
    let base = logs_in(server).rekey(every(256 << 10));
    let ours = base.provider().macs.iter().map(|mac| mac.name()).collect();
    for name in common(ours, &offer(server).macs, expected) {
        let algorithms = only(&base, |algorithms| {
            algorithms.cipher_c2s = vec!["aes128-ctr".into()];
            algorithms.cipher_s2c = vec!["aes256-ctr".into()];
            algorithms.mac_c2s = vec![name.into()];
            algorithms.mac_s2c = vec![name.into()];
        });
        let session = connect(server, &base.clone().algorithms(algorithms));
        assert_eq!(session.negotiated().unwrap().mac_c2s, Some(name));
        echo(&session, 1 << 20, name);
    }
}

/// Each compression method, likewise.
pub(crate) fn compressions(server: &dyn Server, expected: &[&str]) {
    let base = logs_in(server).rekey(every(256 << 10));
    let ours = base.provider().compression.iter().map(|method| method.name()).collect();
    for name in common(ours, &offer(server).compressions, expected) {
        let algorithms = only(&base, |algorithms| {
            algorithms.compression_c2s = vec![name.into()];
            algorithms.compression_s2c = vec![name.into()];
        });
        let session = connect(server, &base.clone().algorithms(algorithms));
        assert_eq!(session.negotiated().unwrap().compression_s2c, name);
        echo(&session, 1 << 20, name);
    }
}

/// Each algorithm for which the server has a host key of its own.
pub(crate) fn host_keys(server: &dyn Server, expected: &[&str]) {
    let offered = offer(server).host_keys;
    for name in common(HOST_KEYS.iter().map(|(_, name)| *name).collect(), &offered, expected) {
        let (kind, _) = HOST_KEYS.iter().find(|(_, other)| *other == name).unwrap();
        let base = config(server, *kind);
        let key = key(server, KeyKind::Ed25519, &base);
        let algorithms = only(&base, |algorithms| algorithms.host_key = vec![name.into()]);
        let session = connect(server, &base.credential(key).algorithms(algorithms));
        assert_eq!(session.negotiated().unwrap().host_key, name);
        echo(&session, 10_000, name);
        session.rekey().unwrap();
        echo(&session, 10_000, name);
    }
}

const HOST_KEYS: [(KeyKind, &str); 7] = [
    (KeyKind::Ed25519, "ssh-ed25519"),
    (KeyKind::EcdsaP256, "ecdsa-sha2-nistp256"),
    (KeyKind::EcdsaP384, "ecdsa-sha2-nistp384"),
    (KeyKind::EcdsaP521, "ecdsa-sha2-nistp521"),
    (KeyKind::Rsa, "rsa-sha2-256"),
    (KeyKind::Rsa, "rsa-sha2-512"),
    (KeyKind::Rsa, "ssh-rsa"),
];

/// Each kind of user key.
pub(crate) fn user_keys(server: &dyn Server) {
    for kind in KeyKind::ALL {
        let base = config(server, KeyKind::Ed25519);
        let key = key(server, kind, &base);
        echo(&connect(server, &base.credential(key)), 10_000, kind.name());
    }
}

/// What both sides have; all of `expected` is there.
#[track_caller]
fn common<'a>(ours: Vec<&'a str>, theirs: &[String], expected: &[&str]) -> Vec<&'a str> {
    let common: Vec<_> = ours.into_iter().filter(|name| theirs.iter().any(|other| other == name)).collect();
    let missing: Vec<_> = expected.iter().filter(|name| !common.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} are not in common; the server has {theirs:?}");
    common
}

/// Sends `size` bytes through `cat`.
#[track_caller]
pub(crate) fn echo(session: &Session, size: usize, what: &str) {
    let input = noise(size);
    let output = session.command("cat").stdin(input.clone()).output();
    let output = output.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.success(), "{what}: {:?}", output.exit);
    assert!(output.stdout == input, "{what}: {} bytes came back", output.stdout.len());
}
