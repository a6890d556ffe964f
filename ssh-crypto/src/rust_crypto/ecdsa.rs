//! ECDSA (FIPS 186-5 §6) on the NIST curves, by `p256`, `p384` and `p521`. Nonces are deterministic (RFC 6979).

use crate::{
    Curve, KeyError, SignError, SignatureAlgorithm, SigningKey,
    sign::{
        ecdsa::{self, Ecdsa, NOT_ITS_POINT, OFF_CURVE},
        security_key::SecurityKey,
    },
    stack::{CURVE, on_wiped_stack},
};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::elliptic_curve::sec1::ToSec1Point;

/// `ecdsa-sha2-nistp256` (RFC 5656 §3).
pub static ECDSA_NISTP256: &dyn SignatureAlgorithm = &Ecdsa { curve: Curve::P256, verify, signing_key };
/// `ecdsa-sha2-nistp384` (RFC 5656 §3).
pub static ECDSA_NISTP384: &dyn SignatureAlgorithm = &Ecdsa { curve: Curve::P384, verify, signing_key };
/// `ecdsa-sha2-nistp521` (RFC 5656 §3).
pub static ECDSA_NISTP521: &dyn SignatureAlgorithm = &Ecdsa { curve: Curve::P521, verify, signing_key };
/// `sk-ecdsa-sha2-nistp256@openssh.com` (OpenSSH's PROTOCOL.u2f); it verifies only, for the private key is in the
/// hardware.
pub static SK_ECDSA_NISTP256: &dyn SignatureAlgorithm = &SecurityKey::Ecdsa(verify);

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

fn verify(curve: Curve, point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignError> {
    on_curve!(curve, module => {
        let key = module::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| OFF_CURVE)?;
        let signature = module::ecdsa::Signature::from_slice(signature).map_err(|_| SignError::Invalid)?;
        key.verify(message, &signature).map_err(|_| SignError::Invalid)
    })
}

/// The public point of a scalar of [`Curve::field_len`] bytes.
pub(crate) fn public(curve: Curve, scalar: &[u8]) -> Result<Vec<u8>, KeyError> {
    on_wiped_stack::<CURVE, _>(|| {
        on_curve!(curve, module => {
            let key = module::SecretKey::from_slice(scalar).map_err(|_| BAD_SCALAR)?;
            Ok(key.public_key().to_sec1_point(false).as_bytes().to_vec())
        })
    })
}

const BAD_SCALAR: KeyError = KeyError::Invalid("ecdsa private key is zero or above the order of its curve");

fn signing_key(curve: Curve, scalar: &[u8], point: &[u8]) -> Result<Box<dyn SigningKey>, SignError> {
    if public(curve, scalar)? != *point {
        return Err(NOT_ITS_POINT.into());
    }
    on_wiped_stack::<CURVE, _>(|| {
        on_curve!(curve, module => {
            let key = module::ecdsa::SigningKey::from_slice(scalar).map_err(|_| BAD_SCALAR)?;
            Ok(Box::new(EcdsaKey(move |message: &[u8]| {
                let signature: module::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(ecdsa::from_fixed(&signature.to_bytes()))
            })) as _)
        })
    })
}

struct EcdsaKey<F>(F);

impl<F: Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync> SigningKey for EcdsaKey<F> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        on_wiped_stack::<CURVE, _>(|| (self.0)(message)).ok_or_else(|| SignError::Failed("ECDSA".to_owned()))
    }
}
