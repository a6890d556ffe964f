//! Private keys in memory.

use super::{Curve, PublicKey};
use crate::Secret;

/// A private key; its secret numbers are wiped when dropped and never printed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrivateKey {
    /// `ssh-ed25519` (RFC 8032 §5.1.5).
    Ed25519 {
        /// The 32 bytes the key is derived from.
        seed: Secret,
        /// The public key.
        public: [u8; 32],
    },
    /// `ssh-mldsa44-ed25519`.
    MlDsa44Ed25519 {
        /// The 32 bytes that the key of ML-DSA-44 is derived from, then those of the Ed25519 key.
        seeds: Secret,
        /// The public keys, in the same order.
        public: Box<[u8; 1344]>,
    },
    /// `ecdsa-sha2-nistp256` and its like.
    Ecdsa {
        /// The curve.
        curve: Curve,
        /// The scalar d, big-endian, [`Curve::field_len`] bytes.
        scalar: Secret,
        /// The point Q, uncompressed.
        point: Vec<u8>,
    },
    /// `ssh-rsa`; big-endian without leading zeros.
    Rsa {
        /// The public exponent.
        e: Vec<u8>,
        /// The modulus.
        n: Vec<u8>,
        /// The private exponent.
        d: Secret,
        /// One prime.
        p: Secret,
        /// The other prime.
        q: Secret,
        /// q⁻¹ mod p.
        iqmp: Secret,
    },
    /// `ssh-dss`, for old peers; big-endian without leading zeros.
    Dsa {
        /// The modulus.
        p: Vec<u8>,
        /// The order of the group.
        q: Vec<u8>,
        /// The generator.
        g: Vec<u8>,
        /// The public value.
        y: Vec<u8>,
        /// The private value.
        x: Secret,
    },
}

impl PrivateKey {
    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Ed25519 { public, .. } => PublicKey::Ed25519(*public),
            Self::MlDsa44Ed25519 { public, .. } => PublicKey::MlDsa44Ed25519(public.clone()),
            Self::Ecdsa { curve, point, .. } => PublicKey::Ecdsa { curve: *curve, point: point.clone() },
            Self::Rsa { e, n, .. } => PublicKey::Rsa { e: e.clone(), n: n.clone() },
            Self::Dsa { p, q, g, y, .. } => {
                PublicKey::Dsa { p: p.clone(), q: q.clone(), g: g.clone(), y: y.clone() }
            }
        }
    }
}
