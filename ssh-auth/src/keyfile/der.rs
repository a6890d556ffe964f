//! Private keys in DER: PKCS#1 (RFC 8017 §A.1.2), SEC 1 (RFC 5915) and the content of PKCS#8 (RFC 5958).

use super::{
    Format, KeyFileError,
    private::{self, DsaNumbers, RsaNumbers},
};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::{
    PrivateKeyInfoRef,
    der::{
        self, Decode, ErrorKind, Tag, Tagged,
        asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef},
    },
    spki::AlgorithmIdentifierRef,
};
use sec1::{EcParameters, EcPrivateKey};
use ssh_crypto::{Curve, PrivateKey};

pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The content of a file of this format.
pub(super) fn decode(format: Format, bytes: &[u8]) -> Result<PrivateKey, KeyFileError> {
    match format {
        Format::Pkcs1 => rsa(bytes),
        Format::Sec1 => ec(bytes, None),
        Format::Dsa => dsa(bytes),
        Format::Pkcs8 => pkcs8(bytes),
        Format::OpenSsh | Format::Ppk2 | Format::Ppk3 => Err(KeyFileError::damaged("no DER")),
    }
}

/// Whether the bytes are one SEQUENCE and nothing else, as no wrong key would make them.
pub(super) fn is_sequence(bytes: &[u8]) -> bool {
    AnyRef::from_der(bytes).is_ok_and(|any| any.tag() == Tag::Sequence)
}

/// `RSAPrivateKey`.
fn rsa(bytes: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let key = RsaPrivateKeyRef::from_der(bytes).map_err(within("RSAPrivateKey"))?;
    if key.other_prime_infos.is_some() {
        return Err(KeyFileError::unsupported("rsa key of more than two primes"));
    }
    private::rsa(&RsaNumbers {
        n: key.modulus.as_bytes(),
        e: key.public_exponent.as_bytes(),
        d: key.private_exponent.as_bytes(),
        p: key.prime1.as_bytes(),
        q: key.prime2.as_bytes(),
        iqmp: key.coefficient.as_bytes(),
    })
}

/// `ECPrivateKey`, whose curve stands inside or, in PKCS#8, outside.
fn ec(bytes: &[u8], outside: Option<Curve>) -> Result<PrivateKey, KeyFileError> {
    let key = EcPrivateKey::from_der(bytes).map_err(curve_error)?;
    let inside = key.parameters.map(|EcParameters::NamedCurve(oid)| curve(oid)).transpose()?;
    let curve = match (inside, outside) {
        (Some(inside), Some(outside)) if inside != outside => {
            return Err(KeyFileError::damaged("ECPrivateKey names another curve than PKCS#8"));
        }
        (inside, outside) => {
            inside.or(outside).ok_or_else(|| KeyFileError::damaged("ECPrivateKey names no curve"))?
        }
    };
    private::ecdsa(curve, key.private_key, key.public_key)
}

/// OpenSSL's own sequence of version 0, p, q, g, y and x.
fn dsa(bytes: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let numbers = AnyRef::from_der(bytes).and_then(numbers);
    let [version, p, q, g, y, x] = numbers.map_err(within("DSAPrivateKey"))?;
    if version != [0] {
        return Err(KeyFileError::damaged("version of DSAPrivateKey"));
    }
    private::dsa(&DsaNumbers { p, q, g, y: Some(y), x })
}

/// The numbers in a SEQUENCE of nothing else.
pub(super) fn numbers<const N: usize>(any: AnyRef<'_>) -> der::Result<[&[u8]; N]> {
    any.sequence(|reader| {
        let mut numbers: [&[u8]; N] = [&[]; N];
        for number in &mut numbers {
            *number = UintRef::decode(reader)?.as_bytes();
        }
        Ok(numbers)
    })
}

/// `PrivateKeyInfo`.
fn pkcs8(bytes: &[u8]) -> Result<PrivateKey, KeyFileError> {
    let info = PrivateKeyInfoRef::from_der(bytes).map_err(within("PrivateKeyInfo"))?;
    let content = info.private_key.as_bytes();
    match info.algorithm.oid {
        RSA => rsa(content),
        EC => ec(content, Some(named_curve(info.algorithm)?)),
        DSA => {
            let parameters =
                info.algorithm.parameters.ok_or_else(|| KeyFileError::damaged("Dss-Parms missing"))?;
            let [p, q, g] = numbers(parameters).map_err(within("Dss-Parms"))?;
            let x = UintRef::from_der(content).map_err(within("DSAPrivateKey"))?;
            private::dsa(&DsaNumbers { p, q, g, y: None, x: x.as_bytes() })
        }
        ED25519 => {
            let seed = <&OctetStringRef>::from_der(content).map_err(within("CurvePrivateKey"))?;
            private::ed25519(seed.as_bytes(), info.public_key.as_ref().map(|key| key.raw_bytes()))
        }
        oid => Err(KeyFileError::unsupported(format!("key type {oid}"))),
    }
}

fn named_curve(algorithm: AlgorithmIdentifierRef<'_>) -> Result<Curve, KeyFileError> {
    let parameters =
        algorithm.parameters.ok_or_else(|| KeyFileError::damaged("PrivateKeyInfo names no curve"))?;
    curve(parameters.decode_as::<ObjectIdentifier>().map_err(curve_error)?)
}

pub(super) fn curve(oid: ObjectIdentifier) -> Result<Curve, KeyFileError> {
    match oid {
        P256 => Ok(Curve::P256),
        P384 => Ok(Curve::P384),
        P521 => Ok(Curve::P521),
        oid => Err(KeyFileError::unsupported(format!("elliptic curve {oid}"))),
    }
}

/// Where a curve's name is expected, a sequence spells out a curve without a name.
fn curve_error(error: der::Error) -> KeyFileError {
    match error.kind() {
        ErrorKind::TagUnexpected { expected: Some(Tag::ObjectIdentifier), actual: Tag::Sequence } => {
            KeyFileError::unsupported("elliptic curve with explicit parameters")
        }
        _ => within("ECPrivateKey")(error),
    }
}

pub(super) fn within(part: &'static str) -> impl Fn(der::Error) -> KeyFileError {
    move |error| match error.kind() {
        ErrorKind::OidUnknown { oid } => KeyFileError::unsupported(format!("algorithm {oid}")),
        _ => KeyFileError::damaged(format!("{part}: {error}")),
    }
}
