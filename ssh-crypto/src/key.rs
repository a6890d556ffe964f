//! Host keys and user keys, and their blobs (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4).

mod certified;
mod fingerprint;
mod generate;
mod line;
mod private;
mod public;
mod randomart;

pub use certified::{CertificateAlgorithm, CertificateType};
pub use fingerprint::Fingerprint;
pub use generate::KeyKind;
pub use line::KeyLine;
pub use private::PrivateKey;
pub use public::{MAX_RSA_BITS, MIN_RSA_BITS, PublicKey};

#[cfg(feature = "aws-lc")]
pub(crate) use public::bit_len;
pub(crate) use public::{check_dsa, check_rsa};

use crate::{Hash, RandomError};
use ssh_wire::DecodeError;

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
    /// The size of an uncompressed point in bytes (SEC 1 §2.3.3).
    pub fn point_len(self) -> usize {
        1 + 2 * self.field_len()
    }

    /// The hash of the curve's signatures and key exchanges (RFC 5656 §6.2.1).
    pub fn hash(self) -> Hash {
        match self {
            Self::P256 => Hash::Sha256,
            Self::P384 => Hash::Sha384,
            Self::P521 => Hash::Sha512,
        }
    }

    /// Whether `point` has the form of an uncompressed point; it need not be on the curve.
    pub(crate) fn is_uncompressed(self, point: &[u8]) -> bool {
        point.len() == self.point_len() && point[0] == 4
    }
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
    /// No random bytes could be had for a new key.
    #[error(transparent)]
    Random(#[from] RandomError),
}
