//! New keys, and keys made of their secret numbers alone.

use super::{Curve, KeyError, MAX_RSA_BITS, PrivateKey};
use crate::{SecureRandom, agreement, rust_crypto};
use zeroize::Zeroizing;

/// What kind of key to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ssh-mldsa44-ed25519`.
    MlDsa44Ed25519,
    /// `ecdsa-sha2-nistp256` and its like.
    Ecdsa(Curve),
    /// `ssh-rsa`.
    Rsa {
        /// The size of the modulus: 2048 to 16384.
        bits: usize,
    },
}

impl PrivateKey {
    /// A new key, out of `random`. RSA takes a fraction of a second up to 3072 bits, a second or two with 4096, half a minute with
    /// 8192 and minutes with 16384, now and then several times as long.
    pub fn generate(kind: KeyKind, random: &dyn SecureRandom) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(&mut *seed)?;
                Ok(Self::ed25519(&seed))
            }
            KeyKind::MlDsa44Ed25519 => {
                let mut seeds = Zeroizing::new([0; 64]);
                random.fill(&mut *seeds)?;
                Ok(Self::mldsa44_ed25519(&seeds))
            }
            KeyKind::Ecdsa(curve) => {
                Ok(agreement::scalar(curve, random, |scalar| Self::ecdsa(curve, scalar).ok())?)
            }
            // NIST SP 800-131A: nothing under 2048 bits is generated any more.
            KeyKind::Rsa { bits } if (2048..=MAX_RSA_BITS).contains(&bits) => {
                rust_crypto::rsa::generate(bits, random)
            }
            KeyKind::Rsa { .. } => Err(KeyError::Invalid("rsa keys have 2048 to 16384 bits")),
        }
    }

    /// The ed25519 key derived from 32 secret bytes (RFC 8032 §5.1.5).
    pub fn ed25519(seed: &[u8; 32]) -> Self {
        Self::Ed25519 { seed: seed.as_slice().into(), public: rust_crypto::ed25519::public(seed) }
    }

    /// The ML-DSA-44 and Ed25519 keys derived from 32 secret bytes each, in this order (FIPS 204 §5.1, RFC 8032 §5.1.5).
    pub fn mldsa44_ed25519(seeds: &[u8; 64]) -> Self {
        Self::MlDsa44Ed25519 { seeds: seeds.as_slice().into(), public: rust_crypto::mldsa::public(seeds) }
    }

    /// The ECDSA key with this scalar d, big-endian; leading zeros may be there or missing.
    pub fn ecdsa(curve: Curve, scalar: &[u8]) -> Result<Self, KeyError> {
        let zeros = scalar.iter().take_while(|&&byte| byte == 0).count();
        let significant = &scalar[zeros..];
        let Some(pad) = curve.field_len().checked_sub(significant.len()) else {
            return Err(KeyError::Invalid("ecdsa private key is too long for its curve"));
        };
        let mut scalar = Zeroizing::new(vec![0; curve.field_len()]);
        scalar[pad..].copy_from_slice(significant);
        let point = rust_crypto::ecdsa::public(curve, &scalar)?;
        Ok(Self::Ecdsa { curve, scalar: scalar.as_slice().into(), point })
    }

    /// The RSA key with these numbers, big-endian; leading zeros may be there. q⁻¹ mod p is computed.
    pub fn rsa(e: &[u8], n: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> Result<Self, KeyError> {
        rust_crypto::rsa::from_numbers(e, n, d, p, q)
    }
}
