//! The ports the server listens on for this session (RFC 4254 §7.1), and the connections that wait there.

use crate::{core::Core, inbox::Inbox, incoming::Types};
use ssh_connection::ChannelId;
use ssh_wire::{
    DecodeError, Rest,
    message::connection::{ForwardedPort, ForwardedTcpip},
    number::open_failure,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Connections that wait to be accepted, per forwarded port; more are refused.
const BACKLOG: usize = 128;

/// The ports the server listens on for this session.
#[derive(Default)]
pub(crate) struct Listeners {
    ports: HashMap<(Vec<u8>, u32), Arc<Listener>>,
    /// What was asked for and not answered yet, by the number of the request.
    asked: HashMap<u64, Asked>,
    /// Other channels that the server may open.
    pub(crate) types: Types,
}

/// A port that was asked for.
struct Asked {
    address: Vec<u8>,
    port: u16,
    listener: Arc<Listener>,
}

/// Connections that wait to be accepted.
#[derive(Default)]
pub(crate) struct Listener(Mutex<VecDeque<Waiting>>);

pub(crate) struct Waiting {
    pub(crate) channel: ChannelId,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) originator: String,
    pub(crate) originator_port: u32,
}

impl Listener {
    pub(crate) fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listeners {
    /// Whether a channel the server opens is one that was asked for.
    pub(crate) fn accept(
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
    pub(crate) fn answered(&mut self, number: u64, success: bool, reply: &[u8]) {
        let Some(Asked { address, port, listener }) = self.asked.remove(&number) else { return };
        if let (true, Ok(port)) = (success, granted(port, reply)) {
            self.ports.insert((address, port), listener);
        }
    }

    /// A port is asked for, by the request with this number.
    pub(crate) fn ask(&mut self, number: u64, address: &str, port: u16, listener: Arc<Listener>) {
        self.asked.insert(number, Asked { address: address.as_bytes().to_vec(), port, listener });
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget(&mut self, number: u64) {
        self.asked.remove(&number);
    }
}

impl Core {
    /// Nobody accepts connections to this port any more.
    pub(crate) fn end_listener(&mut self, address: &str, port: u32, listener: &Arc<Listener>) {
        let key = (address.as_bytes().to_vec(), port);
        // A server that grants a port twice has given it to another by now.
        if self.listeners.ports.get(&key).is_some_and(|other| Arc::ptr_eq(other, listener)) {
            self.listeners.ports.remove(&key);
        }
        for Waiting { channel, .. } in listener.waiting().drain(..) {
            self.channels.remove(&channel);
            self.engine.mux.close(channel);
        }
    }
}

/// The port that the server listens on where `asked` was asked for.
pub(crate) fn granted(asked: u16, reply: &[u8]) -> Result<u32, DecodeError> {
    match asked {
        0 => Ok(Rest(reply).parse::<ForwardedPort>()?.port),
        port => Ok(port.into()),
    }
}
