//! The ports the server listens on for this session (RFC 4254 §7.1), and the connections that wait there.

use crate::{core::Core, inbox::Inbox, incoming::Types};
use ssh_connection::ChannelId;
use ssh_wire::{
    DecodeError, Encode, Rest,
    message::connection::{ForwardedPort, ForwardedTcpip, TcpipForward},
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
    /// `None` if nobody waits for the answer any more.
    listener: Option<Arc<Listener>>,
}

/// What becomes of the answer to a global request.
pub(crate) enum Answered {
    /// It is for who waits for it.
    Wanted,
    /// Nobody does.
    Unwanted,
    /// Nobody does, and the server listens on this port in vain.
    InVain(Vec<u8>, u32),
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
    pub(crate) fn answered(&mut self, number: u64, success: bool, reply: &[u8]) -> Answered {
        let Some(Asked { address, port, listener }) = self.asked.remove(&number) else {
            return Answered::Wanted;
        };
        match (success.then(|| granted(port, reply)), listener) {
            (Some(Ok(port)), Some(listener)) => {
                self.ports.insert((address, port), listener);
                Answered::Wanted
            }
            (Some(Ok(port)), None) => Answered::InVain(address, port),
            (_, Some(_)) => Answered::Wanted,
            (_, None) => Answered::Unwanted,
        }
    }

    /// A port is asked for, by the request with this number.
    pub(crate) fn ask(&mut self, number: u64, address: &str, port: u16, listener: Arc<Listener>) {
        let asked = Asked { address: address.as_bytes().to_vec(), port, listener: Some(listener) };
        self.asked.insert(number, asked);
    }

    /// Nobody waits for the answer any more. Whether it was for a port, which must be given back if it is granted.
    pub(crate) fn forget(&mut self, number: u64) -> bool {
        self.asked.get_mut(&number).is_some_and(|asked| asked.listener.take().is_some())
    }
}

impl Core {
    /// Nobody accepts connections to this port any more: gives it back to the server.
    pub(crate) fn end_listener(&mut self, address: &[u8], port: u32, listener: &Arc<Listener>) {
        self.give_back(address, port);
        let key = (address.to_vec(), port);
        // A server that grants a port twice has given it to another by now.
        if self.listeners.ports.get(&key).is_some_and(|other| Arc::ptr_eq(other, listener)) {
            self.listeners.ports.remove(&key);
        }
        for Waiting { channel, .. } in listener.waiting().drain(..) {
            self.channels.remove(&channel);
            self.engine.mux.close(channel);
        }
    }

    /// The same for a port that may have been granted, and that nobody knows of.
    #[cfg(feature = "tokio")]
    pub(crate) fn end_unknown_listener(&mut self, listener: &Arc<Listener>) {
        let granted = self.listeners.ports.iter().find(|(_, other)| Arc::ptr_eq(other, listener));
        if let Some((address, port)) = granted.map(|(key, _)| key.clone()) {
            self.end_listener(&address, port, listener);
        }
    }

    /// Tells the server to listen no longer (RFC 4254 §7.1).
    pub(crate) fn give_back(&mut self, address: &[u8], port: u32) {
        let mut data = Vec::new();
        TcpipForward { address, port }.encode(&mut data);
        // An error means that the session is over, and the forwarding with it.
        let _ = self.engine.mux.global_request(b"cancel-tcpip-forward", false, &data);
    }
}

/// The port that the server listens on where `asked` was asked for.
pub(crate) fn granted(asked: u16, reply: &[u8]) -> Result<u32, DecodeError> {
    match asked {
        0 => Ok(Rest(reply).parse::<ForwardedPort>()?.port),
        port => Ok(port.into()),
    }
}
