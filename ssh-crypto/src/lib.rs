//! The algorithms of SSH-2 behind traits.
//!
//! | module | holds |
//! | --- | --- |
//! | [`provider`] | [`Provider`]: the algorithms a session may use, in order of preference |
//! | [`cipher`] | [`AeadCipher`], [`PlainCipher`] and how the latter is combined with a MAC |
//! | [`mac`] | [`MacAlgorithm`] |
//! | [`compression`] | [`CompressionAlgorithm`]: zlib |
//! | [`hash`] | [`enum@Hash`], as key exchange methods and fingerprints use it |
//! | [`agreement`] | [`KeyAgreement`] (X25519, ECDH) and [`Kem`] (ML-KEM, sntrup761): what kex methods are made of |
//! | [`kex`] | [`KexAlgorithm`]: the methods themselves are messages and live in the crate `ssh-kex` |
//! | [`key`] | [`PublicKey`], [`PrivateKey`], their blobs, lines and fingerprints |
//! | [`sign`] | [`SignatureAlgorithm`], [`Signer`] |
//! | [`rust_crypto`] | the pure Rust back end, always there |
//! | `aws_lc` | the fast back end, with the feature `aws-lc` (on by default) |
//! | [`backend`] | the better of the two that are there |
//!
//! Who adds a suite or a key exchange method of their own needs this crate only: the framing traits [`Open`], [`Seal`],
//! [`Compress`] and [`Decompress`] are re-exported, and [`wire`] whole, for the messages of methods. [`on_wiped_stack`] is for
//! what they compute with secrets.

pub mod agreement;
#[cfg(feature = "aws-lc")]
pub mod aws_lc;
pub mod cipher;
pub mod compression;
pub mod hash;
pub mod kex;
pub mod key;
pub mod mac;
pub mod provider;
pub mod random;
pub mod rust_crypto;
pub mod secret;
pub mod sign;
mod stack;

#[cfg(feature = "aws-lc")]
pub use aws_lc as backend;
#[cfg(not(feature = "aws-lc"))]
pub use rust_crypto as backend;

pub use agreement::{Ephemeral, Kem, KeyAgreement};
pub use cipher::{AeadCipher, Cipher, PlainCipher, Transform};
pub use compression::CompressionAlgorithm;
pub use hash::{Digest, Hash};
pub use kex::{Agreed, KexAlgorithm, KexError, KexMethod, Proof, Step};
pub use key::{Curve, Fingerprint, KeyError, KeyKind, KeyLine, PrivateKey, PublicKey};
pub use mac::{Mac, MacAlgorithm};
pub use provider::Provider;
pub use random::{RandomError, SecureRandom};
pub use secret::Secret;
pub use sign::{KeyPair, SignError, SignatureAlgorithm, Signer, SigningKey};
pub use ssh_wire as wire;
pub use ssh_wire::{Compress, Corrupt, Decompress, DecompressError, Layout, Open, Seal};
pub use stack::on_wiped_stack;

/// The suites of [`backend`], the best first, without key exchange methods: those come from `ssh-kex`.
pub fn default_provider() -> Provider {
    backend::provider()
}
