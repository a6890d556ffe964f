//! Framing, in the clear and under every family of suites.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{FAMILIES, Family, Toy, decoder, encoder, layout, sealed, suites};
use hex_literal::hex;
use proptest::prelude::*;
use ssh_wire::{
    Compress, Corrupt, Decoder, Decompress, DecompressError, Encoder, Packet, PacketError, PacketSink, Rest,
    message::transport::{Ignore, NewKeys},
    number,
    packet::{LENGTH_SIZE, MAX_PACKET},
};
use std::collections::HashSet;

fn send(encoder: &mut Encoder, payload: &[u8]) -> u32 {
    let mut packet = encoder.packet();
    packet.push(&Rest(payload));
    assert_eq!(packet.payload(), payload);
    packet.send()
}

fn receive_all(decoder: &mut Decoder) -> Vec<Bytes> {
    std::iter::from_fn(|| decoder.decode().unwrap()).map(|inbound| inbound.payload).collect()
}

/// Payloads of every size around the blocks' sizes.
/// Of all protocols: the first byte is the size's lowest.
fn payloads() -> Vec<Vec<u8>> {
    (1..130)
        .chain([255, 256, 1000, 40_000, 30_054, 40_048])
        .map(|size| (0..size).map(|i| (i * 7 + size) as u8).collect())
        .collect()
}

fn stream(family: Option<Family>) -> Vec<u8> {
    let mut encoder = encoder(family);
    for (seq, payload) in (0..).zip(payloads()) {
        assert_eq!(send(&mut encoder, &payload), seq);
    }
    std::mem::take(encoder.output())
}

#[test]
fn a_packet_in_the_clear_has_this_form() {
    let mut encoder = encoder(None);
    encoder.raw(b"SSH-2.0-x\r\n");
    encoder.packet().send_message(&NewKeys {});
    encoder.packet().send_message(&Ignore { data: b"abc" });
    assert_eq!(encoder.pending(), encoder.output().len());
    let newkeys = hex!("0000000c 0a 15 aaaaaaaaaaaaaaaaaaaa");
    let ignore = hex!("00000014 0b 02 00000003 616263 aaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(*encoder.output(), [&b"SSH-2.0-x\r\n"[..], &newkeys, &ignore].concat());
}

#[test]
fn every_packet_obeys_the_rules_of_its_suite() {
    for suite in suites() {
        let shape = layout(suite);
        for payload in payloads() {
            let mut encoder = encoder(suite);
            send(&mut encoder, &payload);
            let length = encoder.output().len() - LENGTH_SIZE - shape.tag;
            let aligned = if shape.length_aligned { length + LENGTH_SIZE } else { length };
            let padding = length - 1 - payload.len();
            assert_eq!(aligned % shape.align, 0, "{suite:?}");
            assert!((4..4 + shape.align).contains(&padding), "{suite:?}: {padding}");
            assert_eq!(encoder.usage().bytes, encoder.output().len() as u64);
            assert_eq!((encoder.usage().packets, encoder.seq()), (1, 1));
        }
    }
}

#[test]
fn packets_arrive_byte_by_byte() {
    for suite in suites() {
        let (stream, mut decoder, mut received) = (stream(suite), decoder(suite, MAX_PACKET), Vec::new());
        for byte in &stream {
            decoder.push(&[*byte]);
            received.extend(receive_all(&mut decoder));
        }
        assert!(received == payloads(), "{suite:?}");
        assert_eq!(decoder.seq() as usize, received.len());
        assert_eq!(decoder.usage().bytes, stream.len() as u64);
        assert!(decoder.buffered().is_empty());
    }
}

#[test]
fn packets_arrive_all_at_once() {
    for suite in suites() {
        let mut decoder = decoder(suite, MAX_PACKET);
        decoder.push(&stream(suite));
        assert!(receive_all(&mut decoder) == payloads(), "{suite:?}");
    }
}

#[test]
fn packets_lie_across_the_ends_of_buffers() {
    for suite in suites() {
        let (mut encoder, mut decoder) = (encoder(suite), decoder(suite, MAX_PACKET));
        let payload =
            |i: usize| (0..i * i * 37 % 90_000 + 1).map(|at| (at * 3 + i) as u8).collect::<Vec<_>>();
        for i in 0..60 {
            send(&mut encoder, &payload(i));
        }
        let stream = std::mem::take(encoder.output());
        let (mut rest, mut received) = (&stream[..], Vec::new());
        while !rest.is_empty() {
            // A read that fills all the room there is.
            let space = decoder.space();
            let n = space.len().min(rest.len());
            space[..n].copy_from_slice(&rest[..n]);
            decoder.filled(n);
            rest = &rest[n..];
            received.extend(receive_all(&mut decoder));
        }
        assert_eq!(received.len(), 60);
        assert!((0..).zip(received).all(|(i, received)| received == payload(i)), "{suite:?}");
    }
}

proptest! {
    #[test]
    fn packets_arrive_in_any_split(
        suite in prop::sample::select(suites().collect::<Vec<_>>()),
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 1..20),
        splits in prop::collection::vec(1..5000usize, 1..40),
    ) {
        let mut encoder = encoder(suite);
        payloads.iter().for_each(|payload| { send(&mut encoder, payload); });
        let stream = std::mem::take(encoder.output());
        let (mut decoder, mut received, mut rest) = (decoder(suite, MAX_PACKET), Vec::new(), &stream[..]);
        for split in splits.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(*split));
            // As a driver does it: room for more than there is.
            decoder.space()[..now.len()].copy_from_slice(now);
            decoder.filled(now.len());
            received.extend(receive_all(&mut decoder));
            rest = later;
        }
        prop_assert!(received == payloads);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        suite in prop::sample::select(suites().collect::<Vec<_>>()),
        max_packet in 0..5000usize,
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
    ) {
        let mut decoder = decoder(suite, max_packet);
        for chunk in chunks {
            decoder.push(&chunk);
            while let Ok(Some(inbound)) = decoder.decode() {
                prop_assert!(!inbound.payload.is_empty() && inbound.payload.len() < max_packet);
            }
        }
    }

    #[test]
    fn a_bit_flipped_anywhere_is_an_error(
        family in prop::sample::select(FAMILIES.to_vec()),
        payload in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0..8u32,
    ) {
        let mut encoder = encoder(Some(family));
        send(&mut encoder, &payload);
        let mut stream = std::mem::take(encoder.output());
        let at = at.index(stream.len());
        stream[at] ^= 1 << bit;
        // Enough behind it for a length that became larger, and for what is masked.
        stream.resize(stream.len() + 2 * MAX, 0);
        let mut decoder = decoder(Some(family), MAX);
        decoder.push(&stream);
        let result = decoder.decode();
        prop_assert!(matches!(result, Err(PacketError::Corrupt(_) | PacketError::Length(_))), "{result:?}");
    }
}

/// Asserts that the decoder fails for good, once it has been given enough.
#[track_caller]
fn assert_fails(decoder: &mut Decoder, expected: PacketError) {
    assert_eq!(decoder.decode(), Err(expected));
    decoder.push(&stream(None));
    assert_eq!(decoder.decode(), Err(expected));
}

const MAX: usize = 4096;

#[test]
fn a_bad_length_is_refused_before_anything_else_arrives() {
    for suite in suites().filter(|suite| !layout(*suite).mask_errors) {
        let shape = layout(suite);
        let block = shape.align as u32;
        // The largest that would be allowed but for one block more.
        let largest = (0..=MAX as u32).rev().find(|length| {
            let aligned = if shape.length_aligned { length + 4 } else { *length };
            aligned.is_multiple_of(block)
        });
        let over = largest.unwrap() + block;
        for length in [
            0,
            1,
            4,
            5,
            block - 1,
            block + 1,
            2 * block - 1,
            over,
            over - 1,
            MAX as u32 + 1,
            1 << 31,
            u32::MAX,
        ] {
            let mut decoder = decoder(suite, MAX);
            let head = sealed(suite, length, 4, &[0; 16]);
            for byte in &head[..shape.head - 1] {
                decoder.push(&[*byte]);
                assert_eq!(decoder.decode(), Ok(None), "{suite:?}");
            }
            decoder.push(&head[shape.head - 1..shape.head]);
            assert_fails(&mut decoder, PacketError::Length(length));
        }
    }
}

/// Room is made for as much as the largest packet needs, never for as much as a length promises.
#[test]
fn a_length_asks_for_no_more_room_than_a_packet_takes() {
    for suite in suites() {
        for length in [12, MAX as u32 - 4, MAX as u32, MAX as u32 + 4, 1 << 24, u32::MAX - 3, u32::MAX] {
            let mut decoder = decoder(suite, MAX);
            decoder.push(&sealed(suite, length, 4, &[0; 16])[..layout(suite).head]);
            let _ = decoder.decode();
            let room = decoder.space().len();
            assert!(room <= 2 * MAX + (1 << 18), "{suite:?}: {room} bytes for a length of {length}");
        }
    }
}

#[test]
fn the_largest_length_is_taken_and_no_larger_one() {
    for suite in suites() {
        let shape = layout(suite);
        let prefix = if shape.length_aligned { LENGTH_SIZE } else { 0 };
        let max = 4 * shape.align - prefix;
        for (max_packet, fits) in [(max, true), (max + shape.align - 1, true), (max - 1, false)] {
            let mut decoder = decoder(suite, max_packet);
            let packet = sealed(suite, max as u32, 4, &vec![7; max - 1]);
            decoder.push(&packet);
            decoder.push(&vec![0; 2 * max]);
            match decoder.decode() {
                Ok(Some(inbound)) => assert!(fits && inbound.payload == vec![7; max - 5]),
                result => assert!(!fits && result.is_err(), "{suite:?} {result:?}"),
            }
        }
    }
}

#[test]
fn a_length_shorter_than_the_first_block_is_refused() {
    for (family, length) in [(Family::Head(16), 12), (Family::Head(8), 4), (Family::Head(8), 12)] {
        let mut decoder = decoder(Some(family), MAX);
        decoder.push(&sealed(Some(family), length, 4, &[7; 11]));
        let expected = if length == 4 { Err(PacketError::Length(4)) } else { Ok(true) };
        assert_eq!(decoder.decode().map(|inbound| inbound.is_some()), expected);
    }
}

#[test]
fn padding_is_four_bytes_at_least_and_leaves_a_payload() {
    for suite in suites() {
        let shape = layout(suite);
        let length = 3 * shape.align - if shape.length_aligned { LENGTH_SIZE } else { 0 };
        let body: Vec<u8> = (0..length as u8 - 1).collect();
        for padding in 0..=255 {
            let mut decoder = decoder(suite, MAX);
            decoder.push(&sealed(suite, length as u32, padding, &body));
            if (4..=length - 2).contains(&usize::from(padding)) {
                let payload = decoder.decode().unwrap().unwrap().payload;
                assert_eq!(payload, body[..length - 1 - usize::from(padding)], "{suite:?}");
            } else {
                assert_fails(&mut decoder, PacketError::Padding { length: length as u32, padding });
            }
        }
    }
}

#[test]
fn padding_of_255_bytes_is_taken() {
    for suite in suites() {
        let shape = layout(suite);
        let length = 320 - if shape.length_aligned { LENGTH_SIZE } else { 0 };
        let mut decoder = decoder(suite, MAX);
        decoder.push(&sealed(suite, length as u32, 255, &vec![9; length - 1]));
        assert_eq!(decoder.decode().unwrap().unwrap().payload.len(), length - 256, "{suite:?}");
    }
}

/// How many bytes it takes until the decoder fails, when they come one by one.
fn bytes_until_failure(first: &[u8]) -> (usize, PacketError) {
    let mut decoder = decoder(Some(Family::Masked(16)), MAX);
    for n in 1.. {
        decoder.push(&[first.get(n - 1).copied().unwrap_or(0x55)]);
        match decoder.decode() {
            Ok(None) => {}
            Ok(Some(_)) => panic!("a packet"),
            Err(error) => {
                assert_eq!(decoder.decode(), Err(error));
                return (n, error);
            }
        }
    }
    unreachable!()
}

#[test]
fn masked_a_bad_length_and_a_bad_mac_look_alike() {
    let family = Some(Family::Masked(16));
    let good = sealed(family, 28, 4, &[7; 27]);
    let mut cases = vec![];
    for length in [0, 1, 11, 12 + 1, 15, MAX as u32 + 12, 1 << 31, u32::MAX] {
        cases.push(sealed(family, length, 4, &[7; 27]));
    }
    for at in [5, 20, 31, 32, 51] {
        let mut altered = good.clone();
        altered[at] ^= 1;
        cases.push(altered);
    }
    let largest = sealed(family, MAX as u32 - 4, 4, &vec![7; MAX - 5]);
    let mut altered = largest.clone();
    altered[4090] ^= 0x80;
    cases.push(altered);
    for case in cases {
        assert_eq!(bytes_until_failure(&case), (LENGTH_SIZE + MAX + 20, PacketError::Corrupt(Corrupt)));
    }
}

#[test]
fn masked_bytes_are_dropped_as_they_come() {
    let mut decoder = decoder(Some(Family::Masked(16)), MAX_PACKET);
    decoder.push(&sealed(Some(Family::Masked(16)), u32::MAX, 4, &[7; 27]));
    for _ in 0..MAX_PACKET / 1000 {
        decoder.push(&[0x55; 1000]);
        assert_eq!(decoder.decode(), Ok(None));
        assert!(decoder.buffered().is_empty());
    }
    decoder.push(&[0x55; 1000]);
    assert_fails(&mut decoder, PacketError::Corrupt(Corrupt));
}

#[test]
fn keys_change_between_packets() {
    let (mut encoder, mut decoder) = (encoder(None), decoder(None, MAX_PACKET));
    for (round, family) in (0u32..).zip(FAMILIES) {
        let reset = round % 2 == 0;
        for payload in [&b"one"[..], b"two"] {
            let seq = send(&mut encoder, payload);
            decoder.push(&std::mem::take(encoder.output()));
            let inbound = decoder.decode().unwrap().unwrap();
            assert_eq!((inbound.seq, &inbound.payload[..]), (seq, payload), "before {family:?}");
        }
        let seq = encoder.seq();
        encoder.set_seal(Toy::new(family), reset);
        decoder.set_open(Toy::new(family), reset);
        assert_eq!(encoder.seq(), if reset { 0 } else { seq });
        assert_eq!(decoder.seq(), encoder.seq());
        assert_eq!((decoder.usage(), encoder.usage()), Default::default());
    }
}

#[test]
fn the_packet_behind_new_keys_waits_for_them() {
    let (mut encoder, mut decoder) = (encoder(None), decoder(None, MAX_PACKET));
    encoder.packet().send_message(&NewKeys {});
    encoder.set_seal(Toy::new(Family::Chacha), true);
    send(&mut encoder, b"secret");
    decoder.push(&std::mem::take(encoder.output()));
    assert_eq!(decoder.decode().unwrap().unwrap().payload[..], [21]);
    decoder.set_open(Toy::new(Family::Chacha), true);
    assert_eq!(decoder.decode().unwrap().unwrap().payload[..], *b"secret");
}

#[test]
fn a_sink_tells_whether_it_took_a_message() {
    struct Sink(Option<Encoder>);
    impl PacketSink for Sink {
        fn packet(&mut self) -> Option<Packet<'_>> {
            self.0.as_mut().map(Encoder::packet)
        }
    }
    let mut sink = Sink(None);
    assert!(!sink.send(&NewKeys {}));
    sink.0 = Some(encoder(None));
    assert!(sink.send(&NewKeys {}));
    assert_eq!(sink.0.unwrap().seq(), 1);
}

#[test]
fn a_packet_that_is_not_sent_leaves_nothing() {
    let mut encoder = encoder(None);
    send(&mut encoder, b"one");
    let before = encoder.output().clone();
    let mut packet = encoder.packet();
    packet.push("never");
    drop(packet);
    assert_eq!((encoder.output().clone(), encoder.seq()), (before, 1));
}

/// Were the buffer to move, it would leave a copy behind.
#[test]
fn a_payload_that_has_room_is_sealed_where_it_was_begun() {
    for suite in suites() {
        let mut encoder = encoder(suite);
        let mut packet = encoder.packet();
        packet.reserve(Packet::MAX_PAYLOAD);
        let begun = packet.payload().as_ptr();
        packet.push(&[2; Packet::MAX_PAYLOAD]);
        packet.send();
        assert!(encoder.output().as_ptr_range().contains(&begun), "{suite:?}");
    }
}

#[test]
fn the_largest_payload_fits_the_default_limit() {
    for suite in suites() {
        let (mut encoder, mut decoder) = (encoder(suite), decoder(suite, MAX_PACKET));
        let payload = vec![3; Packet::MAX_PAYLOAD];
        send(&mut encoder, &payload);
        decoder.push(&std::mem::take(encoder.output()));
        assert!(decoder.decode().unwrap().unwrap().payload == payload, "{suite:?}");
    }
}

#[test]
fn the_identification_exchange_is_skipped_at_the_front() {
    let mut decoder = decoder(None, MAX_PACKET);
    decoder.push(b"SSH-2.0-x\r\n");
    decoder.push(&stream(None));
    assert!(decoder.buffered().starts_with(b"SSH-2.0-x\r\n"));
    decoder.skip(11);
    assert!(receive_all(&mut decoder) == payloads());
    decoder.skip(1000);
    assert!(decoder.buffered().is_empty());
}

/// Payloads of a steady stream lie in few places, which are used again and again; even if the reader lags behind.
#[test]
fn segments_are_recycled() {
    let sizes = [(32_768, 0), (32_768, 60), (100, 500), (200_000, 3), (65_536 - 16, 8)];
    let alone = sizes.map(|(payload, lag)| (number::DEBUG, payload, lag));
    let together = sizes.map(|(payload, lag)| (number::CHANNEL_DATA, payload, lag));
    for (number, payload, lag) in alone.into_iter().chain(together) {
        let (mut encoder, mut decoder) = (encoder(None), decoder(None, MAX_PACKET));
        let (payload, mut places, mut unread) = (vec![number; payload], HashSet::new(), Vec::new());
        // Takes the place of whatever is freed, so that it is not allocated again where it was.
        let mut squatters: Vec<Vec<u8>> = Vec::new();
        let rounds = 64 * 1024 * 1024 / payload.len();
        for round in 0..rounds {
            send(&mut encoder, &payload);
            let mut stream = &encoder.output()[..];
            while !stream.is_empty() {
                let space = decoder.space();
                let n = space.len().min(stream.len());
                space[..n].copy_from_slice(&stream[..n]);
                decoder.filled(n);
                stream = &stream[n..];
            }
            encoder.output().clear();
            for payload in receive_all(&mut decoder) {
                if round >= rounds / 4 {
                    places.insert(payload.as_ptr() as usize >> 18);
                }
                unread.push(payload);
            }
            if unread.len() > lag {
                unread.clear();
            }
            squatters.extend(
                (squatters.len()..round * payload.len() / 100_000).map(|_| Vec::with_capacity(256 * 1024)),
            );
        }
        // 48 MiB came in after warming up. Each segment touches two places of its size, or a few if it is larger.
        assert!(places.len() <= 40, "payloads of {} lay in {} places", payload.len(), places.len());
    }
}

/// Behind each but those of the connection protocol, keys or compression may change.
#[test]
fn packets_of_the_connection_protocol_are_opened_together() {
    let (mut encoder, mut decoder) = (encoder(Some(Family::Gcm)), decoder(Some(Family::Gcm), MAX_PACKET));
    let order = [number::CHANNEL_DATA, number::CHANNEL_CLOSE, number::KEXINIT, number::CHANNEL_OPEN];
    order.iter().for_each(|number| {
        send(&mut encoder, &[*number]);
    });
    decoder.push(&std::mem::take(encoder.output()));
    for (number, opened) in order.into_iter().zip([3, 3, 3, 4]) {
        assert_eq!(decoder.decode().unwrap().unwrap().payload[..], [number]);
        assert_eq!(decoder.usage().packets, opened);
    }
    assert_eq!(decoder.decode(), Ok(None));
}

/// It is not overwritten for that.
#[test]
fn a_segment_that_was_shared_whole_is_used_again_as_it_is() {
    let (mut encoder, mut decoder) = (encoder(None), decoder(None, MAX_PACKET));
    for _ in 0..40 {
        send(&mut encoder, &[number::CHANNEL_DATA; 32_768]);
        let stream = std::mem::take(encoder.output());
        for piece in stream.chunks(30_000) {
            decoder.push(piece);
        }
        if decoder.buffered().len() > 160_000 {
            assert!(receive_all(&mut decoder).len() >= 4);
        }
    }
    receive_all(&mut decoder);
    let space = decoder.space();
    assert!(space.len() > 160_000 && space[..160_000].iter().filter(|byte| **byte == 94).count() > 150_000);
}

/// A stream at rest holds no buffer, one that brings little a small one, and one in flow a large one.
#[test]
fn buffers_are_as_large_as_the_stream_needs() {
    const SMALL: usize = 16 * 1024;
    let (mut encoder, mut decoder) = (encoder(Some(Family::Gcm)), decoder(Some(Family::Gcm), MAX_PACKET));
    send(&mut encoder, b"one");
    decoder.push(&std::mem::take(encoder.output()));
    let one = receive_all(&mut decoder);
    assert!(decoder.space().len() < SMALL);

    // What is to come still is not lost, and what has come stays.
    send(&mut encoder, b"two");
    let stream = std::mem::take(encoder.output());
    let (begin, end) = stream.split_at(7);
    decoder.push(begin);
    decoder.release();
    assert_eq!(decoder.buffered().len(), begin.len());
    decoder.push(end);
    assert_eq!(receive_all(&mut decoder), [&b"two"[..]]);
    decoder.release();
    assert_eq!(one, [&b"one"[..]]);

    send(&mut encoder, &[3; 3 * SMALL]);
    let stream = std::mem::take(encoder.output());
    assert_eq!(decoder.space().len(), SMALL);
    decoder.push(&stream);
    assert_eq!(receive_all(&mut decoder), [vec![3; 3 * SMALL]]);
    assert!(decoder.space().len() > 4 * SMALL);
    decoder.release();
    assert_eq!(decoder.space().len(), SMALL);
}

#[test]
fn payloads_lie_where_they_were_received() {
    let (mut encoder, mut decoder) = (encoder(Some(Family::Gcm)), decoder(Some(Family::Gcm), MAX_PACKET));
    send(&mut encoder, b"in place");
    let stream = std::mem::take(encoder.output());
    let space = decoder.space();
    space[..stream.len()].copy_from_slice(&stream);
    let start = space.as_ptr() as usize;
    decoder.filled(stream.len());
    let payload = decoder.decode().unwrap().unwrap().payload;
    assert_eq!(payload.as_ptr() as usize, start + LENGTH_SIZE + 1);
}

/// What may hold a password can be wiped by whoever has it.
#[test]
fn the_payload_of_a_login_lies_nowhere_else() {
    for number in [number::USERAUTH_REQUEST, number::USERAUTH_INFO_RESPONSE] {
        let (mut encoder, mut decoder) = (encoder(None), decoder(None, MAX_PACKET));
        send(&mut encoder, &[number, 1, 2]);
        decoder.push(encoder.output());
        let payload = decoder.decode().unwrap().unwrap().payload;
        assert_eq!(payload.try_into_mut().unwrap(), [number, 1, 2][..]);
    }
}

#[test]
fn debug_output_shows_no_payload() {
    let (mut encoder, mut decoder) = (encoder(None), decoder(None, MAX_PACKET));
    send(&mut encoder, b"hunter2");
    decoder.push(&std::mem::take(encoder.output()));
    let shown = format!("{encoder:?} {decoder:?} {:?}", decoder.decode());
    assert!(shown.contains("7 bytes") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_length_of_a_payload_can_be_hidden() {
    let size = |payload: usize, multiple: usize| {
        let mut encoder = Encoder::new(|padding| padding.fill(0));
        let mut packet = encoder.packet();
        packet.push(&Rest(&vec![7; payload]));
        packet.hide_length(multiple);
        packet.send();
        let mut decoder = Decoder::default();
        decoder.push(encoder.output());
        assert_eq!(decoder.decode().unwrap().unwrap().payload.len(), payload);
        encoder.output().len()
    };
    for multiple in [16, 64, 128, 1000] {
        let effective = multiple.min(128);
        for start in (0..1024).step_by(effective) {
            let sizes: Vec<_> =
                (start + 1..=start + effective).map(|payload| size(payload, multiple)).collect();
            assert!(sizes.iter().all(|size| *size == sizes[0]), "{multiple}, {start}: {sizes:?}");
        }
    }
}

/// Takes out runs of the same byte; enough to see that it is used.
struct Runs;

impl Compress for Runs {
    fn compress(&mut self, payload: &[u8], to: &mut Vec<u8>) {
        for run in payload.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(255)) {
            to.extend([run.len() as u8, run[0]]);
        }
    }
}

impl Decompress for Runs {
    fn decompress(&mut self, payload: &[u8], limit: usize, to: &mut Vec<u8>) -> Result<(), DecompressError> {
        for run in payload.chunks(2) {
            let &[len, byte] = run else { return Err(DecompressError::Damaged) };
            if to.len() + usize::from(len) > limit {
                return Err(DecompressError::TooLarge { limit });
            }
            to.resize(to.len() + usize::from(len), byte);
        }
        Ok(())
    }
}

#[test]
fn payloads_are_compressed_at_once_or_behind_userauth_success() {
    let payload = [7; 1000];
    for delayed in [false, true] {
        let mut encoder = Encoder::new(|padding| padding.fill(0));
        encoder.set_compress(Some(Box::new(Runs)), delayed);
        send(&mut encoder, &payload);
        assert_eq!(encoder.pending() > payload.len(), delayed);
        let before = encoder.pending();
        send(&mut encoder, &[number::USERAUTH_SUCCESS]);
        assert_eq!(encoder.pending() - before, 16);
        assert!(encoder.is_authenticated());
        let before = encoder.pending();
        send(&mut encoder, &payload);
        assert_eq!(encoder.pending() - before, 24, "four runs");

        let mut decoder = Decoder::default();
        let stream = std::mem::take(encoder.output());
        if !delayed {
            decoder.set_decompress(Some(Box::new(Runs)));
        }
        decoder.push(&stream);
        assert_eq!(decoder.decode().unwrap().unwrap().payload[..], payload);
        assert_eq!(decoder.decode().unwrap().unwrap().payload[..], [number::USERAUTH_SUCCESS]);
        decoder.set_decompress(Some(Box::new(Runs)));
        assert_eq!(decoder.decode().unwrap().unwrap().payload[..], payload);

        // New keys once the user is authenticated: at once, delayed or not; and off.
        encoder.set_compress(Some(Box::new(Runs)), delayed);
        send(&mut encoder, &payload);
        assert_eq!(encoder.pending(), 24);
        encoder.set_compress(None, false);
        send(&mut encoder, &payload);
        assert!(encoder.pending() > payload.len());
    }
}

#[test]
fn what_can_not_be_decompressed_ends_the_stream() {
    for (payload, expected) in [
        ([255, 1].repeat(200), DecompressError::TooLarge { limit: 40_000 }),
        (vec![1, 2, 3], DecompressError::Damaged),
        (vec![0, 2], DecompressError::Empty),
    ] {
        let mut encoder = Encoder::new(|padding| padding.fill(0));
        send(&mut encoder, &payload);
        let mut decoder = Decoder::new(40_000);
        decoder.set_decompress(Some(Box::new(Runs)));
        decoder.push(encoder.output());
        for _ in 0..2 {
            assert_eq!(decoder.decode(), Err(PacketError::Decompress(expected)));
        }
    }
}
