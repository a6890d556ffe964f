//! The encoding of ECDSA signatures (RFC 5656 §3.1.2).

use crate::{Curve, SignError};
use ssh_wire::{DecodeError, Encode, Mpint, Reader};

/// `mpint r, mpint s` as r ‖ s, each at the size of the field; that they are in range is the verifier's to check.
pub(crate) fn to_fixed(curve: Curve, signature: &[u8]) -> Result<Vec<u8>, SignError> {
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
