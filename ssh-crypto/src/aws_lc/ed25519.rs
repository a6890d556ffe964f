//! Ed25519 (RFC 8032 §5.1), by AWS-LC.

use crate::{
    SignError, SignatureAlgorithm, SigningKey,
    sign::{
        ed25519::{Ed25519, NOT_ITS_KEY},
        security_key::SecurityKey,
    },
};
use aws_lc_rs::signature::{self, Ed25519KeyPair, UnparsedPublicKey};

/// `ssh-ed25519` (RFC 8709).
pub static ED25519: &dyn SignatureAlgorithm = &Ed25519 { verify, signing_key };
/// `sk-ssh-ed25519@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the hardware.
pub static SK_ED25519: &dyn SignatureAlgorithm = &SecurityKey::Ed25519(verify);

pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    let key = UnparsedPublicKey::new(&signature::ED25519, key);
    key.verify(message, signature).map_err(|_| SignError::Invalid)
}

fn signing_key(seed: &[u8; 32], public: &[u8; 32]) -> Result<Box<dyn SigningKey>, SignError> {
    let key = Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| NOT_ITS_KEY)?;
    Ok(Box::new(Ed25519Key(key)))
}

struct Ed25519Key(Ed25519KeyPair);

impl SigningKey for Ed25519Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.0.try_sign(message).map_err(|_| SignError::Failed("Ed25519".to_owned()))?;
        Ok(signature.as_ref().to_vec())
    }
}
