//! Channels the server opens: connections to ports it listens on for us (RFC 4254 §7.1).

use super::{Channel, Connection};
use crate::{
    Error, ErrorKind, Phase,
    core::Core,
    listeners::{Listener, granted},
};
use ssh_wire::{Encode, message::connection::TcpipForward};
use std::{fmt, sync::Arc, time::Duration};

/// A port the server listens on. Dropping it ends that.
pub struct Forward {
    connection: Connection,
    listener: Arc<Listener>,
    address: String,
    port: u32,
}

/// A connection to a forwarded port.
#[derive(Debug)]
pub struct Forwarded {
    /// The connection.
    pub channel: Channel,
    /// Who connected: an IP address, as the server saw it.
    pub originator: String,
    /// From which port.
    pub originator_port: u32,
}

impl Connection {
    /// Asks the server to listen on `address` (empty for all it has) and `port` (0 lets it choose), and to pass
    /// connections on (RFC 4254 §7.1).
    pub fn forward(&self, address: &str, port: u16) -> Result<Forward, Error> {
        let mut data = Vec::new();
        TcpipForward { address: address.as_bytes(), port: port.into() }.encode(&mut data);
        let listener = Arc::new(Listener::default());
        let asked = listener.clone();
        let timeout = self.settings().request_timeout;
        let (success, reply) =
            self.shared().global_request_with(b"tcpip-forward", true, &data, timeout, |core, number| {
                core.listeners.ask(number, address, port, asked);
            })?;
        if !success {
            let message = format!("server refused to listen on {address:?} port {port}");
            return Err(Error::new(ErrorKind::RequestRefused, message));
        }
        let chosen = granted(port, &reply)
            .map_err(|error| Error::with_source(ErrorKind::Protocol, "answer to tcpip-forward", error))?;
        Ok(Forward { connection: self.clone(), listener, address: address.to_owned(), port: chosen })
    }
}

impl Forward {
    /// The port the server listens on.
    pub fn port(&self) -> u16 {
        u16::try_from(self.port).unwrap_or_default()
    }

    /// Waits for the next connection.
    pub fn accept(&self, timeout: Option<Duration>) -> Result<Forwarded, Error> {
        let next = |_: &mut Core| self.listener.waiting().pop_front();
        let next = self.connection.shared().wait(timeout, Phase::Accept, next)?;
        Ok(Forwarded {
            channel: Channel::new(self.connection.clone(), next.channel, next.inbox),
            originator: next.originator,
            originator_port: next.originator_port,
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let mut core = self.connection.shared().lock();
        core.end_listener(self.address.as_bytes(), self.port, &self.listener);
        self.connection.shared().send(core);
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Forward({:?} port {})", self.address, self.port)
    }
}
