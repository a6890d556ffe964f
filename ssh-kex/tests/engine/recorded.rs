//! Sessions with OpenSSH 9.2's sshd, recorded and replayed: the server's signature holds over our exchange hash, and
//! its packets decrypt with our keys, only if both are what the standards say.
//!
//! The files hold what sshd sent, from its identification string to SERVICE_ACCEPT, to a client whose random bytes
//! were [`Fixed`]; methods on finite fields alone take their exponent from the provider's random bytes.

use crate::pair::*;
use ssh_crypto::{Provider, RandomError, SecureRandom};
use ssh_kex::{Algorithms, Config, Event, Transport};
use ssh_wire::{ident::Identification, number};
use std::{sync::Arc, time::Instant};

/// The same bytes, whoever asks and in which order.
#[derive(Debug)]
struct Fixed;

impl SecureRandom for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes
            .iter_mut()
            .enumerate()
            .for_each(|(at, byte)| *byte = (at as u8).wrapping_mul(37).wrapping_add(11));
        Ok(())
    }
}

/// Replays `recorded`, with the names of the method, host key algorithm, cipher and MAC that the client offered.
#[track_caller]
fn replay(recorded: &[u8], [kex, host_key, cipher, mac]: [&str; 4]) -> Side {
    let provider = Provider { random: &Fixed, ..(*provider()).clone() };
    let mut config = Config::new(Arc::new(provider));
    config.identification = Identification::new("SSH-2.0-recorded").unwrap();
    let Algorithms { cipher_c2s, cipher_s2c, mac_c2s, mac_s2c, .. } = &mut config.algorithms;
    for list in [cipher_c2s, cipher_s2c] {
        *list = vec![cipher.to_owned()];
    }
    for list in [mac_c2s, mac_s2c] {
        *list = vec![mac.to_owned()];
    }
    config.algorithms.kex = vec![kex.to_owned()];
    config.algorithms.host_key = vec![host_key.to_owned()];
    let now = Instant::now();
    let mut client = Side::new(Transport::client(config, now).unwrap(), now);
    client.receive(recorded);
    client
}

#[track_caller]
fn succeeds(recorded: &[u8], names: [&str; 4]) {
    let client = replay(recorded, names);
    assert_eq!(client.error, None);
    assert!(matches!(
        client.events.as_slice(),
        [Event::Identified(_), Event::HostKey { .. }, Event::Established { rekey: false }, Event::ExtInfo]
    ));
    assert!(client.transport.server_sig_algs().unwrap().contains(&"rsa-sha2-512".to_owned()));
    assert!(client.transport.negotiated().unwrap().strict_kex);
    let [accept] = client.inbox.as_slice() else { panic!("{:?}", client.inbox) };
    assert_eq!(accept[0], number::SERVICE_ACCEPT);

    // Any other stream fails: one bit of the server's public value, which stands behind the host key.
    let mut changed = recorded.to_vec();
    let (identification, packets, _) = cut_clear(recorded);
    let reply_end = identification.len() + packets[..packets.len() - 1].concat().len();
    changed[reply_end - 200] ^= 1;
    assert!(replay(&changed, names).error.is_some());
}

const GROUP14: &[u8] = include_bytes!("data/openssh-9.2-group14.bin");
const GROUP16: &[u8] = include_bytes!("data/openssh-9.2-group16.bin");
const EXCHANGE: &[u8] = include_bytes!("data/openssh-9.2-exchange.bin");

#[test]
fn group14_with_ed25519_and_chacha() {
    let names =
        ["diffie-hellman-group14-sha256", "ssh-ed25519", "chacha20-poly1305@openssh.com", "hmac-sha2-256"];
    succeeds(GROUP14, names);
}

#[test]
fn group16_with_rsa_and_gcm() {
    let names = ["diffie-hellman-group16-sha512", "rsa-sha2-512", "aes256-gcm@openssh.com", "hmac-sha2-256"];
    succeeds(GROUP16, names);
}

/// With a group of OpenSSH's moduli file.
#[test]
fn group_exchange_with_ecdsa_and_ctr() {
    let names = [
        "diffie-hellman-group-exchange-sha256",
        "ecdsa-sha2-nistp256",
        "aes128-ctr",
        "hmac-sha2-512-etm@openssh.com",
    ];
    succeeds(EXCHANGE, names);
}
