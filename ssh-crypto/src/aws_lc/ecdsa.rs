//! ECDSA (FIPS 186-5 §6) on the NIST curves, by AWS-LC. Nonces are AWS-LC's own: random, hedged with key and message.

use crate::{
    Curve, SignError, SignatureAlgorithm, SigningKey,
    sign::{
        ecdsa::{self, Ecdsa, NOT_ITS_POINT},
        security_key::SecurityKey,
    },
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};

/// `ecdsa-sha2-nistp256` (RFC 5656 §3).
pub static ECDSA_NISTP256: &dyn SignatureAlgorithm = &Ecdsa { curve: Curve::P256, verify, signing_key };
/// `ecdsa-sha2-nistp384` (RFC 5656 §3).
pub static ECDSA_NISTP384: &dyn SignatureAlgorithm = &Ecdsa { curve: Curve::P384, verify, signing_key };
/// `ecdsa-sha2-nistp521` (RFC 5656 §3).
pub static ECDSA_NISTP521: &dyn SignatureAlgorithm = &Ecdsa { curve: Curve::P521, verify, signing_key };
/// `sk-ecdsa-sha2-nistp256@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the
/// hardware.
pub static SK_ECDSA_NISTP256: &dyn SignatureAlgorithm = &SecurityKey::Ecdsa(verify);

fn verify(curve: Curve, point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    let key = UnparsedPublicKey::new(verification(curve), point);
    key.verify(message, signature).map_err(|_| SignError::Invalid)
}

fn signing_key(curve: Curve, scalar: &[u8], point: &[u8]) -> Result<Box<dyn SigningKey>, SignError> {
    let key = EcdsaKeyPair::from_private_key_and_public_key(signing(curve), scalar, point)
        .map_err(|_| NOT_ITS_POINT)?;
    Ok(Box::new(EcdsaKey(key)))
}

fn verification(curve: Curve) -> &'static EcdsaVerificationAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED,
    }
}

fn signing(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

struct EcdsaKey(EcdsaKeyPair);

impl SigningKey for EcdsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        let signature = signature.map_err(|_| SignError::Failed("ECDSA".to_owned()))?;
        Ok(ecdsa::from_fixed(signature.as_ref()))
    }
}
