//! Channels the server opens: connections to ports it listens on for us (RFC 4254 §7.1).

use super::{Channel, Connection};
use crate::{
    Error, ErrorKind, Phase,
    listeners::{Listener, granted},
};
use ssh_wire::{Encode, message::connection::TcpipForward};
use std::{fmt, mem, sync::Arc};

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
    ///
    /// The request is sent at the first poll. When the future is dropped later the port is given back.
    pub async fn forward(&self, address: &str, port: u16) -> Result<Forward, Error> {
        let mut data = Vec::new();
        TcpipForward { address: address.as_bytes(), port: port.into() }.encode(&mut data);
        let listener = Arc::new(Listener::default());
        let asked = listener.clone();
        let unknown = Unknown { connection: self, listener: &listener };
        let (success, reply) = self
            .global_request_with("tcpip-forward", true, &data, |core, number| {
                core.listeners.ask(number, address, port, asked);
            })
            .await?;
        if !success {
            let message = format!("server refused to listen on {address:?} port {port}");
            return Err(Error::new(ErrorKind::RequestRefused, message));
        }
        let chosen = granted(port, &reply)
            .map_err(|error| Error::with_source(ErrorKind::Protocol, "answer to tcpip-forward", error))?;
        mem::forget(unknown);
        Ok(Forward { connection: self.clone(), listener, address: address.to_owned(), port: chosen })
    }
}

/// A port that may have been granted while nobody knows it.
struct Unknown<'a> {
    connection: &'a Connection,
    listener: &'a Arc<Listener>,
}

impl Drop for Unknown<'_> {
    fn drop(&mut self) {
        let shared = self.connection.shared();
        let mut core = shared.lock();
        core.end_unknown_listener(self.listener);
        shared.send(core);
    }
}

impl Forward {
    /// The port the server listens on.
    pub fn port(&self) -> u16 {
        u16::try_from(self.port).unwrap_or_default()
    }

    /// Waits for the next connection. Cancel safe.
    pub async fn accept(&self) -> Result<Forwarded, Error> {
        let shared = self.connection.shared();
        let next = shared.wait_for(None, Phase::Accept, |_| self.listener.waiting().pop_front()).await?;
        Ok(Forwarded {
            channel: Channel::new(self.connection.clone(), next.channel, next.inbox),
            originator: next.originator,
            originator_port: next.originator_port,
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let shared = self.connection.shared();
        let mut core = shared.lock();
        core.end_listener(self.address.as_bytes(), self.port, &self.listener);
        shared.send(core);
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Forward({:?} port {})", self.address, self.port)
    }
}
