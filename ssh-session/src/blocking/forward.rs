//! Channels the server opens: connections to ports it listens on for us (RFC 4254 §7.1).

use super::{Channel, Connection, driver::Core, inbox::Inbox, incoming::Types};
use crate::{Error, ErrorKind, Phase};
use ssh_connection::ChannelId;
use ssh_wire::{
    DecodeError, Encode, Rest,
    message::connection::{ForwardedPort, ForwardedTcpip, TcpipForward},
    number::open_failure,
};
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Connections that wait to be accepted, per forwarded port; more are refused.
const BACKLOG: usize = 128;

/// The ports the server listens on for this session.
#[derive(Default)]
pub(super) struct Listeners {
    ports: HashMap<(Vec<u8>, u32), Arc<Listener>>,
    /// What was asked for and not answered yet, by the number of the request.
    asked: HashMap<u64, Asked>,
    /// Other channels that the server may open.
    pub(super) types: Types,
}

/// A port that was asked for.
struct Asked {
    address: Vec<u8>,
    port: u16,
    listener: Arc<Listener>,
}

/// Connections that wait to be accepted.
#[derive(Default)]
struct Listener(Mutex<VecDeque<Waiting>>);

struct Waiting {
    channel: ChannelId,
    inbox: Arc<Inbox>,
    originator: String,
    originator_port: u32,
}

impl Listener {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listeners {
    /// Whether a channel the server opens is one that was asked for.
    pub(super) fn accept(
        &mut self,
        channel: ChannelId,
        channel_type: &[u8],
        data: &[u8],
        inbox: Arc<Inbox>,
    ) -> Result<(), (u32, &'static str)> {
        if channel_type != b"forwarded-tcpip" {
            return self.types.accept(channel, channel_type, data, inbox);
        }
        let refused = (open_failure::ADMINISTRATIVELY_PROHIBITED, "port was not asked for");
        let forwarded: ForwardedTcpip<'_> = Rest(data).parse().map_err(|_| refused)?;
        let listener = self.ports.get(&(forwarded.address.to_vec(), forwarded.port)).ok_or(refused)?;
        let mut waiting = listener.waiting();
        if waiting.len() >= BACKLOG {
            return Err((open_failure::RESOURCE_SHORTAGE, "too many connections wait"));
        }
        let originator = String::from_utf8_lossy(forwarded.originator).into_owned();
        let originator_port = forwarded.originator_port;
        waiting.push_back(Waiting { channel, inbox, originator, originator_port });
        Ok(())
    }

    /// The server has answered a global request: if it was for a port and is granted, connections may come.
    pub(super) fn answered(&mut self, number: u64, success: bool, reply: &[u8]) {
        let Some(Asked { address, port, listener }) = self.asked.remove(&number) else { return };
        if let (true, Ok(port)) = (success, granted(port, reply)) {
            self.ports.insert((address, port), listener);
        }
    }

    /// Nobody waits for the answer any more.
    pub(super) fn forget(&mut self, number: u64) {
        self.asked.remove(&number);
    }
}

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
        let asked = Asked { address: address.as_bytes().to_vec(), port, listener: listener.clone() };
        let timeout = self.settings().request_timeout;
        let (success, reply) =
            self.shared().global_request_with(b"tcpip-forward", true, &data, timeout, |core, number| {
                core.listeners.asked.insert(number, asked);
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
        let next = self.connection.shared().wait(timeout, Phase::Open, next)?;
        Ok(Forwarded {
            channel: Channel::new(self.connection.clone(), next.channel, next.inbox),
            originator: next.originator,
            originator_port: next.originator_port,
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let mut data = Vec::new();
        TcpipForward { address: self.address.as_bytes(), port: self.port }.encode(&mut data);
        // An error means that the session is over, and the forwarding with it.
        let _ = self.connection.shared().global_request(b"cancel-tcpip-forward", false, &data, None);
        let mut core = self.connection.shared().lock();
        let key = (self.address.as_bytes().to_vec(), self.port);
        // A server that grants a port twice has given it to another by now.
        if core.listeners.ports.get(&key).is_some_and(|listener| Arc::ptr_eq(listener, &self.listener)) {
            core.listeners.ports.remove(&key);
        }
        for Waiting { channel, .. } in self.listener.waiting().drain(..) {
            core.channels.remove(&channel);
            core.engine.mux.close(channel);
        }
        self.connection.shared().send(core);
    }
}

/// The port that the server listens on where `asked` was asked for.
fn granted(asked: u16, reply: &[u8]) -> Result<u32, DecodeError> {
    match asked {
        0 => Ok(Rest(reply).parse::<ForwardedPort>()?.port),
        port => Ok(port.into()),
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Forward({:?} port {})", self.address, self.port)
    }
}
