//! The engine of SSH-TRANS (RFC 4253), the same for clients and servers.

use crate::{
    Algorithms, Config, Error, Event, LOG_TARGET, Negotiated, NewOpen, Received, Receiver, Role,
    allowed::Phase,
    error::Cause,
    ext_info::Extensions,
    offer::Offer,
    owed::{Answer, Owed},
    padding::padding,
    receiver::Authenticated,
    rekey::{Meter, RekeyLimit},
    state::{Deadline, Session, State},
    strict::Strict,
};
use bytes::Bytes;
use log::debug;
use ssh_crypto::Signer;
use ssh_wire::{
    Encoder, Message, Open, Packet, PacketSink,
    ident::Identification,
    message::transport::{Disconnect, Pong, Unimplemented},
    packet::Clear,
};
use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// No more is taken from the layers above while this much waits to be written, in bytes.
const MAX_OUTPUT: usize = 1024 * 1024;
/// Events that only inform are dropped while this many wait to be polled.
const MAX_NOTICES: usize = 256;
/// RFC 4253 §6.1: packets of this size must be accepted, in bytes.
const MIN_MAX_PACKET: usize = 35_000;
/// A description in DISCONNECT is cut here, in bytes.
const MAX_DESCRIPTION: usize = 4096;

/// The transport layer of one connection. It does no I/O and has no clock: it takes what the [`Receiver`] decoded
/// and the time, and gives events, deadlines and bytes to write.
///
/// 1. [`client`](Transport::client) or [`server`](Transport::server): [`output`](Transport::output) already holds
///    the identification string and KEXINIT.
/// 2. What the receiver decoded goes to [`handle`](Transport::handle); after each, [`take_open`](Transport::take_open)
///    may have keys for the receiver, [`poll_event`](Transport::poll_event) may have events. The payload it answers is
///    for the layers above.
/// 3. At [`poll_timeout`](Transport::poll_timeout), call [`handle_timeout`](Transport::handle_timeout).
/// 4. A client answers [`Event::HostKey`] with [`accept_host_key`](Transport::accept_host_key) or
///    [`reject_host_key`](Transport::reject_host_key).
/// 5. The layers above send through its [`PacketSink`], which gives packets as soon as our NEWKEYS is sent and
///    none while keys are renewed or much output waits.
/// 6. After each of these, write what is in [`output`](Transport::output).
///
/// After an error, `output` may hold a DISCONNECT to be written before the socket is closed; every other call then
/// answers that error.
pub struct Transport {
    pub(crate) config: Config,
    pub(crate) offer: Offer,
    pub(crate) role: Role,
    /// Server: the keys it can prove to own.
    pub(crate) host_keys: Vec<Arc<dyn Signer>>,
    pub(crate) encoder: Encoder,
    pub(crate) state: State,
    /// What the peer may send.
    pub(crate) phase: Phase,
    pub(crate) strict: Strict,
    pub(crate) deadline: Deadline,
    /// The last time we were told.
    pub(crate) now: Instant,
    /// When a key exchange is due by time.
    pub(crate) rekey_at: Option<Instant>,
    pub(crate) peer: Option<Identification>,
    pub(crate) session: Option<Session>,
    pub(crate) received: Meter,
    pub(crate) send_limit: RekeyLimit,
    pub(crate) receive_limit: RekeyLimit,
    /// The peer's first KEXINIT asks for our EXT_INFO.
    pub(crate) ext_info_wanted: bool,
    pub(crate) extensions: Extensions,
    /// USERAUTH_SUCCESS has passed, or the peer speaks the connection protocol.
    pub(crate) authenticated: bool,
    /// USERAUTH_SUCCESS was sent or received: the receiver must know before its next packet.
    is_authenticated: Authenticated,
    pub(crate) owed: Owed,
    pub(crate) events: VecDeque<Event>,
    pub(crate) open: Option<NewOpen>,
}

// Construction.
impl Transport {
    /// Starts as the client. `output` holds our identification string and KEXINIT.
    ///
    /// A configuration that can't work is an error of kind [`Usage`](crate::ErrorKind::Usage).
    pub fn client(config: Config, now: Instant) -> Result<(Self, Receiver), Error> {
        Self::new(Role::Client, config, Vec::new(), now)
    }

    /// Starts as the server that owns `host_keys`: of [`Algorithms::host_key`](crate::Algorithms::host_key) those are
    /// offered that one of the keys can sign with. `output` holds our identification string and KEXINIT.
    ///
    /// A configuration that can't work is an error of kind [`Usage`](crate::ErrorKind::Usage).
    pub fn server(
        mut config: Config,
        host_keys: Vec<Arc<dyn Signer>>,
        now: Instant,
    ) -> Result<(Self, Receiver), Error> {
        config.algorithms.check(&config.provider)?;
        let can_sign = |name: &String| host_keys.iter().any(|key| key.algorithms().contains(&name.as_str()));
        config.algorithms.host_key.retain(can_sign);
        if config.algorithms.host_key.is_empty() {
            return Err(Error::usage("no host key can sign with any of the host key algorithms allowed"));
        }
        Self::new(Role::Server, config, host_keys, now)
    }

    fn new(
        role: Role,
        mut config: Config,
        host_keys: Vec<Arc<dyn Signer>>,
        now: Instant,
    ) -> Result<(Self, Receiver), Error> {
        config.algorithms.check(&config.provider)?;
        config.provider.check().map_err(|error| Error::usage(format!("provider: {error}")))?;
        if config.rekey.bytes == 0 || config.rekey.packets == 0 {
            return Err(Error::usage("a rekey limit of 0 leaves no room for anything but rekeying"));
        }
        if config.max_packet < MIN_MAX_PACKET {
            return Err(Error::usage(format!("packets of up to {MIN_MAX_PACKET} bytes must be accepted")));
        }
        let offer = Offer::new(&config.algorithms);
        // What is told once, when the first keys are there.
        let user_key = std::mem::take(&mut config.algorithms.user_key);
        config.algorithms = Algorithms { user_key, ..Algorithms::none() };
        let is_authenticated = Authenticated::default();
        let receiver = Receiver::new(role, config.max_packet, is_authenticated.clone());
        let mut encoder = Encoder::new(padding(config.provider.random));
        encoder.set_name(role.name());
        encoder.raw(config.identification.as_bytes());
        encoder.raw(b"\r\n");
        let mut transport = Self {
            role,
            host_keys,
            encoder,
            state: State::Idle,
            phase: Phase::Start,
            strict: Strict::new(config.strict_kex),
            deadline: Deadline::None,
            now,
            rekey_at: None,
            peer: None,
            session: None,
            received: Meter::new(Open::layout(&Clear)),
            send_limit: config.rekey,
            receive_limit: config.rekey,
            ext_info_wanted: false,
            extensions: Extensions::default(),
            authenticated: false,
            is_authenticated,
            owed: Owed::default(),
            events: VecDeque::new(),
            open: None,
            config,
            offer,
        };
        debug!(target: LOG_TARGET, "{role:?}: we are {}", transport.config.identification);
        transport.propose()?;
        transport.deadline = Deadline::after(now, transport.config.kex_timeout);
        Ok((transport, receiver))
    }
}

// Input.
impl Transport {
    /// Takes what the receiver decoded. `Some` is a message for the layers above: 50 to 127, SERVICE_REQUEST or
    /// SERVICE_ACCEPT.
    pub fn handle(&mut self, received: Received, now: Instant) -> Result<Option<Bytes>, Error> {
        self.tick(now)?;
        let result = match received {
            Received::Line(line) => {
                self.notice(Event::Line(line));
                Ok(None)
            }
            Received::Identification(identification) => self.identified(identification),
            Received::Packet(inbound) => self.message(&inbound),
        };
        result.map_err(|error| self.fail(error))
    }

    /// To be called when [`poll_timeout`](Transport::poll_timeout) has come; calling it earlier does no harm.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.tick(now)?;
        if matches!(self.deadline, Deadline::At(deadline) if deadline <= now) {
            let limit = self.config.kex_timeout;
            let what = match (&self.session, &self.peer) {
                (Some(_), _) => "renewing the keys",
                (None, None) => "the peer's identification string",
                (None, Some(_)) => "the key exchange",
            };
            return Err(self.fail(Cause::Timeout { what, limit }.into()));
        }
        if self.may_renew() && self.rekey_at.is_some_and(|at| at <= now) {
            self.renew("time")?;
        }
        self.flush_owed();
        Ok(())
    }

    /// Whether [`take_open`](Transport::take_open) has keys.
    pub fn has_open(&self) -> bool {
        self.open.is_some()
    }

    /// The keys for [`Receiver::install`], once the peer's NEWKEYS has come and the host key is accepted.
    pub fn take_open(&mut self) -> Option<NewOpen> {
        self.open.take()
    }
}

// Events and deadlines.
impl Transport {
    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Transport::handle_timeout) is to be called; it changes with every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline = match self.deadline {
            Deadline::None => None,
            Deadline::Unset => Some(self.now),
            Deadline::At(at) => Some(at),
        };
        let rekey = self.rekey_at.filter(|_| self.may_renew());
        deadline.into_iter().chain(rekey).min()
    }
}

// Commands.
impl Transport {
    /// How long each key exchange from now on may take; one that runs keeps its deadline.
    pub fn set_kex_timeout(&mut self, timeout: Duration) {
        self.config.kex_timeout = timeout;
    }

    /// Answers [`Event::HostKey`]: the key is the right server's. Without this call nothing goes on.
    pub fn accept_host_key(&mut self, now: Instant) -> Result<(), Error> {
        self.tick(now)?;
        match std::mem::replace(&mut self.state, State::Idle) {
            State::HostKey { pending, newkeys } => {
                debug!(target: LOG_TARGET, "{:?}: the host key is accepted", self.role);
                self.deadline = Deadline::after(now, self.config.kex_timeout);
                self.change_keys(*pending);
                if newkeys {
                    self.keys_changed();
                }
                Ok(())
            }
            other => {
                self.state = other;
                Err(Error::usage("there is no host key to accept"))
            }
        }
    }

    /// Answers [`Event::HostKey`]: the key is not the right server's. Sends DISCONNECT; answers the error that every
    /// other call answers from now on.
    pub fn reject_host_key(&mut self) -> Error {
        match &self.state {
            State::HostKey { .. } => self.fail(Cause::HostKeyRejected.into()),
            State::Closed(error) => error.clone(),
            _ => Error::usage("there is no host key to reject"),
        }
    }

    /// Renews the keys now; nothing happens if a key exchange runs already. Before the user is authenticated, OpenSSH
    /// takes no key exchange but the first.
    pub fn rekey(&mut self, now: Instant) -> Result<(), Error> {
        self.tick(now)?;
        if matches!(self.state, State::Idle) {
            self.renew("demand")?;
        }
        Ok(())
    }

    /// Sends DISCONNECT with a reason of [`ssh_wire::number::disconnect`] and ends the session; every other call then
    /// answers an error of kind [`Disconnected`](crate::ErrorKind::Disconnected).
    pub fn disconnect(&mut self, reason: u32, description: &str) {
        if !matches!(self.state, State::Closed(_)) {
            self.send_disconnect(reason, description);
            self.close(Cause::Closed.into());
        }
    }

    /// Ends the session for an error of the [`Receiver`] or of another layer's making, and tells the peer so with the
    /// fitting reason.
    pub fn abort(&mut self, error: &Error) {
        if !matches!(self.state, State::Closed(_)) {
            self.fail(error.clone());
        }
    }

    /// Tells the peer that its message in packet `seq` is not known (RFC 4253 §11.4), as soon as that may be sent.
    pub fn unimplemented(&mut self, seq: u32) {
        if self.is_closed() {
            return;
        }
        match self.owed.push(Answer::Unimplemented(seq)) {
            Ok(()) => self.flush_owed(),
            Err(error) => {
                self.fail(error);
            }
        }
    }
}

// Output.
impl Transport {
    /// What waits to be written to the socket, in this order and whole. The caller takes it out, writes it, and looks
    /// here again.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.flush_owed();
        if self.encoder.is_authenticated() {
            self.is_authenticated.set();
        }
        self.encoder.output()
    }
}

impl PacketSink for Transport {
    fn packet(&mut self) -> Option<Packet<'_>> {
        self.renew_if_due();
        self.flush_owed();
        self.has_room().then(|| self.encoder.packet())
    }
}

// Getters.
impl Transport {
    /// Which side this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The session identifier: the first exchange hash (RFC 4253 §7.2). It is there once our first NEWKEYS is sent.
    pub fn session_id(&self) -> Option<&[u8]> {
        self.session.as_ref().map(|session| session.id.as_slice())
    }

    /// What both sides agreed on in the last key exchange.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.session.as_ref().map(|session| &session.negotiated)
    }

    /// The peer's identification string.
    pub fn peer_identification(&self) -> Option<&Identification> {
        self.peer.as_ref()
    }

    /// The host key's blob, once it is accepted.
    pub fn host_key(&self) -> Option<&[u8]> {
        self.session.as_ref().map(|session| session.host_key.as_slice())
    }

    /// The host's signature blob over the [session id](Transport::session_id), once its key is accepted. Agents that
    /// keep keys to their destinations want to see it (OpenSSH PROTOCOL.agent §1).
    pub fn host_signature(&self) -> Option<&[u8]> {
        self.session.as_ref().map(|session| session.host_signature.as_slice())
    }

    /// Gives back the memory that holds nothing: for a session at rest.
    pub fn shrink_to_fit(&mut self) {
        self.events.shrink_to_fit();
        self.owed.shrink_to_fit();
    }

    /// The signature algorithms the server accepts for user keys, if it told (RFC 8308 §3.1).
    pub fn server_sig_algs(&self) -> Option<Vec<String>> {
        self.extensions.server_sig_algs()
    }

    /// The value of one of the peer's extensions (RFC 8308).
    pub fn ext_info(&self, name: &str) -> Option<&[u8]> {
        self.extensions.value(name)
    }

    /// Whether the first key exchange is over and the session has not ended.
    pub fn is_established(&self) -> bool {
        !self.is_closed() && self.session.as_ref().is_some_and(|session| session.established)
    }

    /// Whether keys are being renewed.
    pub fn is_rekeying(&self) -> bool {
        self.is_established() && !matches!(self.state, State::Idle)
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }
}

// What the other parts of the engine share.
impl Transport {
    /// Whether the layers above, and answers to the peer, may send: not between our KEXINIT and our NEWKEYS
    /// (RFC 4253 §7.1), and not while much output waits.
    fn has_room(&self) -> bool {
        matches!(self.state, State::Idle | State::NewKeys(_)) && self.encoder.pending() <= MAX_OUTPUT
    }

    /// Whether a limit may start a key exchange: none runs, and the authentication is over, for OpenSSH takes no
    /// KEXINIT before that.
    pub(crate) fn may_renew(&self) -> bool {
        self.authenticated && matches!(self.state, State::Idle)
    }

    /// Sends the answers owed to the peer, if they may be sent.
    pub(crate) fn flush_owed(&mut self) {
        while self.has_room() {
            match self.owed.pop() {
                Some(Answer::Pong(data)) => self.send(&Pong { data: &data }),
                Some(Answer::Unimplemented(seq)) => self.send(&Unimplemented { seq }),
                None => return,
            }
        }
    }

    pub(crate) fn send(&mut self, message: &impl Message) {
        self.encoder.packet().send_message(message);
    }

    /// An event that may be lost.
    pub(crate) fn notice(&mut self, event: Event) {
        if self.events.len() < MAX_NOTICES {
            self.events.push_back(event);
        }
    }

    /// Ends the session for `error`, and tells the peer.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        if let Some(reason) = error.disconnect_reason() {
            self.send_disconnect(reason, &error.to_string());
        }
        debug!(target: LOG_TARGET, "{:?}: {error}", self.role);
        self.close(error.clone());
        error
    }

    pub(crate) fn close(&mut self, error: Error) {
        self.state = State::Closed(error);
        self.deadline = Deadline::None;
        self.rekey_at = None;
        self.open = None;
    }

    fn send_disconnect(&mut self, reason: u32, description: &str) {
        let cut =
            (0..=MAX_DESCRIPTION.min(description.len())).rev().find(|&at| description.is_char_boundary(at));
        let description = &description.as_bytes()[..cut.unwrap_or(0)];
        self.send(&Disconnect { reason, description, language: b"" });
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Idle => "Idle",
            State::Proposed(_) => "Proposed",
            State::Exchanging(_) => "Exchanging",
            State::HostKey { .. } => "HostKey",
            State::NewKeys(_) => "NewKeys",
            State::Closed(_) => "Closed",
        };
        f.debug_struct("Transport")
            .field("role", &self.role)
            .field("state", &state)
            .field("peer", &self.peer)
            .field("negotiated", &self.negotiated())
            .field("encoder", &self.encoder)
            .finish_non_exhaustive()
    }
}
