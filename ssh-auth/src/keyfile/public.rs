//! Public key files.

use super::{
    KeyLine, MAX_FILE,
    der::{DSA, EC, ED25519, RSA, curve, numbers},
    pem::Block,
};
use pkcs8::{
    der::{
        Decode,
        asn1::{AnyRef, ObjectIdentifier, UintRef},
    },
    spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef},
};
use ssh_crypto::{KeyError, PublicKey};
use ssh_wire::Mpint;

/// Reads a public key file; the comment is empty where it has none.
///
/// | format | begins with |
/// | --- | --- |
/// | OpenSSH's line | the key's type, as `ssh-ed25519` |
/// | RFC 4716 | `---- BEGIN SSH2 PUBLIC KEY ----` |
/// | SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) | `-----BEGIN PUBLIC KEY-----` |
/// | PKCS#1 (RFC 8017 §A.1.1) | `-----BEGIN RSA PUBLIC KEY-----` |
///
/// # Errors
///
/// [`KeyError::Unknown`] names a type of key or a curve that is not known here; anything else is [`KeyError::Invalid`].
pub fn read_public_key(bytes: &[u8]) -> Result<(PublicKey, String), KeyError> {
    if bytes.len() > MAX_FILE {
        return Err(KeyError::Invalid("public key file of more than 1 MiB"));
    }
    match Block::find(bytes, |label| matches!(label, SPKI | PKCS1)).map_err(|_| DAMAGED)? {
        Some(block) if block.label == PKCS1 => Ok((rsa(&block.data)?, String::new())),
        Some(block) => Ok((spki(&block.data)?, String::new())),
        None => {
            let text = std::str::from_utf8(bytes).map_err(|_| KeyError::Invalid("not a public key file"))?;
            let line: KeyLine = text.parse()?;
            Ok((line.public_key()?, line.comment))
        }
    }
}

const SPKI: &str = "PUBLIC KEY";
const PKCS1: &str = "RSA PUBLIC KEY";
const DAMAGED: KeyError = KeyError::Invalid("public key file is damaged");

/// `SubjectPublicKeyInfo`.
fn spki(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(bytes).map_err(|_| DAMAGED)?;
    let key = info.subject_public_key.as_bytes().ok_or(DAMAGED)?;
    match info.algorithm.oid {
        RSA => rsa(key),
        EC => ecdsa(info.algorithm, key),
        DSA => dsa(info.algorithm, key),
        ED25519 => key.try_into().map(PublicKey::Ed25519).map_err(|_| DAMAGED),
        oid => Err(KeyError::Unknown(oid.to_string())),
    }
}

/// `RSAPublicKey`.
fn rsa(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let [n, e] = AnyRef::from_der(bytes).and_then(numbers).map_err(|_| DAMAGED)?;
    PublicKey::rsa(Mpint::from_unsigned(e), Mpint::from_unsigned(n))
}

/// RFC 5480 §2: the curve is a parameter, the key a point.
fn ecdsa(algorithm: AlgorithmIdentifierRef<'_>, point: &[u8]) -> Result<PublicKey, KeyError> {
    let oid = algorithm.parameters.ok_or(DAMAGED)?.decode_as::<ObjectIdentifier>().map_err(|_| DAMAGED)?;
    let curve = curve(oid).map_err(|_| KeyError::Unknown(oid.to_string()))?;
    PublicKey::ecdsa(curve, point)
}

/// RFC 3279 §2.3.2: the group is a parameter, the key a number.
fn dsa(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<PublicKey, KeyError> {
    let [p, q, g] = numbers(algorithm.parameters.ok_or(DAMAGED)?).map_err(|_| DAMAGED)?;
    let y = UintRef::from_der(key).map_err(|_| DAMAGED)?;
    PublicKey::dsa([p, q, g, y.as_bytes()].map(Mpint::from_unsigned))
}
