//! Providers that can't work, which no session begins with.

use crate::pair::*;
use ssh_crypto::{
    Cipher, Mac, MacAlgorithm, PlainCipher, Provider, Transform,
    provider::ProviderError,
    rust_crypto::{AES128_CTR, HMAC_SHA2_256},
};
use ssh_kex::{Config, ErrorKind, Transport, default_provider};
use std::{sync::Arc, time::Instant};

/// An algorithm of this name and these sizes in bytes.
#[derive(Debug, Clone, Copy)]
struct Odd {
    name: &'static str,
    key: usize,
    /// A cipher's block, a MAC's tag.
    unit: usize,
}

const GOOD: Odd = Odd { name: "odd@example.com", key: 16, unit: 16 };

impl PlainCipher for Odd {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.key
    }

    fn block_len(&self) -> usize {
        self.unit
    }

    fn decryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        AES128_CTR.decryptor(key, iv)
    }

    fn encryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        AES128_CTR.encryptor(key, iv)
    }
}

impl MacAlgorithm for Odd {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.key
    }

    fn tag_len(&self) -> usize {
        self.unit
    }

    fn is_etm(&self) -> bool {
        true
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn Mac> {
        HMAC_SHA2_256.keyed(key)
    }
}

fn with_cipher(odd: Odd) -> Provider {
    let mut provider = default_provider();
    provider.ciphers.to_mut().push(Cipher::Plain(Box::leak(Box::new(odd))));
    provider
}

fn with_mac(odd: Odd) -> Provider {
    let mut provider = default_provider();
    provider.macs.to_mut().push(Box::leak(Box::new(odd)));
    provider
}

#[track_caller]
fn refused(provider: Provider, expected: &ProviderError) {
    assert_eq!(provider.check().as_ref(), Err(expected));
    let error =
        Transport::client(Config { provider: Arc::new(provider), ..config() }, Instant::now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains(&expected.to_string()), "{error}");
}

#[test]
fn names_that_no_list_can_hold() {
    const LONG: &str = "sixty-five-characters-sixty-five-characters-sixty-five-characters";
    for name in ["", "a,b", "a b", "a\n", "ä", LONG] {
        let odd = Odd { name, ..GOOD };
        refused(with_cipher(odd), &ProviderError::Name(name));
        refused(with_mac(odd), &ProviderError::Name(name));
    }
    with_mac(Odd { name: &LONG[1..], ..GOOD }).check().unwrap();
}

#[test]
fn two_of_a_name() {
    refused(with_cipher(Odd { name: "aes128-ctr", ..GOOD }), &ProviderError::Duplicate("aes128-ctr"));
    refused(with_mac(Odd { name: "hmac-sha1", ..GOOD }), &ProviderError::Duplicate("hmac-sha1"));
    let mut twice = default_provider();
    let first = twice.kex[0];
    twice.kex.to_mut().push(first);
    refused(twice, &ProviderError::Duplicate(first.name()));
    // Of different kinds they may be.
    with_mac(Odd { name: "aes128-ctr", ..GOOD }).check().unwrap();
}

#[test]
fn kinds_without_any() {
    let full = default_provider();
    for (provider, kind) in [
        (Provider { kex: [].as_slice().into(), ..full.clone() }, "key exchange method"),
        (Provider { signatures: [].as_slice().into(), ..full.clone() }, "signature algorithm"),
        (Provider { ciphers: [].as_slice().into(), ..full.clone() }, "cipher"),
        (Provider { macs: [].as_slice().into(), ..full.clone() }, "MAC"),
    ] {
        assert_eq!(provider.check(), Err(ProviderError::Empty(kind)));
    }
    // Those with a tag of their own need no MAC.
    let tagged: Vec<_> =
        full.ciphers.iter().copied().filter(|cipher| matches!(cipher, Cipher::Aead(_))).collect();
    Provider { macs: [].as_slice().into(), ciphers: tagged.into(), ..full }.check().unwrap();
}

#[test]
fn sizes_that_no_packet_has() {
    let size = ProviderError::Size(GOOD.name);
    for (key, unit) in [(65, 16), (16, 0), (16, 4), (16, 24), (16, 128)] {
        refused(with_cipher(Odd { key, unit, ..GOOD }), &size);
    }
    for (key, unit) in [(65, 16), (16, 0), (16, 3), (16, 65)] {
        refused(with_mac(Odd { key, unit, ..GOOD }), &size);
    }
    with_cipher(Odd { key: 64, unit: 64, ..GOOD }).check().unwrap();
    with_mac(Odd { key: 64, unit: 64, ..GOOD }).check().unwrap();
}
