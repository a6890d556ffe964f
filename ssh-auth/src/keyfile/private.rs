//! Private keys from the numbers in a file, which must agree with one another.

use super::KeyFileError;
use ssh_crypto::{
    Curve, KeyError, PrivateKey,
    key::{MAX_RSA_BITS, MIN_RSA_BITS},
};
use zeroize::Zeroizing;

/// The Ed25519 key with this seed, and with this public key if the file has one.
pub(super) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<PrivateKey, KeyFileError> {
    let mut array = Zeroizing::new([0; 32]);
    if seed.len() != array.len() {
        return Err(KeyFileError::damaged("ed25519 seed is not 32 bytes"));
    }
    array.copy_from_slice(seed);
    let key = PrivateKey::ed25519(&array);
    match (&key, public) {
        (PrivateKey::Ed25519 { public: derived, .. }, Some(public)) if public != derived => {
            Err(KeyFileError::damaged("ed25519 public key does not belong to the private key"))
        }
        _ => Ok(key),
    }
}

/// The ECDSA key with this scalar, big-endian, and with this point if the file has one, in any form of SEC 1 §2.3.3.
pub(super) fn ecdsa(curve: Curve, scalar: &[u8], point: Option<&[u8]>) -> Result<PrivateKey, KeyFileError> {
    let key = PrivateKey::ecdsa(curve, scalar).map_err(invalid)?;
    match (&key, point) {
        (PrivateKey::Ecdsa { point: derived, .. }, Some(point)) if !same_point(point, derived) => {
            Err(KeyFileError::damaged("ecdsa public key does not belong to the private key"))
        }
        _ => Ok(key),
    }
}

/// Whether `point` is the uncompressed point `derived`, be it uncompressed (first byte 4), compressed to its
/// x coordinate and the parity of y (2 or 3), or both (6 or 7).
fn same_point(point: &[u8], derived: &[u8]) -> bool {
    let (Some((&form, coordinates)), Some(&last)) = (point.split_first(), derived.last()) else {
        return false;
    };
    let (uncompressed, parity) = (&derived[1..], last & 1);
    match form {
        4 => coordinates == uncompressed,
        2 | 3 => form & 1 == parity && coordinates == &uncompressed[..uncompressed.len() / 2],
        6 | 7 => form & 1 == parity && coordinates == uncompressed,
        _ => false,
    }
}

/// An RSA key's numbers, big-endian; leading zeros are allowed.
pub(super) struct RsaNumbers<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) iqmp: &'a [u8],
}

/// The RSA key with these numbers.
pub(super) fn rsa(numbers: &RsaNumbers<'_>) -> Result<PrivateKey, KeyFileError> {
    let RsaNumbers { n, e, d, p, q, iqmp } = *numbers;
    let modulus = magnitude(n);
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyFileError::unsupported(format!("rsa modulus of {bits} bits")));
    }
    let key = PrivateKey::rsa(e, n, d, p, q).map_err(invalid)?;
    match &key {
        PrivateKey::Rsa { iqmp: computed, .. } if **computed != *magnitude(iqmp) => {
            Err(KeyFileError::damaged("the coefficient of the rsa private key does not belong to its primes"))
        }
        _ => Ok(key),
    }
}

fn magnitude(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|&&byte| byte == 0).count()..]
}

pub(super) fn invalid(error: KeyError) -> KeyFileError {
    match error {
        KeyError::Unknown(name) => KeyFileError::unsupported(format!("key type {name}")),
        other => KeyFileError::damaged(other.to_string()),
    }
}
