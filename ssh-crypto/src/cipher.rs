//! Ciphers: those that authenticate what they encrypt, and those that need a MAC beside them.

pub(crate) mod aes_gcm;
pub(crate) mod chacha20_poly1305;
mod combine;
mod parts;
pub(crate) mod plain;
mod refuse;

pub use combine::{opener, sealer};
pub(crate) use refuse::Refuse;

use ssh_wire::{Open, Seal};
use std::fmt;

/// A cipher as it is negotiated.
#[derive(Debug, Clone, Copy)]
pub enum Cipher {
    /// It authenticates: no MAC is negotiated.
    Aead(&'static dyn AeadCipher),
    /// It needs a MAC.
    Plain(&'static dyn PlainCipher),
}

impl Cipher {
    /// The name: `aes128-ctr`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Aead(cipher) => cipher.name(),
            Self::Plain(cipher) => cipher.name(),
        }
    }

    /// The key's size in bytes.
    pub fn key_len(&self) -> usize {
        match self {
            Self::Aead(cipher) => cipher.key_len(),
            Self::Plain(cipher) => cipher.key_len(),
        }
    }

    /// The size in bytes of the initial IV, nonce or counter.
    pub fn iv_len(&self) -> usize {
        match self {
            Self::Aead(cipher) => cipher.iv_len(),
            Self::Plain(cipher) => cipher.block_len(),
        }
    }

    /// Whether it is implemented for old peers only, and never offered unless it is named.
    pub fn is_legacy(&self) -> bool {
        match self {
            Self::Aead(cipher) => cipher.is_legacy(),
            Self::Plain(cipher) => cipher.is_legacy(),
        }
    }
}

/// A cipher that authenticates what it encrypts.
pub trait AeadCipher: fmt::Debug + Send + Sync {
    /// The name: `aes128-gcm@openssh.com`.
    fn name(&self) -> &'static str;
    /// The key's size in bytes.
    fn key_len(&self) -> usize;
    /// The initial nonce's size in bytes; 0 if it is made from the sequence number.
    fn iv_len(&self) -> usize;
    /// Whether it is implemented for old peers only, and never offered unless it is named.
    fn is_legacy(&self) -> bool {
        false
    }
    /// The receiving half with a key and an initial nonce of the sizes above.
    fn opener(&self, key: &[u8], iv: &[u8]) -> Box<dyn Open>;
    /// The sending half with a key and an initial nonce of the sizes above.
    fn sealer(&self, key: &[u8], iv: &[u8]) -> Box<dyn Seal>;
}

/// A cipher that needs a MAC beside it.
pub trait PlainCipher: fmt::Debug + Send + Sync {
    /// The name: `aes128-ctr`.
    fn name(&self) -> &'static str;
    /// The key's size in bytes.
    fn key_len(&self) -> usize;
    /// The block's size in bytes, and the initial IV's or counter's.
    fn block_len(&self) -> usize;
    /// Whether blocks are chained (CBC): then how a packet failed must not be told apart.
    fn is_cbc(&self) -> bool {
        false
    }
    /// Whether it is implemented for old peers only, and never offered unless it is named.
    fn is_legacy(&self) -> bool {
        false
    }
    /// The decrypting half with a key and an IV of the sizes above.
    fn decryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform>;
    /// The encrypting half with a key and an IV of the sizes above.
    fn encryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform>;
}

/// A cipher with its key, in one direction.
pub trait Transform: Send {
    /// Encrypts or decrypts the next blocks in place; `blocks` is a multiple of the block size.
    fn apply(&mut self, blocks: &mut [u8]);
}
