//! A byte changed anywhere in the stream ends in an error or in no progress, never in wrong data.

use crate::pair::*;
use ssh_kex::Config;

/// Runs a session in which both sides send, with one bit flipped at `at` of what the client (or the server) sends.
/// Answers whether the stream was long enough, and whether the flip went unnoticed.
fn session(config: &Config, client_sends: bool, at: usize) -> (bool, bool) {
    let mut pair = Pair::new(config.clone(), config.clone());
    let data = [message(b"one"), message(&[2; 300]), message(b"three")];
    for payload in &data {
        pair.client.send(payload);
        pair.server.send(payload);
    }
    let (mut position, mut reached, mut in_padding) = (0, false, false);
    let mut clear = true;
    pair.run_through(|from_client, mut bytes| {
        if from_client == client_sends {
            if clear {
                let (identification, packets, rest) = cut_clear(&bytes);
                let mut start = position + identification.len();
                for packet in &packets {
                    // Padding in the clear is authenticated by nothing.
                    let padding = start + packet.len() - usize::from(packet[4])..start + packet.len();
                    in_padding |= padding.contains(&at);
                    start += packet.len();
                    clear &= packet[5] != ssh_wire::number::NEWKEYS;
                }
                assert!(!clear || rest.is_empty());
            }
            if let Some(byte) = at.checked_sub(position).and_then(|at| bytes.get_mut(at)) {
                *byte ^= 1 << (at % 8);
                reached = true;
            }
            position += bytes.len();
        }
        bytes
    });
    for side in [&pair.client, &pair.server] {
        // All that arrived, arrived unchanged and in order.
        assert!(side.inbox.len() <= data.len());
        assert!(side.inbox.iter().zip(&data).all(|(received, sent)| received == sent), "at {at}");
    }
    let all_arrived = pair.client.inbox.len() == data.len() && pair.server.inbox.len() == data.len();
    let unnoticed = all_arrived && pair.client.error.is_none() && pair.server.error.is_none();
    assert_eq!(unnoticed, in_padding || !reached, "byte {at}, client: {client_sends}");
    (reached, unnoticed)
}

fn every_byte(config: &Config) {
    every(1, config);
}

/// Changes one byte in `step`.
fn every(step: usize, config: &Config) {
    for client_sends in [true, false] {
        let mut at = 0;
        while session(config, client_sends, at).0 {
            at += step;
        }
        assert!(at > 700, "{at} bytes");
    }
}

fn with(kex: &str, cipher: &str, mac: &str) -> Config {
    let mut config = config();
    let algorithms = &mut config.algorithms;
    algorithms.kex = vec![kex.to_owned()];
    algorithms.host_key = vec!["ssh-ed25519".to_owned()];
    for ciphers in [&mut algorithms.cipher_c2s, &mut algorithms.cipher_s2c] {
        *ciphers = vec![cipher.to_owned()];
    }
    for macs in [&mut algorithms.mac_c2s, &mut algorithms.mac_s2c] {
        *macs = vec![mac.to_owned()];
    }
    config
}

#[test]
fn gcm() {
    every_byte(&with("curve25519-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256"));
}

#[test]
fn chacha() {
    every_byte(&with("ecdh-sha2-nistp256", "chacha20-poly1305@openssh.com", "hmac-sha2-256"));
}

#[test]
fn encrypt_then_mac() {
    every_byte(&with("curve25519-sha256", "aes256-ctr", "hmac-sha2-512-etm@openssh.com"));
}

#[test]
fn encrypt_and_mac_without_strict_kex() {
    let mut config = with("curve25519-sha256", "aes128-ctr", "hmac-sha2-256");
    config.strict_kex = false;
    every_byte(&config);
}

#[test]
fn encrypt_and_mac() {
    every_byte(&with("curve25519-sha256", "aes128-ctr", "umac-64@openssh.com"));
}

/// Where a bad length is told no sooner than a bad MAC.
#[test]
fn chained_blocks() {
    every_byte(&with("curve25519-sha256", "aes256-cbc", "hmac-sha2-256"));
    every_byte(&with("curve25519-sha256", "3des-cbc", "hmac-sha1"));
}

/// These groups take their time.
#[test]
fn finite_fields() {
    every(7, &with("diffie-hellman-group14-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256"));
}

#[test]
fn group_exchange() {
    every(7, &with("diffie-hellman-group-exchange-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256"));
}

#[test]
fn hybrid() {
    every_byte(&with("mlkem768x25519-sha256", "aes128-gcm@openssh.com", "hmac-sha2-256"));
}
