//! From the shared secret to keys (RFC 4253 §7.2, §8).

use crate::negotiate::Suite;
use ssh_crypto::{Digest, Hash, MacAlgorithm, Secret, cipher, on_wiped_stack};
use ssh_wire::{Encode, Open, Seal};

/// What the exchange hash is made of, in its order (RFC 4253 §8). The identification strings go without CR and LF.
pub(crate) struct Transcript<'a> {
    pub(crate) client_identification: &'a [u8],
    pub(crate) server_identification: &'a [u8],
    pub(crate) client_kexinit: &'a [u8],
    pub(crate) server_kexinit: &'a [u8],
    pub(crate) host_key: &'a [u8],
    /// What the method put between host key and secret, encoded.
    pub(crate) exchange: &'a [u8],
    /// The shared secret, encoded.
    pub(crate) secret: &'a Secret,
}

impl Transcript<'_> {
    /// H, the exchange hash.
    pub(crate) fn hash(&self, hash: Hash) -> Digest {
        let mut strings = Vec::new();
        for string in [
            self.client_identification,
            self.server_identification,
            self.client_kexinit,
            self.server_kexinit,
            self.host_key,
        ] {
            string.encode(&mut strings);
        }
        hash.digest(&[&strings, self.exchange, self.secret])
    }
}

/// What all keys of one key exchange are derived from.
pub(crate) struct Keys {
    pub(crate) hash: Hash,
    /// K, encoded by its type.
    pub(crate) secret: Secret,
    /// H, the exchange hash.
    pub(crate) exchange_hash: Digest,
    /// The exchange hash of the first key exchange.
    pub(crate) session_id: Vec<u8>,
}

/// KiB of stack that are wiped after a suite was made, whose constructors move keys about.
const SUITE: usize = 32;

/// The direction that keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ClientToServer,
    ServerToClient,
}

impl Keys {
    /// The receiving half of `suite`.
    pub(crate) fn open(&self, suite: Suite, direction: Direction) -> Box<dyn Open> {
        on_wiped_stack::<SUITE, _>(|| {
            let (iv, key) = self.iv_and_key(suite, direction);
            match suite {
                Suite::Aead(aead) => aead.opener(&key, &iv),
                Suite::Plain(plain, mac) => {
                    cipher::opener(plain, mac, &key, &iv, &self.mac_key(mac, direction))
                }
            }
        })
    }

    /// The sending half of `suite`.
    pub(crate) fn seal(&self, suite: Suite, direction: Direction) -> Box<dyn Seal> {
        on_wiped_stack::<SUITE, _>(|| {
            let (iv, key) = self.iv_and_key(suite, direction);
            match suite {
                Suite::Aead(aead) => aead.sealer(&key, &iv),
                Suite::Plain(plain, mac) => {
                    cipher::sealer(plain, mac, &key, &iv, &self.mac_key(mac, direction))
                }
            }
        })
    }

    fn iv_and_key(&self, suite: Suite, direction: Direction) -> (Secret, Secret) {
        let (iv, key) = match direction {
            Direction::ClientToServer => (b'A', b'C'),
            Direction::ServerToClient => (b'B', b'D'),
        };
        let cipher = suite.cipher();
        (self.derive(iv, cipher.iv_len()), self.derive(key, cipher.key_len()))
    }

    fn mac_key(&self, mac: &dyn MacAlgorithm, direction: Direction) -> Secret {
        let letter = match direction {
            Direction::ClientToServer => b'E',
            Direction::ServerToClient => b'F',
        };
        self.derive(letter, mac.key_len())
    }

    /// K1 = HASH(K || H || X || session_id), K2 = HASH(K || H || K1), and so on, cut to `len` bytes.
    fn derive(&self, letter: u8, len: usize) -> Secret {
        // As large as it gets, so that no copy is left behind when it grows.
        let mut key = Vec::with_capacity(len);
        while key.len() < len {
            let digest = match key.is_empty() {
                true => self.hash.digest(&[&self.secret, &self.exchange_hash, &[letter], &self.session_id]),
                false => self.hash.digest(&[&self.secret, &self.exchange_hash, &key]),
            };
            key.extend(digest.iter().take(len - key.len()));
        }
        Secret::new(key)
    }
}
