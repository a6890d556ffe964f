//! What all servers of the harness have in common.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::keys::{KeyKind, KeyPair};

/// A server on 127.0.0.1, whichever program it is, so that a test is written once for all of them.
///
/// Its host keys are those of the test process ([`KeyPair`]s made at their first use), one of every kind in [`KeyKind::ALL`].
pub trait Server: Sync {
    /// The port it listens on.
    fn port(&self) -> u16;

    /// The account to log in to.
    fn user(&self) -> &str;

    /// The account's password, where the server can take one.
    fn password(&self) -> Option<&str>;

    /// The path of a private key that the server accepts, with the public key beside it (`.pub`).
    fn user_key_path(&self, kind: KeyKind) -> PathBuf;

    /// A directory that lives as long as the server, for files of the test's own.
    fn dir(&self) -> &Path;

    /// What it has logged so far.
    fn log(&self) -> String;

    /// Its host key of this kind.
    fn host_key(&self, kind: KeyKind) -> &'static KeyPair {
        KeyPair::host(kind)
    }
}

/// The path below `dir` of the user key of this kind, written by [`write_user_keys`].
pub(crate) fn user_key_path(dir: &Path, kind: KeyKind) -> PathBuf {
    dir.join(format!("user_{}", kind.file_name()))
}

/// Writes a user key of every kind, and `dir/keys/authorized_keys` with all of them and the authority.
pub(crate) fn write_user_keys(dir: &Path) {
    let mut authorized = format!("cert-authority {}\n", KeyPair::authority().public_line());
    for kind in KeyKind::ALL {
        let key = KeyPair::user(kind);
        key.write(&user_key_path(dir, kind));
        authorized += key.public_line();
        authorized += "\n";
    }
    fs::create_dir(dir.join("keys")).expect("the directory of authorized_keys");
    fs::write(dir.join("keys/authorized_keys"), authorized).expect("authorized_keys");
}

/// Writes a host key of every kind, `dir/host_…`, and gives the paths.
pub(crate) fn write_host_keys(dir: &Path, kinds: &[KeyKind]) -> Vec<PathBuf> {
    let path = |kind: &KeyKind| dir.join(format!("host_{}", kind.file_name()));
    kinds.iter().map(|kind| KeyPair::host(*kind).write(&path(kind))).collect()
}

/// A directory that is gone with its value; the name tells whose it is.
pub(crate) fn temporary(prefix: &str) -> tempfile::TempDir {
    tempfile::Builder::new().prefix(prefix).tempdir().expect("a temporary directory")
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port").port()
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

/// The name of the user who runs the test.
pub(crate) fn current_user() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let output = Command::new("id").arg("-un").output().expect("the command id");
        assert!(output.status.success(), "the user who runs the test has no name");
        String::from_utf8(output.stdout).expect("a user name").trim().to_owned()
    })
}
