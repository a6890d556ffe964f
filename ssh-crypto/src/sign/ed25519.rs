//! Ed25519 (RFC 8709), whichever the back end.

use super::wrong_key;
use crate::{KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey};

/// `ssh-ed25519`, by a back end.
#[derive(Debug)]
pub(crate) struct Ed25519 {
    pub(crate) verify: VerifyEd25519,
    pub(crate) signing_key: SignEd25519,
}

/// Checks a signature over a message.
pub(crate) type VerifyEd25519 = fn(&[u8; 32], &[u8], &[u8]) -> Result<(), SignError>;

/// Prepares a seed, whose public key must be this one.
pub(crate) type SignEd25519 = fn(&[u8; 32], &[u8; 32]) -> Result<Box<dyn SigningKey>, SignError>;

pub(crate) const NOT_ITS_KEY: KeyError =
    KeyError::Invalid("ed25519 public key is not that of the private key");

impl SignatureAlgorithm for Ed25519 {
    fn name(&self) -> &'static str {
        "ssh-ed25519"
    }

    fn key_type(&self) -> &'static str {
        "ssh-ed25519"
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let PublicKey::Ed25519(key) = key else {
            return Err(wrong_key(self.name(), key));
        };
        (self.verify)(key, message, signature)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let PrivateKey::Ed25519 { seed, public } = key else {
            return Err(wrong_key(self.name(), &key.public_key()));
        };
        let seed = (&**seed).try_into().map_err(|_| KeyError::Invalid("ed25519 seed is not 32 bytes"))?;
        (self.signing_key)(seed, public)
    }
}
