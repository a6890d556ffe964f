//! ECDSA on the NIST curves. Nonces are AWS-LC's own: random, hedged with key and message.

use crate::{
    Curve, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey,
    sign::{ecdsa, security_key::SkEcdsa, wrong_key},
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};

/// `ecdsa-sha2-nistp256` (RFC 5656 §3).
pub static ECDSA_NISTP256: &dyn SignatureAlgorithm = &Ecdsa(Curve::P256);
/// `ecdsa-sha2-nistp384` (RFC 5656 §3).
pub static ECDSA_NISTP384: &dyn SignatureAlgorithm = &Ecdsa(Curve::P384);
/// `ecdsa-sha2-nistp521` (RFC 5656 §3).
pub static ECDSA_NISTP521: &dyn SignatureAlgorithm = &Ecdsa(Curve::P521);
/// `sk-ecdsa-sha2-nistp256@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the
/// hardware.
pub static SK_ECDSA_NISTP256: &dyn SignatureAlgorithm = &SkEcdsa(verify);

/// ECDSA (FIPS 186-5 §6), by AWS-LC.
#[derive(Debug)]
struct Ecdsa(Curve);

impl SignatureAlgorithm for Ecdsa {
    fn name(&self) -> &'static str {
        self.0.key_type()
    }

    fn key_type(&self) -> &'static str {
        self.0.key_type()
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        match key {
            PublicKey::Ecdsa { curve, point } if *curve == self.0 => {
                verify(*curve, point, message, signature)
            }
            _ => Err(wrong_key(self.name(), key)),
        }
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        match key {
            PrivateKey::Ecdsa { curve, scalar, point } if *curve == self.0 => {
                if scalar.len() != curve.field_len() || !curve.is_uncompressed(point) {
                    return Err(
                        KeyError::Invalid("ecdsa private key does not have the size of its curve").into()
                    );
                }
                let key = EcdsaKeyPair::from_private_key_and_public_key(signing(*curve), scalar, point)
                    .map_err(|_| KeyError::Invalid("ecdsa public key is not that of the private key"))?;
                Ok(Box::new(EcdsaKey(key)))
            }
            _ => Err(wrong_key(self.name(), &key.public_key())),
        }
    }
}

/// Checks `mpint r, mpint s`.
pub(crate) fn verify(curve: Curve, point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    // AWS-LC would take other encodings as well.
    if !curve.is_uncompressed(point) {
        return Err(KeyError::Invalid("ecdsa key is not a point of its curve").into());
    }
    let signature = ecdsa::to_fixed(curve, signature)?;
    let key = UnparsedPublicKey::new(verification(curve), point);
    key.verify(message, &signature).map_err(|_| SignError::Invalid)
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
