//! Sessions with the algorithms of this crate.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

#[path = "../examples/session/session.rs"]
mod session;

use ssh_connection::Exit;
use ssh_crypto::{KeyKind, KeyPair, PrivateKey, Provider};
use ssh_kex::{Config, ErrorKind, Event, Receiver, Transport, default_provider};
use ssh_wire::{PacketSink, Rest, number};
use std::{sync::Arc, time::Instant};

const KEX: &str = "toy-x25519-nistp256-sha512@example.com";
const CIPHER: &str = "toy-chacha20-ctr@example.com";
const MAC: &str = "toy-hmac-sha2-384-etm@example.com";

fn provider() -> Provider {
    custom_cipher::provider(default_provider())
}

#[test]
fn a_session_negotiates_them_and_runs_a_command() {
    let session = session::run(provider(), b"what the command says").unwrap();
    let negotiated = session.negotiated.unwrap();
    assert_eq!(negotiated.kex, KEX);
    assert_eq!((negotiated.cipher_c2s, negotiated.cipher_s2c), (CIPHER, CIPHER));
    assert_eq!((negotiated.mac_c2s, negotiated.mac_s2c), (Some(MAC), Some(MAC)));
    assert_eq!(session.output, b"what the command says");
    assert_eq!(session.exit, Some(Exit::Status(0)));
}

#[test]
fn without_them_nothing_of_them_is_negotiated() {
    let session = session::run(default_provider(), b"x").unwrap();
    let names = format!("{:?}", session.negotiated.unwrap());
    assert!(!names.contains("toy-"), "{names}");
    assert_eq!(session.output, b"x");
}

#[test]
fn they_carry_on_through_new_keys() {
    let mut pair = Pair::new();
    // Each packet of another size, so that every padding comes up, and new keys now and then.
    for size in 0..300 {
        let message = [&[number::CHANNEL_DATA], vec![size as u8; size * 7].as_slice()].concat();
        if size % 50 == 0 {
            pair.client.transport.rekey(Instant::now()).unwrap();
            pair.run();
        }
        for client in [true, false] {
            pair.side(client).send(&message);
            pair.run();
            assert_eq!(pair.side(!client).inbox.pop().as_deref(), Some(message.as_slice()), "{size}");
        }
    }
    assert_eq!(pair.client.rekeyed, 6);
    assert_eq!(pair.client.transport.negotiated().unwrap().kex, KEX);
}

#[test]
fn a_changed_bit_anywhere_is_noticed() {
    let length = {
        let mut pair = Pair::new();
        pair.client.send(b"\x5ea secret message");
        pair.client.transport.output().len()
    };
    for at in 0..length {
        let mut pair = Pair::new();
        pair.client.send(b"\x5ea secret message");
        let mut packet = std::mem::take(pair.client.transport.output());
        assert!(!packet.windows(6).any(|window| window == b"secret"));
        packet[at] ^= 1;
        // A length that grew needs more bytes before the tag is looked at.
        packet.resize(1 << 18, 0);
        let error = pair.server.receive(&packet).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "byte {at}: {error}");
        assert!(pair.server.inbox.is_empty());
    }
}

/// A client and a server that have exchanged keys.
struct Pair {
    client: Side,
    server: Side,
}

struct Side {
    transport: Transport,
    receiver: Receiver,
    inbox: Vec<Vec<u8>>,
    rekeyed: usize,
}

impl Pair {
    fn new() -> Self {
        let mut config = Config::new(Arc::new(provider()));
        config.algorithms.kex = vec![KEX.to_owned()];
        let key = PrivateKey::generate(KeyKind::Ed25519, config.provider.random).unwrap();
        let key = Arc::new(KeyPair::new(&key, &config.provider).unwrap());
        let side = |(transport, receiver)| Side { transport, receiver, inbox: Vec::new(), rekeyed: 0 };
        let server = side(Transport::server(config.clone(), vec![key], Instant::now()).unwrap());
        let mut pair = Self { client: side(Transport::client(config, Instant::now()).unwrap()), server };
        pair.run();
        assert!(pair.client.transport.is_established() && pair.server.transport.is_established());
        pair
    }

    fn side(&mut self, client: bool) -> &mut Side {
        if client { &mut self.client } else { &mut self.server }
    }

    fn run(&mut self) {
        loop {
            let up = std::mem::take(self.client.transport.output());
            let down = std::mem::take(self.server.transport.output());
            if up.is_empty() && down.is_empty() {
                return;
            }
            self.server.receive(&up).unwrap();
            self.client.receive(&down).unwrap();
        }
    }
}

impl Side {
    fn send(&mut self, payload: &[u8]) {
        let mut packet = self.transport.packet().unwrap();
        packet.push(&Rest(payload));
        packet.send();
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), ssh_kex::Error> {
        self.receiver.push(bytes);
        while let Some(received) = self.receiver.decode()? {
            let payload = self.transport.handle(received, Instant::now())?;
            self.inbox.extend(payload.map(|payload| payload.to_vec()));
            while let Some(event) = self.transport.poll_event() {
                match event {
                    Event::HostKey { .. } => self.transport.accept_host_key(Instant::now())?,
                    Event::Established { rekey } => self.rekeyed += usize::from(rekey),
                    _ => {}
                }
            }
            if let Some(open) = self.transport.take_open() {
                self.receiver.install(open);
            }
        }
        Ok(())
    }
}
