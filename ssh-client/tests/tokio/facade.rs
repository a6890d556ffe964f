//! The API for tasks, as the scenarios of `tests/interop` and `tests/peers` use it.

pub(crate) use super::api::{Channel, Session};

use crate::support::config_with_key;
use ssh_client::{Config, Error};
use std::os::unix::net::UnixStream;
use testing::{KeyKind, Sshd};

pub(crate) fn connect(sshd: &Sshd, config: &Config) -> Result<Session, Error> {
    Session::connect(("127.0.0.1", sshd.port()), config)
}

pub(crate) fn connect_over(socket: UnixStream, config: &Config) -> Result<Session, Error> {
    Session::connect_over_socket(socket, config)
}

/// A session with an ed25519 key, and all defaults.
pub(crate) fn session(sshd: &Sshd) -> Session {
    connect(sshd, &config_with_key(sshd, KeyKind::Ed25519)).unwrap()
}
