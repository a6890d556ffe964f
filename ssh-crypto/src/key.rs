//! Host keys and user keys, and their blobs (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4).

use crate::{Hash, Secret};
use ssh_wire::{DecodeError, Encode, Mpint, Reader};

/// A NIST curve (RFC 5656 §10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// nistp256, secp256r1.
    P256,
    /// nistp384, secp384r1.
    P384,
    /// nistp521, secp521r1.
    P521,
}

impl Curve {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The curve's name inside a blob: `nistp256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "nistp256",
            Self::P384 => "nistp384",
            Self::P521 => "nistp521",
        }
    }

    /// The type of the curve's keys, which is also the name of its signature algorithm: `ecdsa-sha2-nistp256`.
    pub fn key_type(self) -> &'static str {
        match self {
            Self::P256 => "ecdsa-sha2-nistp256",
            Self::P384 => "ecdsa-sha2-nistp384",
            Self::P521 => "ecdsa-sha2-nistp521",
        }
    }

    /// The size of a coordinate or a scalar in bytes.
    pub fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKey {
    /// `ssh-ed25519` (RFC 8709).
    Ed25519([u8; 32]),
    /// `ecdsa-sha2-nistp256` and its like (RFC 5656).
    Ecdsa {
        /// The curve.
        curve: Curve,
        /// The point Q, uncompressed (SEC 1 §2.3.3).
        point: Vec<u8>,
    },
    /// `ssh-rsa` (RFC 4253 §6.6).
    Rsa {
        /// The public exponent, big-endian without leading zeros.
        e: Vec<u8>,
        /// The modulus, big-endian without leading zeros.
        n: Vec<u8>,
    },
}

/// A key that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The blob could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The key's type is not known here.
    #[error("key type {0:?} is not known")]
    Unknown(String),
    /// The key's numbers are impossible or out of bounds.
    #[error("{0}")]
    Invalid(&'static str),
}

/// RSA moduli from this size on are accepted, in bits; OpenSSH's bound.
pub const MIN_RSA_BITS: usize = 1024;
/// RSA moduli up to this size are accepted, in bits; OpenSSH's bound.
pub const MAX_RSA_BITS: usize = 16384;

impl PublicKey {
    /// Decodes a blob, which must be whole and hold a key that can be.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(blob);
        let key = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(key)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let key_type = reader.string()?;
        if key_type == b"ssh-ed25519" {
            let key = reader.string()?;
            // CVE-2020-9283: a key of any other size must not get further.
            return Ok(Self::Ed25519(
                key.try_into().map_err(|_| KeyError::Invalid("ed25519 key is not 32 bytes"))?,
            ));
        }
        if key_type == b"ssh-rsa" {
            return Self::rsa(reader.read()?, reader.read()?);
        }
        if let Some(curve) = Curve::ALL.into_iter().find(|curve| curve.key_type().as_bytes() == key_type) {
            if reader.string()? != curve.name().as_bytes() {
                return Err(KeyError::Invalid("ecdsa key names another curve than its type"));
            }
            return Self::ecdsa(curve, reader.string()?);
        }
        Err(KeyError::Unknown(key_type.escape_ascii().to_string()))
    }

    /// An RSA key; its numbers are checked.
    pub fn rsa(e: Mpint<'_>, n: Mpint<'_>) -> Result<Self, KeyError> {
        let (Some(e), Some(n)) = (e.unsigned(), n.unsigned()) else {
            return Err(KeyError::Invalid("rsa key has a negative number"));
        };
        let bits = bit_len(n);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyError::Invalid("rsa modulus is under 1024 or over 16384 bits"));
        }
        // An exponent of more than 64 bits only serves to burn the verifier's time.
        if e.len() > 8
            || e.last().is_none_or(|byte| byte & 1 == 0)
            || e == [1]
            || n.last().is_none_or(|byte| byte & 1 == 0)
        {
            return Err(KeyError::Invalid("rsa key has an impossible exponent or modulus"));
        }
        Ok(Self::Rsa { e: e.to_vec(), n: n.to_vec() })
    }

    /// An ECDSA key; only the point's form is checked here, that it is on the curve when it is used.
    pub fn ecdsa(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        if point.len() != 1 + 2 * curve.field_len() || point[0] != 4 {
            return Err(KeyError::Invalid("ecdsa key is not an uncompressed point of its curve"));
        }
        Ok(Self::Ecdsa { curve, point: point.to_vec() })
    }

    /// The blob, as it stands in messages and files.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        self.key_type().encode(&mut blob);
        match self {
            Self::Ed25519(key) => key.as_slice().encode(&mut blob),
            Self::Ecdsa { curve, point } => {
                curve.name().encode(&mut blob);
                point.as_slice().encode(&mut blob);
            }
            Self::Rsa { e, n } => {
                Mpint::from_unsigned(e).encode(&mut blob);
                Mpint::from_unsigned(n).encode(&mut blob);
            }
        }
        blob
    }

    /// The type's name, as the blob begins: `ssh-rsa`.
    pub fn key_type(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ssh-ed25519",
            Self::Ecdsa { curve, .. } => curve.key_type(),
            Self::Rsa { .. } => "ssh-rsa",
        }
    }

    /// The size in bits, as `ssh-keygen -l` shows it.
    pub fn bits(&self) -> usize {
        match self {
            Self::Ed25519(_) => 256,
            Self::Ecdsa { curve: Curve::P256, .. } => 256,
            Self::Ecdsa { curve: Curve::P384, .. } => 384,
            Self::Ecdsa { curve: Curve::P521, .. } => 521,
            Self::Rsa { n, .. } => bit_len(n),
        }
    }

    /// The digest of the blob: `SHA256:…` is its Base64 form without padding.
    pub fn fingerprint(&self, hash: Hash) -> crate::Digest {
        hash.digest(&[&self.to_blob()])
    }
}

fn bit_len(magnitude: &[u8]) -> usize {
    magnitude.first().map_or(0, |first| magnitude.len() * 8 - first.leading_zeros() as usize)
}

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
}

impl PrivateKey {
    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Ed25519 { public, .. } => PublicKey::Ed25519(*public),
            Self::Ecdsa { curve, point, .. } => PublicKey::Ecdsa { curve: *curve, point: point.clone() },
            Self::Rsa { e, n, .. } => PublicKey::Rsa { e: e.clone(), n: n.clone() },
        }
    }
}
