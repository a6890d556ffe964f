//! What these tests share.

use ssh_client::{Config, Credential, PublicKey, Timeouts, host_key::Expect};
use std::time::Duration;
use testing::{KeyKind, Sshd};

/// Long enough for a loaded machine, short enough for a test that hangs to be noticed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The key of a `type base64` line.
pub(crate) fn public_key(line: &str) -> PublicKey {
    PublicKey::from_line(line).unwrap().0
}

/// Trusts the server's ed25519 key and has no credential.
pub(crate) fn config(sshd: &Sshd) -> Config {
    let key = public_key(sshd.host_key(KeyKind::Ed25519).public_line());
    Config::new(sshd.user()).host_key(Expect(key)).timeouts(timeouts(PATIENCE))
}

/// Every phase may take this long.
pub(crate) fn timeouts(time: Duration) -> Timeouts {
    Timeouts {
        connect: Some(time),
        handshake: Some(time),
        authentication: Some(time),
        open: Some(time),
        request: Some(time),
        ..Timeouts::default()
    }
}

/// The same with the user's key of this kind.
pub(crate) fn config_with_key(sshd: &Sshd, kind: KeyKind) -> Config {
    let config = config(sshd);
    let credential = Credential::key_file(sshd.user_key_path(kind), None, config.provider()).unwrap();
    config.credential(credential)
}

/// The key exchanges of all sessions so far, by the log of a server at `LogLevel DEBUG`.
pub(crate) fn key_exchanges(sshd: &Sshd) -> usize {
    sshd.log().matches("SSH2_MSG_NEWKEYS received").count()
}
