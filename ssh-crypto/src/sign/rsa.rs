//! What both back ends share of RSASSA-PKCS1-v1_5 (RFC 4253 §6.6, RFC 8332).

use super::wrong_key;
use crate::{Hash, KeyError, PrivateKey, PublicKey, SignError, key};
use std::borrow::Cow;

/// The name of the algorithm with this hash.
pub(crate) fn name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha512 => "rsa-sha2-512",
        Hash::Sha256 => "rsa-sha2-256",
        _ => "ssh-rsa",
    }
}

/// The numbers e and n of a key that can be.
pub(crate) fn public(hash: Hash, key: &PublicKey) -> Result<(&[u8], &[u8]), SignError> {
    let PublicKey::Rsa { e, n } = key else {
        return Err(wrong_key(name(hash), key));
    };
    key::check_rsa(e, n)?;
    Ok((e, n))
}

/// The signature at the size of the modulus.
///
/// Some signers drop leading zeros, which is tolerated as OpenSSH does; a longer signature never verifies.
pub(crate) fn padded<'a>(signature: &'a [u8], n: &[u8]) -> Result<Cow<'a, [u8]>, SignError> {
    match n.len().checked_sub(signature.len()) {
        None => Err(SignError::Invalid),
        Some(0) => Ok(signature.into()),
        Some(missing) => Ok([&vec![0; missing], signature].concat().into()),
    }
}

/// The numbers of a private key.
pub(crate) struct Numbers<'a> {
    pub(crate) e: &'a [u8],
    pub(crate) n: &'a [u8],
    pub(crate) d: &'a [u8],
    pub(crate) p: &'a [u8],
    pub(crate) q: &'a [u8],
    pub(crate) iqmp: &'a [u8],
}

/// The numbers of a private key whose public half can be.
pub(crate) fn private(hash: Hash, key: &PrivateKey) -> Result<Numbers<'_>, SignError> {
    let PrivateKey::Rsa { e, n, d, p, q, iqmp } = key else {
        return Err(wrong_key(name(hash), &key.public_key()));
    };
    key::check_rsa(e, n)?;
    if [d, p, q, iqmp].into_iter().any(|number| number.len() > n.len()) {
        return Err(KeyError::Invalid("rsa private key has a number above its modulus").into());
    }
    Ok(Numbers { e, n, d, p, q, iqmp })
}
