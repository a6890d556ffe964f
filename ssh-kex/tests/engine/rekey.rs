//! New keys in the middle of the traffic.

use crate::pair::*;
use ssh_kex::{Config, ErrorKind, Event, Received};
use ssh_wire::{Decoder, Message, PacketSink, message::transport::KexInit};
use std::time::Duration;

/// Both sides send `count` messages; each must arrive once and in order. Answers how often keys were renewed.
fn transfer(client: Config, server: Config, count: u32) -> usize {
    let mut pair = Pair::new(client, server);
    pair.authenticate();
    pair.assert_established();
    let data: Vec<_> = (0..count)
        .map(|n| message(&[&n.to_be_bytes()[..], &vec![n as u8; 37 * n as usize % 2000]].concat()))
        .collect();
    for payload in &data {
        pair.client.send(payload);
        pair.server.send(payload);
        pair.step(|_, bytes| bytes);
    }
    pair.run();
    pair.assert_established();
    assert_eq!(pair.server.inbox, data);
    assert_eq!(pair.client.inbox, data);
    assert_eq!(pair.client.established(), pair.server.established());
    pair.client.established().1
}

fn limited(packets: u64, bytes: u64) -> Config {
    let mut config = quick();
    (config.rekey.packets, config.rekey.bytes) = (packets, bytes);
    config
}

#[test]
fn every_few_packets() {
    for packets in [1, 2, 3, 7] {
        assert!(transfer(limited(packets, u64::MAX), quick(), 40) >= 4);
        assert!(transfer(quick(), limited(packets, u64::MAX), 40) >= 4);
        assert!(transfer(limited(packets, u64::MAX), limited(packets, u64::MAX), 40) >= 4);
    }
}

#[test]
fn by_bytes() {
    assert_eq!(transfer(quick(), quick(), 200), 0);
    // 200 messages of 1000 bytes on average, under two suites.
    let renewed = transfer(limited(u64::MAX, 10_000), quick(), 200);
    assert!((12..=20).contains(&renewed), "{renewed}");
    let mut ctr = limited(u64::MAX, 10_000);
    ctr.algorithms.cipher_c2s = vec!["aes128-ctr".into()];
    ctr.algorithms.cipher_s2c = vec!["aes256-ctr".into()];
    let renewed = transfer(ctr, quick(), 200);
    assert!((12..=20).contains(&renewed), "{renewed}");
}

#[test]
fn without_strict_kex() {
    let mut config = limited(3, u64::MAX);
    config.strict_kex = false;
    assert!(transfer(config, quick(), 30) >= 5);
}

#[test]
fn with_every_kind_of_cipher() {
    for cipher in ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-cbc"] {
        let mut client = limited(3, u64::MAX);
        client.algorithms.cipher_c2s = vec![cipher.into()];
        client.algorithms.cipher_s2c = vec![cipher.into()];
        let mut server = quick();
        server.algorithms.cipher_c2s = vec![cipher.into()];
        server.algorithms.cipher_s2c = vec![cipher.into()];
        assert!(transfer(client, server, 20) >= 5, "{cipher}");
    }
}

#[test]
fn what_one_direction_receives_counts() {
    let mut pair = Pair::new(limited(u64::MAX, 50_000), quick());
    pair.authenticate();
    for _ in 0..10 {
        pair.server.send(&message(&[1; 20_000]));
        pair.run();
    }
    assert_eq!(pair.client.inbox.len(), 10);
    assert_eq!(pair.client.established(), (1, 3));
}

/// RFC 8308 §2.1 and OpenSSH PROTOCOL §1.10: what a side says of itself beside the methods stands in its first KEXINIT only.
#[test]
fn the_markers_stand_in_the_first_kexinit_only() {
    let markers = |payload: &[u8]| {
        let kex: Vec<String> = KexInit::parse(payload).unwrap().kex.iter().map(str::to_owned).collect();
        kex.into_iter()
            .filter(|name| name.starts_with("ext-info-") || name.starts_with("kex-strict-"))
            .collect()
    };
    let mut pair = Pair::new(quick(), quick());
    for (stream, expected) in [
        (pair.client.output(), ["ext-info-c", "kex-strict-c-v00@openssh.com"]),
        (pair.server.output(), ["ext-info-s", "kex-strict-s-v00@openssh.com"]),
    ] {
        let (_, packets, _) = cut_clear(&stream);
        let mut decoder = Decoder::default();
        decoder.push(&packets[0]);
        let kexinit: Vec<String> = markers(&decoder.decode().unwrap().unwrap().payload);
        assert_eq!(kexinit, expected);
    }

    let mut pair = Pair::new(quick(), quick());
    pair.run();
    for from_client in [true, false] {
        let (from, to) = match from_client {
            true => (&mut pair.client, &mut pair.server),
            false => (&mut pair.server, &mut pair.client),
        };
        from.transport.rekey(from.now).unwrap();
        to.receiver.push(&from.output());
        let Some(Received::Packet(packet)) = to.receiver.decode().unwrap() else { panic!() };
        let kexinit: Vec<String> = markers(&packet.payload);
        assert_eq!(kexinit, [""; 0]);
        to.handle(Received::Packet(packet));
        pair.run();
        pair.assert_works();
        assert!(pair.client.transport.negotiated().unwrap().strict_kex);
    }
}

#[test]
fn on_demand_from_either_side_and_from_both() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    let id = pair.client.transport.session_id().unwrap().to_vec();
    pair.client.transport.rekey(pair.client.now).unwrap();
    assert!(pair.client.transport.is_rekeying());
    pair.run();
    assert!(!pair.client.transport.is_rekeying());
    assert_eq!(pair.client.established(), (1, 1));
    pair.server.transport.rekey(pair.server.now).unwrap();
    pair.run();
    assert_eq!(pair.client.established(), (1, 2));
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.server.transport.rekey(pair.server.now).unwrap();
    // Again while it runs: nothing happens.
    pair.server.transport.rekey(pair.server.now).unwrap();
    pair.run();
    assert_eq!((pair.client.established(), pair.server.established()), ((1, 3), (1, 3)));
    pair.assert_works();
    assert!(pair.client.transport.negotiated().unwrap().strict_kex);
    assert_eq!(pair.client.transport.session_id(), Some(id.as_slice()), "the session id stays");
    assert_eq!(pair.client.events.iter().filter(|e| matches!(e, Event::HostKey { .. })).count(), 1);
    assert_eq!(pair.client.events.iter().filter(|e| matches!(e, Event::ExtInfo)).count(), 1);
}

#[test]
fn data_in_flight_arrives_until_the_peers_kexinit() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    pair.server.send(&message(b"in flight"));
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.client.send(&message(b"waits"));
    let kexinit = pair.client.output();
    let data = pair.server.output();
    pair.client.receive(&data);
    assert_eq!(pair.client.inbox, [message(b"in flight")]);
    assert!(pair.client.output().is_empty(), "nothing is sent behind KEXINIT");
    pair.server.receive(&kexinit);
    pair.run();
    assert_eq!(pair.server.inbox, [message(b"waits")]);
}

#[test]
fn by_time() {
    let mut client = quick();
    client.rekey.time = Some(Duration::from_secs(3600));
    let mut pair = Pair::new(client, quick());
    pair.run();
    assert_eq!(pair.client.transport.poll_timeout(), None, "not before the authentication is over");
    pair.authenticate();
    assert_eq!(pair.client.transport.poll_timeout(), Some(pair.client.now + Duration::from_secs(3600)));
    assert_eq!(pair.server.transport.poll_timeout(), None);
    pair.advance(Duration::from_secs(3599));
    pair.run();
    assert_eq!(pair.client.established(), (1, 0));
    pair.advance(Duration::from_secs(1));
    pair.run();
    assert_eq!(pair.client.established(), (1, 1));
    pair.advance(Duration::from_secs(3600));
    pair.run();
    assert_eq!(pair.client.established(), (1, 2));
    pair.assert_works();
}

#[test]
fn a_peer_that_never_answers_kexinit() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.client.output();
    let timeout = quick().kex_timeout;
    pair.advance(timeout / 2);
    assert_eq!(pair.client.error, None);
    pair.advance(timeout);
    let error = pair.client.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.to_string(), "renewing the keys took longer than 60s");
    assert!(pair.client.transport.is_closed());
}

/// The clock of a rekey that sending starts is not one that stood still since the last packet came.
#[test]
fn a_rekey_after_a_long_silence_has_its_full_time() {
    let mut pair = Pair::new(limited(u64::MAX, 1000), quick());
    pair.authenticate();
    let silence = Duration::from_secs(100_000);
    pair.client.now += silence;
    pair.server.now += silence;
    pair.client.send(&message(&[0; 2000]));
    pair.client.send(&message(&[0; 2000]));
    assert!(pair.client.transport.is_rekeying());
    pair.advance(Duration::ZERO);
    assert_eq!(pair.client.error, None);
    assert_eq!(pair.client.transport.poll_timeout(), Some(pair.client.now + quick().kex_timeout));
    pair.run();
    pair.assert_established();
    assert_eq!(pair.server.inbox.len(), 2);
}

/// OpenSSH takes no key exchange but the first before the user is authenticated.
#[test]
fn no_limit_counts_before_the_authentication_is_over() {
    let mut pair = Pair::new(limited(1, 1), limited(1, 1));
    pair.run();
    for _ in 0..5 {
        pair.client.send(&[ssh_wire::number::USERAUTH_REQUEST]);
        pair.server.send(&[ssh_wire::number::USERAUTH_FAILURE]);
        pair.run();
    }
    assert_eq!(pair.client.established(), (1, 0));
    pair.server.send(&[ssh_wire::number::USERAUTH_SUCCESS]);
    pair.run();
    assert_eq!(pair.client.established(), (1, 1));
}

/// As OpenSSH does before the user is authenticated.
#[test]
fn a_peer_that_answers_kexinit_with_unimplemented() {
    let mut pair = Pair::new(quick(), quick());
    pair.run();
    for _ in 0..3 {
        pair.assert_works();
    }
    let seq = pair
        .client
        .transport
        .packet()
        .unwrap()
        .send_message(&ssh_wire::message::transport::Ping { data: b"" });
    pair.client.transport.rekey(pair.client.now).unwrap();
    pair.client.output();
    pair.server.transport.unimplemented(seq);
    pair.run();
    assert_eq!(pair.client.error, None, "that was another message");
    pair.server.transport.unimplemented(seq + 1);
    pair.run();
    let error = pair.client.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().starts_with("peer takes no key exchange now"));
}

#[test]
fn a_server_offers_in_a_rekey_what_its_key_can_sign_with() {
    let mut client = quick();
    client.algorithms.host_key = vec!["rsa-sha2-256".into(), "ssh-ed25519".into()];
    let mut pair = Pair::with_keys(client, quick(), vec![ed25519(), rsa()]);
    pair.authenticate();
    pair.server.transport.rekey(pair.server.now).unwrap();
    pair.run();
    assert_eq!(pair.client.established(), (1, 1));
    assert_eq!(pair.client.transport.host_key(), Some(rsa().public_key()));
    assert_eq!(pair.server.transport.negotiated().unwrap().host_key, "rsa-sha2-256");
}

#[test]
fn a_limit_of_nothing_is_refused() {
    for config in [limited(0, 1), limited(1, 0)] {
        let error = ssh_kex::Transport::client(config, std::time::Instant::now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
