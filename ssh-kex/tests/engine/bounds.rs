//! Peers that ask much and read nothing: everything kept for them is bounded.

use crate::pair::*;
use ssh_kex::{ErrorKind, Event};
use ssh_wire::{
    Message, PacketSink,
    message::transport::{Debug, ExtInfoBuilder, Ping, Pong},
    number,
};
use std::time::Duration;

/// Pairs whose first key exchange is over.
fn open() -> Pair {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    pair.assert_established();
    pair
}

#[test]
fn a_ping_is_answered_by_a_pong_with_its_data() {
    let mut pair = open();
    pair.client.send(&Ping { data: b"here" }.to_payload());
    let ping = pair.client.output();
    pair.server.receive(&ping);
    assert!(!pair.server.output().is_empty());
    // What a side does not know is answered, too: it gets a PONG, which it never asked for.
    let mut pair = open();
    pair.server.send(&Pong { data: b"unasked" }.to_payload());
    pair.run();
    assert!(matches!(pair.server.events.last(), Some(Event::Unimplemented { .. })));
    pair.assert_works();
}

#[test]
fn unknown_messages_are_answered_by_unimplemented() {
    let mut pair = open();
    let mut numbers = Vec::new();
    for unknown in [8, 19, 22, 29, 128, 191, 194, 255] {
        let mut packet = pair.client.transport.packet().unwrap();
        packet.push(&[unknown, 1, 2, 3]);
        numbers.push(packet.send());
    }
    pair.run();
    let told = pair.client.events.iter().filter_map(|event| match event {
        Event::Unimplemented { seq } => Some(*seq),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), numbers);
    pair.server.transport.unimplemented(77);
    pair.run();
    assert_eq!(pair.client.events.last(), Some(&Event::Unimplemented { seq: 77 }));
}

/// CVE-2025-26466: pings while our KEXINIT is out pile up, for nothing may be sent then.
#[test]
fn pings_during_a_key_exchange_wait_and_are_bounded() {
    let mut pair = open();
    pair.server.transport.rekey(pair.server.now).unwrap();
    let kexinit = pair.server.output();
    for _ in 0..1000 {
        pair.client.send(&Ping { data: b"ping" }.to_payload());
    }
    let pings = pair.client.output();
    pair.server.receive(&pings);
    assert_eq!(pair.server.error, None);
    assert!(pair.server.output().is_empty(), "only key exchange messages are sent now");
    pair.client.receive(&kexinit);
    pair.run();
    // The pongs, which this client does not know, were sent behind NEWKEYS.
    let told = pair.server.events.iter().filter(|event| matches!(event, Event::Unimplemented { .. })).count();
    assert!(told >= 200, "{told}");
    pair.server.events.clear();
    pair.assert_works();

    pair.server.transport.rekey(pair.server.now).unwrap();
    for _ in 0..2000 {
        pair.client.send(&Ping { data: b"ping" }.to_payload());
    }
    let pings = pair.client.output();
    pair.server.receive(&pings);
    assert_eq!(pair.server.error.unwrap().kind(), ErrorKind::Protocol);
}

#[test]
fn a_peer_that_floods_and_never_reads() {
    let mut pair = open();
    let mut most = 0;
    for _ in 0..200 {
        for _ in 0..10 {
            pair.client.send(&Ping { data: &[0; 16_000] }.to_payload());
        }
        let pings = pair.client.output();
        pair.server.receive(&pings);
        most = most.max(pair.server.transport.output().len());
    }
    assert_eq!(pair.server.error.unwrap().kind(), ErrorKind::Protocol);
    assert!(most < 1_200_000, "{most} bytes of output were kept");
}

#[test]
fn a_ping_too_long_to_answer() {
    let mut pair = open();
    pair.client.send(&Ping { data: &[0; 200_000] }.to_payload());
    let ping = pair.client.output();
    pair.server.receive(&ping);
    assert_eq!(pair.server.error.unwrap().kind(), ErrorKind::Protocol);
}

#[test]
fn events_nobody_takes_are_bounded() {
    let mut pair = open();
    let debug = Debug { always_display: true, message: b"x\x07", language: b"" }.to_payload();
    for _ in 0..1000 {
        let received = ssh_kex::Received::Packet(ssh_wire::Inbound { seq: 0, payload: debug.clone().into() });
        pair.client.transport.handle(received, pair.client.now).unwrap();
    }
    let mut count = 0;
    while let Some(event) = pair.client.transport.poll_event() {
        assert_eq!(event, Event::Debug { message: "x".into(), always_display: true });
        count += 1;
    }
    assert!((1..=256).contains(&count));
}

#[test]
fn no_packet_is_given_out_while_much_output_waits() {
    let mut pair = open();
    let mut sent = 0;
    while let Some(mut packet) = pair.client.transport.packet() {
        packet.push(&ssh_wire::Rest(&message(&[0; 30_000])));
        packet.send();
        sent += 1;
        assert!(sent < 100);
    }
    assert!(pair.client.transport.output().len() > 1024 * 1024);
    let output = pair.client.output();
    assert!(pair.client.transport.packet().is_some());
    pair.server.receive(&output);
    assert_eq!(pair.server.inbox.len(), sent);
}

#[test]
fn a_peer_that_stops_in_the_first_key_exchange() {
    for (flights, what) in [
        (0, "the peer's identification string took longer than 60s"),
        (1, "the key exchange took longer than 60s"),
    ] {
        let mut pair = Pair::new(quick(), quick());
        let s2c = pair.server.output();
        if flights > 0 {
            pair.client.receive(&s2c);
        }
        pair.advance(Duration::from_secs(59));
        assert_eq!(pair.client.error, None);
        pair.advance(Duration::from_secs(1));
        let error = pair.client.error.as_ref().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Timeout, what));
        assert_eq!(error.disconnect_reason(), Some(number::disconnect::KEY_EXCHANGE_FAILED));
        // Handling it again is harmless, and gives the same error.
        let again = pair.client.transport.handle_timeout(pair.client.now).unwrap_err();
        assert_eq!(Some(&again), pair.client.error.as_ref());
    }
}

#[test]
fn ext_info_counts_until_the_authentication_is_over() {
    let mut pair = open();
    let ext_info =
        |value: &[u8]| ExtInfoBuilder::default().with("server-sig-algs", value).message().to_payload();
    pair.server.send(&ext_info(b"ssh-ed25519"));
    pair.server.send(&[number::USERAUTH_SUCCESS]);
    pair.server.send(&ext_info(b"ssh-rsa"));
    pair.run();
    pair.assert_established();
    assert_eq!(pair.client.transport.server_sig_algs().unwrap(), ["ssh-ed25519"]);
    // A count that the bytes do not hold.
    let mut lie = ext_info(b"x");
    lie[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut pair = open();
    pair.server.send(&lie);
    pair.run();
    assert_eq!(pair.client.error.unwrap().kind(), ErrorKind::Protocol);
}
