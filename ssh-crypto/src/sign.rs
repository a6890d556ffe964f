//! Signatures of host keys and user keys (RFC 4253 §6.6, RFC 5656, RFC 8332, RFC 8709).
//!
//! | name | made by | |
//! | --- | --- | --- |
//! | `ssh-ed25519` | Ed25519 | RFC 8709 |
//! | `ssh-mldsa44-ed25519` | ML-DSA-44 and Ed25519 together | draft-miller-sshm-mldsa44-ed25519-composite-sigs |
//! | `ecdsa-sha2-nistp256`, `…384`, `…521` | ECDSA with SHA-256, -384, -512 | RFC 5656 |
//! | `rsa-sha2-512`, `rsa-sha2-256` | RSASSA-PKCS1-v1_5 | RFC 8332 |
//! | `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com` | security keys; verified only | PROTOCOL.u2f |
//! | `ssh-rsa`, `ssh-dss` | RSA and DSA with SHA-1; legacy | RFC 4253 |
//!
//! A signature blob is `string algorithm, string signature`; what stands in the second string is what
//! [`SignatureAlgorithm`] verifies and [`SigningKey`] makes.

pub(crate) mod ecdsa;
pub(crate) mod ed25519;
pub(crate) mod rsa;
pub(crate) mod security_key;

pub use security_key::Presence;

use crate::{KeyError, PrivateKey, Provider, PublicKey};
use ssh_wire::{Encode, Reader};
use std::fmt;

/// A signature algorithm as it is negotiated.
pub trait SignatureAlgorithm: fmt::Debug + Send + Sync {
    /// The name: `rsa-sha2-256`.
    fn name(&self) -> &'static str;
    /// The type of the keys it works with: `ssh-rsa`.
    fn key_type(&self) -> &'static str;
    /// Whether it is implemented for old peers only, and never offered unless it is named.
    fn is_legacy(&self) -> bool {
        false
    }
    /// How many bytes follow the signature's string in its blob: those of security keys have five.
    fn tail_len(&self) -> usize {
        0
    }
    /// Checks a signature without its algorithm's name, but with its tail; anything unexpected about key or signature is an error.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError>;
    /// Prepares `key` for signing.
    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError>;
}

/// A private key, ready to sign under one algorithm.
pub trait SigningKey: Send + Sync {
    /// The signature without its algorithm's name.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Whoever can sign for a public key: a [`KeyPair`], an agent, a hardware token.
pub trait Signer: Send + Sync {
    /// The public key's blob, or the certificate's.
    fn public_key(&self) -> &[u8];
    /// The names of the signature algorithms it can use, the best first.
    fn algorithms(&self) -> Vec<&str>;
    /// The signature blob, its algorithm's name included.
    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why something could not be signed or a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signature does not fit the key and the message.
    #[error("signature does not verify")]
    Invalid,
    /// The signature was made by another algorithm than the one agreed on.
    #[error("signature made by {found:?} where {expected} was agreed on")]
    Algorithm {
        /// The algorithm agreed on.
        expected: String,
        /// The algorithm found.
        found: String,
    },
    /// The algorithm is not for keys of this type.
    #[error("{algorithm} does not work with a key of type {key_type}")]
    KeyType {
        /// The algorithm.
        algorithm: String,
        /// The key's type.
        key_type: String,
    },
    /// The provider has no such algorithm.
    #[error("signature algorithm {0:?} is not available")]
    Unknown(String),
    /// The key itself is unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The signer failed: an agent that is gone, a token not touched.
    #[error("signing failed: {0}")]
    Failed(String),
}

impl Provider {
    /// Checks a signature blob, whose algorithm must be the one agreed on.
    pub fn verify(
        &self,
        algorithm: &str,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignError> {
        let mut reader = Reader::new(signature);
        let found = reader.string().map_err(|_| SignError::Invalid)?;
        if found != algorithm.as_bytes() {
            let found = found.escape_ascii().to_string();
            return Err(SignError::Algorithm { expected: algorithm.to_owned(), found });
        }
        let suite = self.signature(algorithm).ok_or_else(|| SignError::Unknown(algorithm.to_owned()))?;
        let (bytes, tail) = (|| Ok((reader.string()?, reader.take(suite.tail_len())?)))()
            .map_err(|_: ssh_wire::DecodeError| SignError::Invalid)?;
        reader.finish().map_err(|_| SignError::Invalid)?;
        if suite.key_type() != key.key_type() {
            return Err(wrong_key(algorithm, key));
        }
        match tail {
            [] => suite.verify(key, message, bytes),
            _ => suite.verify(key, message, &[bytes, tail].concat()),
        }
    }
}

pub(crate) fn wrong_key(algorithm: &str, key: &PublicKey) -> SignError {
    SignError::KeyType { algorithm: algorithm.to_owned(), key_type: key.key_type().to_owned() }
}

/// A private key in memory, ready to sign under the algorithms the provider has for its type.
pub struct KeyPair {
    public: PublicKey,
    blob: Vec<u8>,
    keys: Vec<(&'static str, Box<dyn SigningKey>)>,
}

impl KeyPair {
    /// Prepares `key` without the legacy algorithms; an error if the provider has no other for it.
    pub fn new(key: &PrivateKey, provider: &Provider) -> Result<Self, SignError> {
        Self::prepare(key, provider, false)
    }

    /// Prepares `key`, and the legacy algorithms too: SHA-1 signatures of RSA keys, and those of DSA keys.
    pub fn with_legacy(key: &PrivateKey, provider: &Provider) -> Result<Self, SignError> {
        Self::prepare(key, provider, true)
    }

    fn prepare(key: &PrivateKey, provider: &Provider, legacy: bool) -> Result<Self, SignError> {
        let public = key.public_key();
        let keys = provider
            .signatures
            .iter()
            .filter(|suite| suite.key_type() == public.key_type() && (legacy || !suite.is_legacy()))
            .map(|suite| Ok((suite.name(), suite.signing_key(key)?)))
            .collect::<Result<Vec<_>, SignError>>()?;
        if keys.is_empty() {
            return Err(SignError::Unknown(public.key_type().to_owned()));
        }
        Ok(Self { blob: public.to_blob(), public, keys })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl Signer for KeyPair {
    fn public_key(&self) -> &[u8] {
        &self.blob
    }

    fn algorithms(&self) -> Vec<&str> {
        self.keys.iter().map(|(name, _)| *name).collect()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let key = self.keys.iter().find(|(name, _)| *name == algorithm);
        let (name, key) = key.ok_or_else(|| SignError::Unknown(algorithm.to_owned()))?;
        let mut blob = Vec::new();
        name.encode(&mut blob);
        key.sign(message)?.as_slice().encode(&mut blob);
        Ok(blob)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public.key_type())
    }
}
