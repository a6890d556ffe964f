//! The blocking API, as the scenarios use it; `tests/tokio` has another of the same shape.

pub(crate) use ssh_client::blocking::{Channel, Session};

use ssh_client::{Config, Error};
use std::os::unix::net::UnixStream;

pub(crate) fn connect_over(socket: UnixStream, config: &Config) -> Result<Session, Error> {
    Session::connect_over(socket, "host", 22, config)
}
