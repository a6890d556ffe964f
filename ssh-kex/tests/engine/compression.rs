//! Compression: when it begins, that it survives new keys, and what a peer can do with it.

use crate::pair::*;
use ssh_crypto::{CompressionAlgorithm, compression::ZLIB};
use ssh_kex::{Algorithms, Config, ErrorKind, default_provider};
use ssh_wire::{Compress, Decompress, Packet, number};
use std::sync::Arc;

/// How much less than itself a repetitive message must become.
const RATIO: usize = 20;

fn with(c2s: &str, s2c: &str) -> Config {
    let mut config = quick();
    config.algorithms.compression_c2s = vec![c2s.into()];
    config.algorithms.compression_s2c = vec![s2c.into()];
    config
}

/// A message that repeats itself.
fn text() -> Vec<u8> {
    message(&b"the same again, and ".repeat(1500))
}

/// Sends `payload` from the client and from the server; answers the bytes that each took on the wire.
#[track_caller]
fn sizes(pair: &mut Pair, payload: &[u8]) -> (usize, usize) {
    pair.client.send(payload);
    pair.server.send(payload);
    let mut sizes = (0, 0);
    pair.run_through(|from_client, bytes| {
        if from_client {
            sizes.0 += bytes.len();
        } else {
            sizes.1 += bytes.len();
        }
        bytes
    });
    pair.assert_established();
    for side in [&mut pair.server, &mut pair.client] {
        let received = side.inbox.pop().unwrap();
        assert!(received == payload, "{} instead of {} bytes", received.len(), payload.len());
    }
    sizes
}

#[test]
fn zlib_begins_with_the_keys() {
    let mut pair = Pair::new(with("zlib", "zlib"), with("zlib", "zlib"));
    pair.run();
    pair.assert_established();
    let negotiated = pair.client.transport.negotiated().unwrap();
    assert_eq!((negotiated.compression_c2s, negotiated.compression_s2c), ("zlib", "zlib"));
    let text = text();
    let (c2s, s2c) = sizes(&mut pair, &text);
    assert!(c2s < text.len() / RATIO && s2c < text.len() / RATIO, "{c2s}, {s2c} of {}", text.len());
}

#[test]
fn the_delayed_form_begins_behind_userauth_success() {
    let mut pair = Pair::new(with("zlib@openssh.com", "zlib@openssh.com"), {
        let mut server = quick();
        server.algorithms = server.algorithms.compressed(&server.provider);
        server
    });
    pair.run();
    let text = text();
    let (c2s, s2c) = sizes(&mut pair, &text);
    assert!(c2s > text.len() && s2c > text.len(), "{c2s}, {s2c} before the authentication");

    // New keys before the authentication change nothing.
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.run();
    let (c2s, s2c) = sizes(&mut pair, &text);
    assert!(c2s > text.len() && s2c > text.len(), "{c2s}, {s2c} before the authentication");

    // Both in one flight: the success in the clear, what follows compressed.
    pair.server.send(&[number::USERAUTH_SUCCESS]);
    let (_, s2c) = {
        pair.server.send(&text);
        let flight = pair.server.output();
        pair.client.receive(&flight);
        assert!(pair.client.inbox.pop().unwrap() == text);
        assert_eq!(pair.client.inbox.pop().as_deref(), Some([number::USERAUTH_SUCCESS].as_slice()));
        ((), flight.len())
    };
    assert!(s2c < text.len() / RATIO, "{s2c}");
    let (c2s, s2c) = sizes(&mut pair, &text);
    assert!(c2s < text.len() / RATIO && s2c < text.len() / RATIO, "{c2s}, {s2c}");

    // New keys, and it goes on at once, with a new state.
    for _ in 0..3 {
        pair.server.transport.rekey(pair.server.now).unwrap();
        pair.run();
        let (c2s, s2c) = sizes(&mut pair, &text);
        assert!(c2s < text.len() / RATIO && s2c < text.len() / RATIO, "{c2s}, {s2c}");
    }
    assert_eq!(pair.client.established(), (1, 4));
}

#[test]
fn new_keys_come_all_the_time() {
    for name in ["zlib", "zlib@openssh.com"] {
        let mut client = with(name, name);
        client.rekey.packets = 3;
        let mut pair = Pair::new(client, with(name, name));
        pair.authenticate();
        for n in 0..40_usize {
            let payload = message(&vec![n as u8; 1 + n * 997]);
            sizes(&mut pair, &payload);
        }
        let (_, again) = pair.client.established();
        assert!(again > 10, "{again}");
    }
}

#[test]
fn each_direction_has_its_own() {
    let mut pair = Pair::new(with("zlib", "none"), with("zlib", "none"));
    pair.run();
    let text = text();
    let (c2s, s2c) = sizes(&mut pair, &text);
    assert!(c2s < text.len() / RATIO && s2c > text.len(), "{c2s}, {s2c}");
    let negotiated = pair.server.transport.negotiated().unwrap();
    assert_eq!((negotiated.compression_c2s, negotiated.compression_s2c), ("zlib", "none"));
}

#[test]
fn the_client_s_order_decides_and_none_is_the_default() {
    let algorithms = Algorithms::new(&provider());
    assert_eq!(
        (algorithms.compression_c2s.join(","), algorithms.compression_s2c.join(",")),
        ("none".into(), "none".into())
    );
    let algorithms = algorithms.compressed(&provider());
    assert_eq!(algorithms.compression_c2s, ["zlib@openssh.com", "none"]);
    let mut client = quick();
    client.algorithms.compression_c2s = vec!["none".into(), "zlib@openssh.com".into()];
    let mut server = quick();
    server.algorithms = server.algorithms.compressed(&server.provider);
    let mut pair = Pair::new(client, server);
    pair.run();
    assert_eq!(pair.client.transport.negotiated().unwrap().compression_c2s, "none");
}

#[test]
fn the_largest_payload_passes_be_it_zeros_or_noise() {
    let mut pair = Pair::new(with("zlib", "zlib"), with("zlib", "zlib"));
    pair.run();
    let zeros = message(&vec![0; Packet::MAX_PAYLOAD - 1]);
    sizes(&mut pair, &zeros);
    let mut noise = zeros;
    (provider().random).fill(&mut noise[1..]).unwrap();
    sizes(&mut pair, &noise);
}

/// Says it is zlib, and sends what no honest peer does.
#[derive(Debug)]
struct Evil(fn(&[u8], &mut Vec<u8>));

impl CompressionAlgorithm for Evil {
    fn name(&self) -> &'static str {
        "zlib"
    }

    fn is_delayed(&self) -> bool {
        false
    }

    fn compress(&self) -> Box<dyn Compress> {
        Box::new(Evil(self.0))
    }

    fn decompress(&self) -> Box<dyn Decompress> {
        ZLIB.decompress()
    }
}

impl Compress for Evil {
    fn compress(&mut self, payload: &[u8], to: &mut Vec<u8>) {
        (self.0)(payload, to);
    }
}

#[test]
fn what_a_peer_may_not_send_is_an_error_that_says_what() {
    static BOMB: Evil = Evil(|_, to| ZLIB.compress().compress(&vec![0; 64 << 20], to));
    static GARBAGE: Evil = Evil(|_, to| to.extend_from_slice(b"no zlib stream"));
    static NOTHING: Evil = Evil(|_, to| ZLIB.compress().compress(b"", to));
    for (evil, expected) in [
        (&BOMB, "a packet decompresses to more than 262144 bytes"),
        (&GARBAGE, "compressed data are damaged"),
        (&NOTHING, "a packet decompresses to nothing"),
    ] {
        let mut provider = default_provider();
        provider.compression = vec![evil as &'static dyn CompressionAlgorithm].into();
        let mut server = Config::new(Arc::new(provider));
        server.algorithms.compression_c2s = vec!["none".into()];
        server.algorithms.compression_s2c = vec!["zlib".into()];
        let mut client = with("none", "zlib");
        // The server's first packet behind NEWKEYS would be EXT_INFO: as well as any.
        client.algorithms.kex = vec!["curve25519-sha256".into()];
        let mut pair = Pair::new(client, server);
        pair.run();
        let error = pair.client.error.as_ref().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.disconnect_reason(), Some(number::disconnect::COMPRESSION_ERROR));
    }
}

#[test]
fn a_byte_changed_on_the_way_never_reaches_the_decompressor() {
    for name in ["zlib", "zlib@openssh.com"] {
        let mut pair = Pair::new(with(name, name), with(name, name));
        pair.authenticate();
        pair.client.send(&text());
        let mut flight = pair.client.output();
        let middle = flight.len() / 2;
        flight[middle] ^= 1;
        pair.server.receive(&flight);
        assert_eq!(pair.server.error.as_ref().unwrap().kind(), ErrorKind::Integrity);
        assert!(pair.server.inbox.is_empty());
    }
}

#[test]
fn nothing_in_common_names_what_could_be_turned_on() {
    let mut pair = Pair::new(quick(), with("zlib@openssh.com", "zlib"));
    pair.run();
    let error = pair.client.error.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::NothingInCommon);
    assert_eq!(
        error.to_string(),
        "no compression method from client to server in common: we offer none; the peer offers zlib@openssh.com; \
         we have zlib@openssh.com, to be turned on by its name in Algorithms::compression_c2s"
    );
}
