//! Ed25519.

use crate::{
    KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey,
    sign::{security_key::SkEd25519, wrong_key},
};
use ed25519_dalek::{Signature, Signer, Verifier, VerifyingKey};

/// `ssh-ed25519` (RFC 8709).
pub static ED25519: &dyn SignatureAlgorithm = &Ed25519;
/// `sk-ssh-ed25519@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the hardware.
pub static SK_ED25519: &dyn SignatureAlgorithm = &SkEd25519(verify);

/// Ed25519 (RFC 8032 §5.1), by `ed25519-dalek`.
#[derive(Debug)]
struct Ed25519;

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
        verify(key, message, signature)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let PrivateKey::Ed25519 { seed, public } = key else {
            return Err(wrong_key(self.name(), &key.public_key()));
        };
        let seed = (&**seed).try_into().map_err(|_| KeyError::Invalid("ed25519 seed is not 32 bytes"))?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        if key.verifying_key().as_bytes() != public {
            return Err(KeyError::Invalid("ed25519 public key is not that of the private key").into());
        }
        Ok(Box::new(Ed25519Key(key)))
    }
}

pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::Invalid("ed25519 key is not a point"))?;
    let signature = Signature::from_slice(signature).map_err(|_| SignError::Invalid)?;
    key.verify(message, &signature).map_err(|_| SignError::Invalid)
}

/// The public key of the private key derived from `seed`.
pub(crate) fn public(seed: &[u8; 32]) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

struct Ed25519Key(ed25519_dalek::SigningKey);

impl SigningKey for Ed25519Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}
