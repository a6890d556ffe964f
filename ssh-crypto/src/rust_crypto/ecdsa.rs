//! ECDSA on the NIST curves. Nonces are deterministic (RFC 6979).

use crate::{
    Curve, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey,
    sign::{ecdsa, security_key::SkEcdsa, wrong_key},
};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::elliptic_curve::sec1::ToSec1Point;

/// `ecdsa-sha2-nistp256` (RFC 5656 §3).
pub static ECDSA_NISTP256: &dyn SignatureAlgorithm = &Ecdsa(Curve::P256);
/// `ecdsa-sha2-nistp384` (RFC 5656 §3).
pub static ECDSA_NISTP384: &dyn SignatureAlgorithm = &Ecdsa(Curve::P384);
/// `ecdsa-sha2-nistp521` (RFC 5656 §3).
pub static ECDSA_NISTP521: &dyn SignatureAlgorithm = &Ecdsa(Curve::P521);
/// `sk-ecdsa-sha2-nistp256@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the
/// hardware.
pub static SK_ECDSA_NISTP256: &dyn SignatureAlgorithm = &SkEcdsa(verify);

/// ECDSA (FIPS 186-5 §6), by `p256`, `p384` and `p521`.
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
                if scalar.len() != curve.field_len() || public(*curve, scalar)? != *point {
                    return Err(KeyError::Invalid("ecdsa public key is not that of the private key").into());
                }
                signer(*curve, scalar)
            }
            _ => Err(wrong_key(self.name(), &key.public_key())),
        }
    }
}

/// Does the same for the module of each curve, with its name put for `$module`.
macro_rules! on_curve {
    ($curve:expr, $module:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                use p256 as $module;
                $body
            }
            Curve::P384 => {
                use p384 as $module;
                $body
            }
            Curve::P521 => {
                use p521 as $module;
                $body
            }
        }
    };
}

/// Checks `mpint r, mpint s`.
pub(crate) fn verify(curve: Curve, point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    if !curve.is_uncompressed(point) {
        return Err(OFF_CURVE.into());
    }
    let signature = ecdsa::to_fixed(curve, signature)?;
    on_curve!(curve, module => {
        let key = module::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| OFF_CURVE)?;
        let signature = module::ecdsa::Signature::from_slice(&signature).map_err(|_| SignError::Invalid)?;
        key.verify(message, &signature).map_err(|_| SignError::Invalid)
    })
}

const OFF_CURVE: KeyError = KeyError::Invalid("ecdsa key is not a point of its curve");

/// The public point of a scalar of [`Curve::field_len`] bytes.
pub(crate) fn public(curve: Curve, scalar: &[u8]) -> Result<Vec<u8>, KeyError> {
    on_curve!(curve, module => {
        let key = module::SecretKey::from_slice(scalar).map_err(|_| BAD_SCALAR)?;
        Ok(key.public_key().to_sec1_point(false).as_bytes().to_vec())
    })
}

const BAD_SCALAR: KeyError = KeyError::Invalid("ecdsa private key is zero or above the order of its curve");

fn signer(curve: Curve, scalar: &[u8]) -> Result<Box<dyn SigningKey>, SignError> {
    on_curve!(curve, module => {
        let key = module::ecdsa::SigningKey::from_slice(scalar).map_err(|_| BAD_SCALAR)?;
        Ok(Box::new(EcdsaKey(move |message: &[u8]| {
            let signature: module::ecdsa::Signature = key.try_sign(message).ok()?;
            Some(ecdsa::from_fixed(&signature.to_bytes()))
        })))
    })
}

struct EcdsaKey<F>(F);

impl<F: Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync> SigningKey for EcdsaKey<F> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (self.0)(message).ok_or_else(|| SignError::Failed("ECDSA".to_owned()))
    }
}
