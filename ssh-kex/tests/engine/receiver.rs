//! The receiving half, however the bytes come.

use crate::pair::*;
use proptest::prelude::*;
use ssh_kex::{ErrorKind, Event, Received, Transport};
use std::time::Instant;

#[test]
fn sessions_run_byte_by_byte() {
    let mut pair = Pair::new(config(), config());
    let data = [message(b"one"), message(&[2; 3000])];
    for payload in &data {
        pair.client.send(payload);
        pair.server.send(payload);
    }
    loop {
        let (c2s, s2c) = (pair.client.output(), pair.server.output());
        if c2s.is_empty() && s2c.is_empty() {
            break;
        }
        for byte in c2s {
            pair.server.receive(&[byte]);
        }
        for byte in s2c {
            pair.client.receive(&[byte]);
        }
    }
    pair.assert_established();
    assert_eq!(
        (&pair.client.inbox[..], &pair.server.inbox[..]),
        (&data.map(Into::into)[..], &pair.client.inbox[..])
    );
}

/// What a client's receiver makes of a stream, in pieces of `size` bytes.
fn decode(stream: &[u8], size: usize) -> (Vec<Received>, Option<ErrorKind>) {
    let (_, mut receiver) = Transport::client(quick(), Instant::now()).unwrap();
    let mut all = Vec::new();
    for piece in stream.chunks(size) {
        let space = receiver.space();
        space[..piece.len()].copy_from_slice(piece);
        receiver.filled(piece.len());
        loop {
            match receiver.decode() {
                Ok(Some(received)) => all.push(received),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(receiver.decode().unwrap_err(), error, "it stays failed");
                    return (all, Some(error.kind()));
                }
            }
        }
    }
    (all, None)
}

#[test]
fn lines_before_the_identification_string() {
    let stream = b"welcome\r\nto \x1b[31mus\n\r\nSSH-2.0-server comment\r\n".to_vec();
    let stream = [stream, clear_packet(b"\x02\0\0\0\0"), clear_packet(b"\x04x")].concat();
    for size in [1, 2, 3, 7, 1000] {
        let (received, error) = decode(&stream, size);
        assert_eq!(error, None);
        let [
            Received::Line(one),
            Received::Line(two),
            Received::Line(three),
            Received::Identification(identification),
            Received::Packet(ignore),
            Received::Packet(debug),
        ] = received.as_slice()
        else {
            panic!("{received:?}")
        };
        assert_eq!(
            (one.as_slice(), two.as_slice(), three.as_slice()),
            (&b"welcome"[..], &b"to \x1b[31mus"[..], &b""[..])
        );
        assert_eq!(identification.as_bytes(), b"SSH-2.0-server comment");
        assert_eq!((ignore.seq, debug.seq, &debug.payload[..]), (0, 1, &b"\x04x"[..]));
    }
}

#[test]
fn streams_that_are_not_ssh() {
    let endless = [b'a'; 300].to_vec();
    let many_lines = b"line\n".repeat(1025);
    let cases: [(&[u8], ErrorKind); 6] = [
        (b"SSH-1.5-old\r\n", ErrorKind::Identification),
        (b"SSH-2.0\r\n", ErrorKind::Identification),
        (&endless, ErrorKind::Identification),
        (&many_lines, ErrorKind::Identification),
        (b"SSH-2.0-x\r\n\xff\xff\xff\xff\0\0\0\0", ErrorKind::Protocol),
        (b"SSH-2.0-x\r\n\0\0\0\x0c\xff\x14\0\0\0\0\0\0\0\0\0\0", ErrorKind::Protocol),
    ];
    for (stream, expected) in cases {
        for size in [1, 1000] {
            assert_eq!(decode(stream, size).1, Some(expected), "{}", stream.escape_ascii());
        }
    }
}

#[test]
fn version_1_99_and_a_missing_cr_are_fine() {
    let (received, error) = decode(b"SSH-1.99-old but able\n", 4);
    assert_eq!((received.len(), error), (1, None));
}

#[test]
fn a_client_may_not_send_other_lines_first() {
    let now = Instant::now();
    let mut server = Side::new(Transport::server(quick(), vec![ed25519()], now).unwrap(), now);
    server.output();
    server.receive(b"GET / HTTP/1.1\r\n");
    assert_eq!(server.error.as_ref().unwrap().kind(), ErrorKind::Protocol);
    assert!(server.events.is_empty());
}

#[test]
fn lines_are_events() {
    let mut pair = Pair::new(quick(), quick());
    pair.client.receive(b"hello\r\n");
    pair.run();
    assert_eq!(pair.client.events[0], Event::Line(b"hello".to_vec()));
    assert!(matches!(pair.client.events[1], Event::Identified(_)));
    pair.assert_works();
}

#[test]
fn nothing_is_decoded_behind_newkeys_before_the_keys_are_there() {
    let stream = [b"SSH-2.0-x\r\n".to_vec(), clear_packet(&[21]), clear_packet(b"\x02\0\0\0\0")].concat();
    let (_, mut receiver) = Transport::client(quick(), Instant::now()).unwrap();
    receiver.push(&stream);
    assert!(matches!(receiver.decode(), Ok(Some(Received::Identification(_)))));
    assert!(matches!(receiver.decode(), Ok(Some(Received::Packet(_)))));
    assert!(receiver.awaits_keys());
    assert_eq!(receiver.decode(), Ok(None));
    assert_eq!(receiver.decode(), Ok(None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the wire cuts the stream, both sides get the same.
    #[test]
    fn sessions_run_in_random_pieces(sizes in prop::collection::vec(1usize..700, 1..20)) {
        let mut pair = Pair::new(quick(), quick());
        let payload = message(&[5; 2000]);
        pair.client.send(&payload);
        let mut sizes = sizes.iter().cycle();
        loop {
            let (c2s, s2c) = (pair.client.output(), pair.server.output());
            if c2s.is_empty() && s2c.is_empty() {
                break;
            }
            for (side, mut bytes) in [(&mut pair.server, &c2s[..]), (&mut pair.client, &s2c[..])] {
                while !bytes.is_empty() {
                    let (piece, rest) = bytes.split_at(bytes.len().min(*sizes.next().unwrap()));
                    side.receive(piece);
                    bytes = rest;
                }
            }
        }
        pair.assert_established();
        prop_assert_eq!(&pair.server.inbox[0], &payload);
    }

    /// Whatever a peer says, the answer is no panic.
    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..400), greeted: bool) {
        for server in [false, true] {
            let mut pair = Pair::new(quick(), quick());
            let side = if server { &mut pair.server } else { &mut pair.client };
            if greeted {
                side.receive(b"SSH-2.0-noise\r\n");
            }
            side.receive(&bytes);
            prop_assert!(!side.transport.is_established());
        }
    }

    /// Nor to any payload in place of each message of the key exchange.
    #[test]
    fn noise_within_packets(number in 0u8..=255, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for packets in 0..2 {
            let mut pair = Pair::new(quick(), quick());
            let flight = pair.client.output();
            pair.server.receive(&flight);
            let (identification, first, _) = cut_clear(&pair.server.output());
            pair.client.receive(&[identification, first[..packets].concat()].concat());
            pair.client.receive(&clear_packet(&[&[number], &bytes[..]].concat()));
            prop_assert!(!pair.client.transport.is_established());
        }
    }
}
