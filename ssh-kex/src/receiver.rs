//! From the socket's bytes to packets: the half of the engine that decrypts, without the transport's lock.

use crate::{Error, Role, error::Cause, negotiate::Compression};
use ssh_wire::{
    Decoder, Decompress, Inbound, Open, PacketError,
    ident::{IdentReader, Identification},
    number,
};
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Takes the identification exchange and the packets out of the stream.
///
/// It is apart from the [`Transport`](crate::Transport), so that one thread can decrypt while others send:
///
/// 1. read into [`space`](Receiver::space) and say how much with [`filled`](Receiver::filled);
/// 2. [`decode`](Receiver::decode) until it answers `None`, and hand each [`Received`] to
///    [`Transport::handle`](crate::Transport::handle);
/// 3. hand what [`Transport::take_open`](crate::Transport::take_open) gives to [`install`](Receiver::install), and
///    decode on.
///
/// Behind the peer's NEWKEYS nothing is decoded until the new keys are installed.
pub struct Receiver {
    decoder: Decoder,
    role: Role,
    state: State,
    /// Whether packets are encrypted.
    keyed: bool,
    /// Waits for the user to be authenticated.
    delayed: Option<Box<dyn Decompress>>,
    is_authenticated: Authenticated,
}

/// Whether USERAUTH_SUCCESS has passed, from when on delayed compression is in use. A client's receiver sees it, and a
/// server's is told by the transport, which may be in the hands of another thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authenticated(Arc<AtomicBool>);

impl Authenticated {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

enum State {
    /// Before the identification string.
    Identification {
        reader: IdentReader,
        lines: VecDeque<Vec<u8>>,
        found: Option<Identification>,
    },
    Packets,
    /// The peer's NEWKEYS was handed out.
    NewKeys,
    Failed(Error),
}

/// What came from the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A line before the server's identification string.
    Line(Vec<u8>),
    /// The identification string.
    Identification(Identification),
    /// A packet.
    Packet(Inbound),
}

/// The keys of the receiving direction, for [`Receiver::install`].
#[must_use = "nothing more is received until it is installed"]
pub struct NewOpen {
    pub(crate) open: Box<dyn Open>,
    pub(crate) reset_seq: bool,
    pub(crate) compression: Compression,
}

impl Receiver {
    pub(crate) fn new(role: Role, max_packet: usize, is_authenticated: Authenticated) -> Self {
        let state =
            State::Identification { reader: IdentReader::default(), lines: VecDeque::new(), found: None };
        let decoder = Decoder::new(max_packet);
        Self { decoder, role, state, keyed: false, delayed: None, is_authenticated }
    }

    /// Room to read into.
    pub fn space(&mut self) -> &mut [u8] {
        self.decoder.space()
    }

    /// The first `n` bytes of [`Receiver::space`] have been filled.
    pub fn filled(&mut self, n: usize) {
        self.decoder.filled(n);
    }

    /// Appends a copy of `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// Gives back the memory that nothing lies in: for a stream at rest. It is made anew with the next
    /// [`space`](Receiver::space).
    pub fn release(&mut self) {
        self.decoder.release();
    }

    /// What comes next; `None` until more bytes have arrived, or new keys must be [installed](Receiver::install).
    /// After an error it answers the same error again.
    pub fn decode(&mut self) -> Result<Option<Received>, Error> {
        self.advance().inspect_err(|error| self.state = State::Failed(error.clone()))
    }

    /// From the next packet on, opens with the new keys.
    pub fn install(&mut self, new: NewOpen) {
        self.decoder.set_open(new.open, new.reset_seq);
        // RFC 4253 §6.2: a new state with each key exchange.
        let (delayed, at_once) = match new.compression {
            Some(method) if method.is_delayed() => (Some(method.decompress()), None),
            method => (None, method.map(|method| method.decompress())),
        };
        self.decoder.set_decompress(at_once);
        self.delayed = delayed;
        self.keyed = true;
        if let State::NewKeys = self.state {
            self.state = State::Packets;
        }
    }

    /// Whether the peer's NEWKEYS was decoded and the new keys are not installed yet.
    pub fn awaits_keys(&self) -> bool {
        matches!(self.state, State::NewKeys)
    }

    /// Bytes that have arrived and were not decoded yet.
    pub fn buffered(&self) -> usize {
        self.decoder.buffered().len()
    }

    /// Whether the rest of a packet is still to come.
    pub fn is_midway(&self) -> bool {
        !self.decoder.buffered().is_empty()
    }

    fn advance(&mut self) -> Result<Option<Received>, Error> {
        match &mut self.state {
            State::Identification { reader, lines, found } => {
                if lines.is_empty() && found.is_none() {
                    let step = reader.read(self.decoder.buffered(), |line| lines.push_back(line.to_vec()))?;
                    self.decoder.skip(step.used);
                    *found = step.identification;
                }
                if let Some(line) = lines.pop_front() {
                    // RFC 4253 §4.2: only the server may send other lines first.
                    return match self.role {
                        Role::Client => Ok(Some(Received::Line(line))),
                        Role::Server => Err(Cause::Early("a line").into()),
                    };
                }
                let Some(identification) = found.take() else { return Ok(None) };
                self.state = State::Packets;
                Ok(Some(Received::Identification(identification)))
            }
            State::Packets => {
                let keyed = self.keyed;
                let failed = |error| match error {
                    PacketError::Corrupt(_) => Cause::Corrupt(error),
                    // What an encrypted length says, nobody has said.
                    PacketError::Length(_) if keyed => Cause::Corrupt(error),
                    error => Cause::Packet(error),
                };
                if self.delayed.is_some() && self.is_authenticated.get() {
                    self.decoder.set_decompress(self.delayed.take());
                }
                let Some(inbound) = self.decoder.decode().map_err(failed)? else { return Ok(None) };
                match (inbound.payload.first(), self.role) {
                    (Some(&number::NEWKEYS), _) => self.state = State::NewKeys,
                    (Some(&number::USERAUTH_SUCCESS), Role::Client) => self.is_authenticated.set(),
                    _ => {}
                }
                Ok(Some(Received::Packet(inbound)))
            }
            State::NewKeys => Ok(None),
            State::Failed(error) => Err(error.clone()),
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("role", &self.role)
            .field("decoder", &self.decoder)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOpen").field("reset_seq", &self.reset_seq).finish_non_exhaustive()
    }
}
