//! Somebody sits on the path.

use crate::pair::*;
use ssh_kex::{Config, ErrorKind};
use ssh_wire::{
    Message,
    message::transport::{Ignore, KexInit},
    number as n,
};

fn chacha(strict: bool) -> Config {
    let mut config = quick();
    config.strict_kex = strict;
    config.algorithms.cipher_c2s = vec!["chacha20-poly1305@openssh.com".into()];
    config.algorithms.cipher_s2c = vec!["chacha20-poly1305@openssh.com".into()];
    config
}

/// Terrapin (CVE-2023-48795) on the server's stream: an IGNORE is put before NEWKEYS, and the first packet behind it,
/// EXT_INFO, is dropped.
fn terrapin(client: Config, server: Config) -> Pair {
    let mut pair = Pair::new(client, server);
    let mut dropped = false;
    pair.run_through(|from_client, bytes| {
        if from_client || dropped {
            return bytes;
        }
        let (identification, mut packets, rest) = cut_clear(&bytes);
        if packets.last().is_none_or(|packet| packet[5] != n::NEWKEYS) {
            return bytes;
        }
        assert!(!rest.is_empty(), "EXT_INFO, which is dropped, stands behind NEWKEYS");
        dropped = true;
        let before = packets.len() - 1;
        packets.insert(before, clear_packet(&Ignore { data: b"" }.to_payload()));
        [vec![identification], packets].concat().concat()
    });
    assert!(dropped);
    pair
}

#[test]
fn terrapin_is_noticed_under_strict_kex() {
    let pair = terrapin(chacha(true), chacha(true));
    let error = pair.client.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(!pair.client.transport.is_established());
}

/// The attack as it is: without strict kex nobody notices, which shows that the test above tests something.
#[test]
fn terrapin_works_against_peers_without_strict_kex() {
    for (client, server) in [(true, false), (false, true)] {
        let mut pair = terrapin(chacha(client), chacha(server));
        pair.assert_established();
        assert_eq!(pair.client.transport.server_sig_algs(), None, "EXT_INFO is gone");
        pair.assert_works();
    }
}

#[test]
fn dropping_or_repeating_a_packet_is_noticed() {
    for repeat in [false, true] {
        let mut pair = Pair::new(chacha(true), chacha(true));
        pair.run();
        pair.server.send(&message(b"one"));
        let one = pair.server.output();
        pair.server.send(&message(b"two"));
        let two = pair.server.output();
        if repeat {
            pair.client.receive(&one);
            pair.client.receive(&one);
        } else {
            pair.client.receive(&two);
        }
        assert_eq!(pair.client.inbox.len(), usize::from(repeat));
        assert_eq!(pair.client.error.unwrap().kind(), ErrorKind::Integrity);
    }
}

#[test]
fn anything_before_kexinit_is_refused_under_strict_kex() {
    for (strict, expected) in [(true, Some(ErrorKind::Integrity)), (false, None)] {
        let mut pair = Pair::new(quick(), Config { strict_kex: strict, ..quick() });
        let mut first = true;
        pair.run_through(|from_client, bytes| {
            if from_client || !std::mem::take(&mut first) {
                return bytes;
            }
            let (identification, packets, _) = cut_clear(&bytes);
            let ignore = clear_packet(&Ignore { data: b"padding" }.to_payload());
            [identification, ignore, packets.concat()].concat()
        });
        assert_eq!(pair.client.error.map(|error| error.kind()), expected);
    }
}

/// The markers removed from a KEXINIT on the way: both sides hash what they sent and received.
#[test]
fn a_downgrade_is_noticed() {
    for removed in [",kex-strict-s-v00@openssh.com", ",ext-info-s"] {
        let mut pair = Pair::new(quick(), quick());
        let mut first = true;
        pair.run_through(|from_client, bytes| {
            if from_client || !std::mem::take(&mut first) {
                return bytes;
            }
            let (identification, packets, _) = cut_clear(&bytes);
            let kexinit = KexInit::parse(clear_payload(&packets[0])).unwrap();
            let kex = String::from_utf8(kexinit.kex.0.to_vec()).unwrap();
            assert!(kex.contains(removed));
            let kex = kex.replace(removed, "");
            let changed = KexInit { kex: kex.as_str().into(), ..kexinit };
            [identification, clear_packet(&changed.to_payload())].concat()
        });
        let error = pair.client.error.unwrap();
        assert!(matches!(error.kind(), ErrorKind::HostKey | ErrorKind::Integrity), "{error}");
        assert!(!pair.client.transport.is_established());
    }
}

/// Strict kex over several rekeys: the sequence numbers of both sides start again each time, and stay in step.
#[test]
fn rekeying_twice_under_strict_kex() {
    let mut pair = Pair::new(chacha(true), chacha(true));
    pair.run();
    for _ in 0..3 {
        pair.assert_works();
        pair.client.transport.rekey(pair.client.now).unwrap();
        pair.run();
    }
    pair.assert_works();
    assert_eq!(pair.client.established(), (1, 3));
    // IGNORE is legal in a rekey that is strict: only the first exchange is closed to it.
    pair.server.transport.rekey(pair.server.now).unwrap();
    pair.client.send(&Ignore { data: b"x" }.to_payload());
    pair.run();
    pair.assert_works();
}

#[test]
fn a_stream_cut_anywhere_never_establishes() {
    let whole = {
        let mut pair = Pair::new(quick(), quick());
        let mut length = 0;
        pair.run_through(|from_client, bytes| {
            length += if from_client { 0 } else { bytes.len() };
            bytes
        });
        pair.assert_established();
        length
    };
    for cut in (0..whole).step_by(7) {
        let mut pair = Pair::new(quick(), quick());
        let mut position = 0;
        pair.run_through(|from_client, bytes| {
            if from_client {
                return bytes;
            }
            let kept = bytes.len().min(cut - position);
            position += kept;
            bytes[..kept].to_vec()
        });
        assert_eq!(pair.client.error, None);
        // Its clock runs while it waits, unless all but the last packets have come.
        if !pair.client.transport.is_established() {
            pair.advance(quick().kex_timeout);
            assert_eq!(pair.client.error.unwrap().kind(), ErrorKind::Timeout, "cut at {cut} of {whole}");
        }
    }
}
