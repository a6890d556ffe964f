//! ECDSA on the NIST curves (RFC 5656 §3), whichever the back end: its keys, and the encoding of its signatures.

use super::wrong_key;
use crate::{Curve, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey};
use ssh_wire::{DecodeError, Encode, Mpint, Reader};

/// `ecdsa-sha2-` and the name of the curve, by a back end.
#[derive(Debug)]
pub(crate) struct Ecdsa {
    pub(crate) curve: Curve,
    pub(crate) verify: VerifyEcdsa,
    pub(crate) signing_key: SignEcdsa,
}

/// Checks a signature as [`to_fixed`] gives it, with an uncompressed point, over a message.
pub(crate) type VerifyEcdsa = fn(Curve, &[u8], &[u8], &[u8]) -> Result<(), SignError>;

/// Prepares a scalar of [`Curve::field_len`] bytes, whose uncompressed point must be this one.
pub(crate) type SignEcdsa = fn(Curve, &[u8], &[u8]) -> Result<Box<dyn SigningKey>, SignError>;

pub(crate) const OFF_CURVE: KeyError = KeyError::Invalid("ecdsa key is not a point of its curve");
pub(crate) const NOT_ITS_POINT: KeyError =
    KeyError::Invalid("ecdsa public key is not that of the private key");

impl SignatureAlgorithm for Ecdsa {
    fn name(&self) -> &'static str {
        self.curve.key_type()
    }

    fn key_type(&self) -> &'static str {
        self.curve.key_type()
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        match key {
            PublicKey::Ecdsa { curve, point } if *curve == self.curve => {
                verify(self.verify, *curve, point, message, signature)
            }
            _ => Err(wrong_key(self.name(), key)),
        }
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        match key {
            PrivateKey::Ecdsa { curve, scalar, point } if *curve == self.curve => {
                if scalar.len() != curve.field_len() {
                    return Err(
                        KeyError::Invalid("ecdsa private key does not have the size of its curve").into()
                    );
                }
                if !curve.is_uncompressed(point) {
                    return Err(NOT_ITS_POINT.into());
                }
                (self.signing_key)(*curve, scalar, point)
            }
            _ => Err(wrong_key(self.name(), &key.public_key())),
        }
    }
}

/// Checks `mpint r, mpint s`.
pub(crate) fn verify(
    verify: VerifyEcdsa,
    curve: Curve,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignError> {
    // Back ends would take other encodings as well.
    if !curve.is_uncompressed(point) {
        return Err(OFF_CURVE.into());
    }
    verify(curve, point, message, &to_fixed(curve, signature)?)
}

/// `mpint r, mpint s` as r ‖ s, each at the size of the field; that they are in range is the verifier's to check.
fn to_fixed(curve: Curve, signature: &[u8]) -> Result<Vec<u8>, SignError> {
    let mut reader = Reader::new(signature);
    let numbers = (|| Ok([reader.read::<Mpint<'_>>()?, reader.read()?]))();
    let numbers = numbers.map_err(|_: DecodeError| SignError::Invalid)?;
    reader.finish().map_err(|_| SignError::Invalid)?;
    let mut fixed = Vec::with_capacity(2 * curve.field_len());
    for number in numbers {
        let number = number.unsigned().ok_or(SignError::Invalid)?;
        let pad = curve.field_len().checked_sub(number.len()).ok_or(SignError::Invalid)?;
        fixed.resize(fixed.len() + pad, 0);
        fixed.extend_from_slice(number);
    }
    Ok(fixed)
}

/// The reverse of [`to_fixed`].
pub(crate) fn from_fixed(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let mut signature = Vec::with_capacity(fixed.len() + 10);
    Mpint::from_unsigned(r).encode(&mut signature);
    Mpint::from_unsigned(s).encode(&mut signature);
    signature
}
