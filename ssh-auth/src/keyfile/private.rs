//! Private keys from the numbers in a file, which must agree with one another.

use super::KeyFileError;
use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use ssh_crypto::{
    Curve, KeyError, PrivateKey, PublicKey,
    key::{MAX_RSA_BITS, MIN_RSA_BITS},
};
use ssh_wire::Mpint;
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

/// The ML-DSA-44 and Ed25519 keys with these seeds and public keys.
pub(super) fn mldsa44_ed25519(seeds: &[u8], public: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let seeds =
        seeds.try_into().map_err(|_| KeyFileError::damaged("mldsa44-ed25519 seeds are not 64 bytes"))?;
    let key = PrivateKey::mldsa44_ed25519(seeds);
    match &key {
        PrivateKey::MlDsa44Ed25519 { public: derived, .. } if public != derived.as_slice() => {
            Err(KeyFileError::damaged("mldsa44-ed25519 public key does not belong to the private key"))
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

/// A DSA key's numbers, big-endian; leading zeros are allowed.
pub(super) struct DsaNumbers<'a> {
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) g: &'a [u8],
    /// The public value, if the file has it.
    pub(super) y: Option<&'a [u8]>,
    pub(super) x: &'a [u8],
}

/// The DSA key with these numbers.
pub(super) fn dsa(numbers: &DsaNumbers<'_>) -> Result<PrivateKey, KeyFileError> {
    let [p, q, g, x] = [numbers.p, numbers.q, numbers.g, numbers.x].map(magnitude);
    let impossible = || KeyFileError::damaged("dsa key has impossible numbers");
    // The largest p that a key may have; the exponentiation takes time that grows with it.
    if p.len() > 3072 / 8 {
        return Err(KeyFileError::unsupported(format!("dsa modulus of {} bits", p.len() * 8)));
    }
    if x.is_empty() || q.len() > p.len() || (x.len(), x) >= (q.len(), q) || g.len() > p.len() {
        return Err(impossible());
    }
    let modulus: Option<Odd<BoxedUint>> = Odd::new(BoxedUint::from_be_slice_vartime(p)).into();
    let parameters = BoxedMontyParams::new(modulus.ok_or_else(impossible)?);
    let generator = BoxedUint::from_be_slice_truncated(g, parameters.bits_precision());
    let generator = BoxedMontyForm::new(generator, &parameters);
    let bits = u32::try_from(q.len() * 8).map_err(|_| impossible())?;
    let exponent = |bytes| Zeroizing::new(BoxedUint::from_be_slice_truncated(bytes, bits));
    if generator.pow(&exponent(q)) != BoxedMontyForm::one(&parameters) {
        return Err(impossible());
    }
    let public = generator.pow(&exponent(x)).retrieve().to_be_bytes();
    let y = magnitude(&public);
    if numbers.y.is_some_and(|stored| magnitude(stored) != y) {
        return Err(KeyFileError::damaged("dsa public key does not belong to the private key"));
    }
    let key = PublicKey::dsa([p, q, g, y].map(Mpint::from_unsigned)).map_err(invalid)?;
    match key {
        PublicKey::Dsa { p, q, g, y } => Ok(PrivateKey::Dsa { p, q, g, y, x: x.into() }),
        _ => Err(impossible()),
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
