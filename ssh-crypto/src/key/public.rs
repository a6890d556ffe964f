//! Public keys and their blobs.

use super::{Curve, Fingerprint, KeyError};
use crate::Hash;
use ssh_wire::{Encode, Mpint, Reader};

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
        check_rsa(e, n)?;
        Ok(Self::Rsa { e: e.to_vec(), n: n.to_vec() })
    }

    /// An ECDSA key; only the point's form is checked here, that it is on the curve when it is used.
    pub fn ecdsa(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        if !curve.is_uncompressed(point) {
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

    /// The type as people are shown it, by `ssh-keygen -l` among others: `ED25519`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ED25519",
            Self::Ecdsa { .. } => "ECDSA",
            Self::Rsa { .. } => "RSA",
        }
    }

    /// The digest of the blob.
    pub fn fingerprint(&self, hash: Hash) -> Fingerprint {
        Fingerprint::new(hash, &self.to_blob())
    }

    /// The fingerprint as it was before SHA-256: to compare with what old tools print, not to rely on.
    pub fn fingerprint_md5(&self) -> Fingerprint {
        Fingerprint::md5(&self.to_blob())
    }

    /// The fingerprint as a picture, as `ssh-keygen -lv` prints it.
    pub fn randomart(&self, hash: Hash) -> String {
        self.fingerprint(hash).randomart(self.label(), self.bits())
    }
}

/// Whether the numbers, without leading zeros, can be those of a key.
pub(crate) fn check_rsa(e: &[u8], n: &[u8]) -> Result<(), KeyError> {
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bit_len(n)) {
        return Err(KeyError::Invalid("rsa modulus is under 1024 or over 16384 bits"));
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // A longer exponent only serves to burn the verifier's time; 33 bits are what the back ends take.
    if !is_odd(n) || !is_odd(e) || e[0] == 0 || n[0] == 0 || !(2..=33).contains(&bit_len(e)) {
        return Err(KeyError::Invalid("rsa key has an impossible exponent or modulus"));
    }
    Ok(())
}

/// The size in bits of a number without leading zeros.
pub(crate) fn bit_len(magnitude: &[u8]) -> usize {
    magnitude.first().map_or(0, |first| magnitude.len() * 8 - first.leading_zeros() as usize)
}
