//! Ed25519.

use crate::{
    KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey,
    sign::{security_key::SkEd25519, wrong_key},
};
use aws_lc_rs::signature::{self, Ed25519KeyPair, UnparsedPublicKey};

/// `ssh-ed25519` (RFC 8709).
pub static ED25519: &dyn SignatureAlgorithm = &Ed25519;
/// `sk-ssh-ed25519@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the hardware.
pub static SK_ED25519: &dyn SignatureAlgorithm = &SkEd25519(verify);

/// Ed25519 (RFC 8032 §5.1), by AWS-LC.
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
        if seed.len() != 32 {
            return Err(KeyError::Invalid("ed25519 seed is not 32 bytes").into());
        }
        let key = Ed25519KeyPair::from_seed_and_public_key(seed, public)
            .map_err(|_| KeyError::Invalid("ed25519 public key is not that of the private key"))?;
        Ok(Box::new(Ed25519Key(key)))
    }
}

pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    let key = UnparsedPublicKey::new(&signature::ED25519, key);
    key.verify(message, signature).map_err(|_| SignError::Invalid)
}

struct Ed25519Key(Ed25519KeyPair);

impl SigningKey for Ed25519Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.0.try_sign(message).map_err(|_| SignError::Failed("Ed25519".to_owned()))?;
        Ok(signature.as_ref().to_vec())
    }
}
