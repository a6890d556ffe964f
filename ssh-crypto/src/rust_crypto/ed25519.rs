//! Ed25519 (RFC 8032 §5.1), by `ed25519-dalek`.

use crate::{
    KeyError, SignError, SignatureAlgorithm, SigningKey,
    sign::{
        ed25519::{Ed25519, NOT_ITS_KEY},
        security_key::SecurityKey,
    },
    stack::{CURVE, on_wiped_stack},
};
use ed25519_dalek::{Signature, Signer, Verifier, VerifyingKey};

/// `ssh-ed25519` (RFC 8709).
pub static ED25519: &dyn SignatureAlgorithm = &Ed25519 { verify, signing_key };
/// `sk-ssh-ed25519@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the hardware.
pub static SK_ED25519: &dyn SignatureAlgorithm = &SecurityKey::Ed25519(verify);

pub(crate) fn verify(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::Invalid("ed25519 key is not a point"))?;
    let signature = Signature::from_slice(signature).map_err(|_| SignError::Invalid)?;
    key.verify(message, &signature).map_err(|_| SignError::Invalid)
}

fn signing_key(seed: &[u8; 32], public: &[u8; 32]) -> Result<Box<dyn SigningKey>, SignError> {
    on_wiped_stack::<CURVE, _>(|| {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        if key.verifying_key().as_bytes() != public {
            return Err(NOT_ITS_KEY.into());
        }
        Ok(Box::new(Ed25519Key(key)) as _)
    })
}

/// The public key of the private key derived from `seed`.
pub(crate) fn public(seed: &[u8; 32]) -> [u8; 32] {
    on_wiped_stack::<CURVE, _>(|| ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes())
}

struct Ed25519Key(ed25519_dalek::SigningKey);

impl SigningKey for Ed25519Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(on_wiped_stack::<CURVE, _>(|| self.0.sign(message).to_bytes().to_vec()))
    }
}
