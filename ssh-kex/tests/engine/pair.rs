//! Two engines and the wire between them.

use bytes::Bytes;
use ssh_crypto::{Curve, KeyKind, KeyPair, PrivateKey, Signer, random::SystemRandom};
use ssh_kex::{Config, Error, Event, Received, Receiver, Transport, default_provider};
use ssh_wire::PacketSink;
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

/// One engine with its receiver, and what came out of it.
pub(crate) struct Side {
    pub(crate) transport: Transport,
    pub(crate) receiver: Receiver,
    pub(crate) events: Vec<Event>,
    /// What it got for the layers above.
    pub(crate) inbox: Vec<Bytes>,
    pub(crate) error: Option<Error>,
    /// Whether it accepts host keys at once.
    pub(crate) accepts: bool,
    pub(crate) now: Instant,
    /// What waits to be sent by the layers above.
    pub(crate) outbox: VecDeque<Vec<u8>>,
}

impl Side {
    pub(crate) fn new((transport, receiver): (Transport, Receiver), now: Instant) -> Self {
        Self {
            transport,
            receiver,
            events: Vec::new(),
            inbox: Vec::new(),
            error: None,
            accepts: true,
            now,
            outbox: VecDeque::new(),
        }
    }

    /// Takes bytes from the wire.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.receiver.push(bytes);
        while self.error.is_none() {
            match self.receiver.decode() {
                Ok(Some(received)) => self.handle(received),
                Ok(None) => break,
                Err(error) => {
                    self.transport.abort(&error);
                    self.error = Some(error);
                }
            }
        }
        self.send_waiting();
    }

    pub(crate) fn handle(&mut self, received: Received) {
        match self.transport.handle(received, self.now) {
            Ok(payload) => self.inbox.extend(payload),
            Err(error) => self.error = Some(error),
        }
        self.drain();
    }

    /// Takes events, and hands new keys to the receiver.
    pub(crate) fn drain(&mut self) {
        while let Some(event) = self.transport.poll_event() {
            if matches!(event, Event::HostKey { .. }) && self.accepts {
                self.transport.accept_host_key(self.now).unwrap();
            }
            self.events.push(event);
        }
        if let Some(open) = self.transport.take_open() {
            self.receiver.install(open);
        }
    }

    /// Sends a payload as soon as the engine lets it.
    pub(crate) fn send(&mut self, payload: &[u8]) {
        self.outbox.push_back(payload.to_vec());
        self.send_waiting();
    }

    pub(crate) fn send_waiting(&mut self) {
        while let Some(payload) = self.outbox.front() {
            let Some(mut packet) = self.transport.packet() else { return };
            packet.push(&ssh_wire::Rest(payload));
            packet.send();
            self.outbox.pop_front();
        }
    }

    /// Takes what waits to be written.
    pub(crate) fn output(&mut self) -> Vec<u8> {
        std::mem::take(self.transport.output())
    }

    /// How often keys were established: the first time, and again.
    pub(crate) fn established(&self) -> (usize, usize) {
        let count = |again| self.events.iter().filter(|e| **e == Event::Established { rekey: again }).count();
        (count(false), count(true))
    }
}

/// A client and a server.
pub(crate) struct Pair {
    pub(crate) client: Side,
    pub(crate) server: Side,
}

impl Pair {
    pub(crate) fn new(client: Config, server: Config) -> Self {
        Self::with_keys(client, server, vec![ed25519()])
    }

    pub(crate) fn with_keys(client: Config, server: Config, keys: Vec<Arc<dyn Signer>>) -> Self {
        let now = Instant::now();
        Self {
            client: Side::new(Transport::client(client, now).unwrap(), now),
            server: Side::new(Transport::server(server, keys, now).unwrap(), now),
        }
    }

    /// Moves bytes until none are left to move.
    pub(crate) fn run(&mut self) {
        self.run_through(|_, bytes| bytes);
    }

    /// As [`Pair::run`], over a wire that somebody sits on; the first argument tells whether the client sent it.
    pub(crate) fn run_through(&mut self, mut wire: impl FnMut(bool, Vec<u8>) -> Vec<u8>) {
        while self.step(&mut wire) {}
    }

    /// Moves what each side has to send; false if that is nothing.
    pub(crate) fn step(&mut self, mut wire: impl FnMut(bool, Vec<u8>) -> Vec<u8>) -> bool {
        self.client.send_waiting();
        self.server.send_waiting();
        let (c2s, s2c) = (self.client.output(), self.server.output());
        if c2s.is_empty() && s2c.is_empty() {
            return false;
        }
        let (c2s, s2c) = (wire(true, c2s), wire(false, s2c));
        self.server.receive(&c2s);
        self.client.receive(&s2c);
        true
    }

    /// Plays the end of an authentication: from here on, limits start key exchanges.
    pub(crate) fn authenticate(&mut self) {
        self.run();
        self.server.send(&[ssh_wire::number::USERAUTH_SUCCESS]);
        self.run();
        self.client.send(&[ssh_wire::number::GLOBAL_REQUEST]);
        self.run();
        self.client.inbox.clear();
        self.server.inbox.clear();
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        for side in [&mut self.client, &mut self.server] {
            side.now += time;
            if side.transport.poll_timeout().is_some_and(|at| at <= side.now) {
                if let Err(error) = side.transport.handle_timeout(side.now) {
                    side.error.get_or_insert(error);
                }
                side.drain();
            }
        }
    }

    /// Both sides have done their first key exchange, and all is well.
    #[track_caller]
    pub(crate) fn assert_established(&self) {
        for side in [&self.client, &self.server] {
            assert_eq!(side.error, None);
            assert!(side.transport.is_established());
        }
        assert_eq!(self.client.transport.session_id(), self.server.transport.session_id());
        // Whose first names they are is seen differently from either side.
        let agreed = |side: &Side| {
            let mut names = side.transport.negotiated().cloned().unwrap();
            names.peer_first = false;
            names
        };
        assert_eq!(agreed(&self.client), agreed(&self.server));
    }

    /// Sends messages both ways, and checks that they arrive.
    #[track_caller]
    pub(crate) fn assert_works(&mut self) {
        let (from_client, from_server) = (message(b"from the client"), message(&[7; 40_000]));
        self.client.send(&from_client);
        self.server.send(&from_server);
        self.run();
        self.assert_established();
        assert_eq!(self.server.inbox.pop().as_deref(), Some(from_client.as_slice()));
        assert_eq!(self.client.inbox.pop().as_deref(), Some(from_server.as_slice()));
    }
}

/// A message of the layers above: CHANNEL_DATA's number, then anything.
pub(crate) fn message(data: &[u8]) -> Vec<u8> {
    [&[ssh_wire::number::CHANNEL_DATA], data].concat()
}

pub(crate) fn config() -> Config {
    Config::new(provider())
}

/// A fast method alone, so that tests which are not about methods take little time.
pub(crate) fn quick() -> Config {
    let mut config = config();
    config.algorithms.kex = vec!["curve25519-sha256".into()];
    config
}

pub(crate) fn provider() -> Arc<ssh_crypto::Provider> {
    static PROVIDER: OnceLock<Arc<ssh_crypto::Provider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(default_provider())).clone()
}

pub(crate) fn ed25519() -> Arc<dyn Signer> {
    static KEY: OnceLock<Arc<KeyPair>> = OnceLock::new();
    KEY.get_or_init(|| generate(KeyKind::Ed25519)).clone()
}

pub(crate) fn ecdsa(curve: Curve) -> Arc<dyn Signer> {
    generate(KeyKind::Ecdsa(curve))
}

pub(crate) fn mldsa() -> Arc<dyn Signer> {
    generate(KeyKind::MlDsa44Ed25519)
}

pub(crate) fn rsa() -> Arc<dyn Signer> {
    static KEY: OnceLock<Arc<KeyPair>> = OnceLock::new();
    KEY.get_or_init(|| generate(KeyKind::Rsa { bits: 2048 })).clone()
}

fn generate(kind: KeyKind) -> Arc<KeyPair> {
    let key = PrivateKey::generate(kind, &SystemRandom).unwrap();
    Arc::new(KeyPair::new(&key, &provider()).unwrap())
}

/// A packet in the clear (RFC 4253 §6).
pub(crate) fn clear_packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (5 + payload.len() + 4) % 8) % 8;
    let mut packet = ((1 + payload.len() + padding) as u32).to_be_bytes().to_vec();
    packet.push(padding as u8);
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

/// Cuts an unencrypted stream: the identification string, then packets up to NEWKEYS, then the rest.
pub(crate) fn cut_clear(stream: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
    let mut at = match stream.starts_with(b"SSH-") {
        true => stream.iter().position(|&byte| byte == b'\n').unwrap() + 1,
        false => 0,
    };
    let identification = stream[..at].to_vec();
    let mut packets = Vec::new();
    while at < stream.len() {
        let length = u32::from_be_bytes(stream[at..at + 4].try_into().unwrap()) as usize;
        packets.push(stream[at..at + 4 + length].to_vec());
        let number = stream[at + 5];
        at += 4 + length;
        if number == ssh_wire::number::NEWKEYS {
            break;
        }
    }
    (identification, packets, stream[at..].to_vec())
}

/// The payload of a packet in the clear.
pub(crate) fn clear_payload(packet: &[u8]) -> &[u8] {
    &packet[5..packet.len() - usize::from(packet[4])]
}
