//! Key exchange packets sent on a guess (RFC 4253 §7).

use crate::pair::*;
use ssh_crypto::Curve;
use ssh_kex::Config;
use ssh_wire::{Message, message::transport::KexInit};

fn guessing(kex: &[&str]) -> Config {
    let mut config = config();
    config.algorithms.kex = kex.iter().map(|&name| name.to_owned()).collect();
    config.algorithms.host_key = vec!["ssh-ed25519".into(), "ecdsa-sha2-nistp256".into()];
    config.guess = true;
    config
}

fn serving(kex: &[&str]) -> Config {
    Config { guess: false, ..guessing(kex) }
}

/// The numbers of the packets in the client's first flight.
fn first_flight(pair: &mut Pair) -> (Vec<u8>, Vec<u8>) {
    let flight = pair.client.output();
    let (_, packets, _) = cut_clear(&flight);
    let kexinit = clear_payload(&packets[0]);
    assert!(KexInit::parse(kexinit).unwrap().first_kex_packet_follows);
    let numbers = packets.iter().map(|packet| packet[5]).collect();
    (flight, numbers)
}

#[test]
fn a_right_guess_saves_a_round_trip() {
    let kex = ["curve25519-sha256", "ecdh-sha2-nistp256"];
    let mut pair = Pair::new(guessing(&kex), serving(&kex));
    let (flight, numbers) = first_flight(&mut pair);
    assert_eq!(numbers, [20, 30]);
    pair.server.receive(&flight);
    // The server's first flight holds all of its key exchange.
    let flight = pair.server.output();
    let (_, packets, _) = cut_clear(&flight);
    assert_eq!(packets.iter().map(|packet| packet[5]).collect::<Vec<_>>(), [20, 31, 21]);
    pair.client.receive(&flight);
    assert!(pair.client.transport.is_established());
    pair.run();
    pair.assert_works();
    pair.server.transport.rekey(pair.server.now).unwrap();
    pair.run();
    pair.assert_works();
}

#[test]
fn a_wrong_method_is_passed_over_once() {
    for (client, server) in [
        (["curve25519-sha256", "ecdh-sha2-nistp256"], ["ecdh-sha2-nistp256", "curve25519-sha256"]),
        (["diffie-hellman-group14-sha256", "curve25519-sha256"], ["curve25519-sha256", "ecdh-sha2-nistp256"]),
        (["mlkem768x25519-sha256", "curve25519-sha256"], ["curve25519-sha256", "ecdh-sha2-nistp256"]),
    ] {
        let mut pair = Pair::new(guessing(&client), serving(&server));
        let (flight, numbers) = first_flight(&mut pair);
        assert_eq!(numbers, [20, 30]);
        pair.server.receive(&flight);
        pair.run();
        pair.assert_established();
        pair.assert_works();
        let chosen = client.iter().find(|name| server.contains(name)).unwrap();
        assert_eq!(pair.client.transport.negotiated().unwrap().kex, *chosen);
    }
}

#[test]
fn a_right_method_with_a_wrong_host_key_is_wrong() {
    let kex = ["curve25519-sha256"];
    let mut server = serving(&kex);
    server.algorithms.host_key.reverse();
    let mut pair = Pair::with_keys(guessing(&kex), server, vec![ed25519(), ecdsa(Curve::P256)]);
    let (flight, _) = first_flight(&mut pair);
    pair.server.receive(&flight);
    pair.run();
    pair.assert_works();
    assert_eq!(pair.client.transport.negotiated().unwrap().host_key, "ssh-ed25519");
}

#[test]
fn a_wrong_guess_in_a_rekey_is_passed_over_once() {
    // The client's KEXINIT of a rekey, its guess and what really follows, as a peer that guesses in rekeys sends them.
    let kex = ["curve25519-sha256", "ecdh-sha2-nistp256"];
    let mut pair = Pair::new(serving(&kex), serving(&["ecdh-sha2-nistp256", "curve25519-sha256"]));
    pair.run();
    let kexinit = KexInit {
        cookie: [1; 16],
        kex: "curve25519-sha256,ecdh-sha2-nistp256".into(),
        host_key: "ssh-ed25519".into(),
        cipher_c2s: "aes128-ctr".into(),
        cipher_s2c: "aes128-ctr".into(),
        mac_c2s: "hmac-sha2-256".into(),
        mac_s2c: "hmac-sha2-256".into(),
        compression_c2s: "none".into(),
        compression_s2c: "none".into(),
        language_c2s: "".into(),
        language_s2c: "".into(),
        first_kex_packet_follows: true,
        reserved: 0,
    };
    let client = &mut pair.client;
    client.send(&kexinit.to_payload());
    client.send(&[30, 1, 2, 3]);
    let (_, init) = {
        use ssh_crypto::KexAlgorithm;
        ssh_kex::method::ecdh::CURVE25519_SHA256.client(&ssh_crypto::random::SystemRandom).unwrap()
    };
    client.send(&init);
    let stream = client.output();
    pair.server.receive(&stream);
    assert_eq!(pair.server.error, None);
    assert!(pair.server.transport.is_rekeying());
    // Its NEWKEYS is out: it took the second message.
    assert_eq!(pair.server.transport.negotiated().unwrap().cipher_c2s, "aes128-ctr");
}
