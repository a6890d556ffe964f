//! RSASSA-PKCS1-v1_5. Private operations are blinded.

mod generate;
mod private;
mod width;

use super::digest;
use crate::{
    Hash, KeyError, PrivateKey, PublicKey, SecureRandom, SignError, SignatureAlgorithm, SigningKey,
    key::{self, MAX_RSA_BITS, MIN_RSA_BITS},
    sign::rsa as shared,
};
use private::{Coefficients, Numbers};
use rsa::{BoxedUint, Pkcs1v15Sign};

/// `rsa-sha2-512` (RFC 8332 §3).
pub static RSA_SHA2_512: &dyn SignatureAlgorithm = &Rsa(Hash::Sha512);
/// `rsa-sha2-256` (RFC 8332 §3).
pub static RSA_SHA2_256: &dyn SignatureAlgorithm = &Rsa(Hash::Sha256);
/// `ssh-rsa` (RFC 4253 §6.6): with SHA-1, which has no collision resistance left; for old peers.
pub static SSH_RSA: &dyn SignatureAlgorithm = &Rsa(Hash::Sha1);

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), verified by `rsa`.
#[derive(Debug)]
struct Rsa(Hash);

impl SignatureAlgorithm for Rsa {
    fn name(&self) -> &'static str {
        shared::name(self.0)
    }

    fn key_type(&self) -> &'static str {
        "ssh-rsa"
    }

    fn is_legacy(&self) -> bool {
        self.0 == Hash::Sha1
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let (e, n) = shared::public(self.0, key)?;
        let signature = shared::padded(signature, n)?;
        let (e, n) = (BoxedUint::from_be_slice_vartime(e), BoxedUint::from_be_slice_vartime(n));
        let key = rsa::PublicKey::new_with_size_limits(n, e, MIN_RSA_BITS..=MAX_RSA_BITS)
            .map_err(|_| KeyError::Invalid("rsa key has an impossible exponent or modulus"))?;
        let digest = digest(self.0, &[message]);
        key.verify(scheme(self.0), &digest, &signature).map_err(|_| SignError::Invalid)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let numbers = shared::private(self.0, key)?;
        let shared::Numbers { e, n, p, q, .. } = numbers;
        let coefficients = consistent(&numbers)?;
        let key =
            private::Key { e: e.into(), n: n.into(), p: strip(p).into(), q: strip(q).into(), coefficients };
        Ok(Box::new(RsaKey { hash: self.0, key }))
    }
}

struct RsaKey {
    hash: Hash,
    key: private::Key,
}

impl SigningKey for RsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = digest(self.hash, &[message]);
        // RFC 8017 §9.2: there is room for it, for no key has less than 1024 bits.
        let mut encoded = vec![0xff; self.key.n.len()];
        let info = [&[0], &*scheme(self.hash).prefix, &digest].concat();
        let at = encoded.len() - info.len();
        encoded[..2].copy_from_slice(&[0, 1]);
        encoded[at..].copy_from_slice(&info);
        self.key.apply(&encoded).ok_or_else(|| SignError::Failed("RSA".to_owned()))
    }
}

fn scheme(hash: Hash) -> Pkcs1v15Sign {
    match hash {
        Hash::Sha512 => Pkcs1v15Sign::new::<sha2::Sha512>(),
        Hash::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
        _ => Pkcs1v15Sign::new::<sha1::Sha1>(),
    }
}

/// What follows from these numbers, if they belong together.
fn consistent(numbers: &shared::Numbers<'_>) -> Result<Coefficients, KeyError> {
    let shared::Numbers { e, n, d, p, q, iqmp } = *numbers;
    let numbers = Numbers { e, n, d: strip(d), p: strip(p), q: strip(q) };
    Coefficients::new(&numbers).filter(|made| made.inverse == strip(iqmp).into()).ok_or(INCONSISTENT)
}

const INCONSISTENT: KeyError = KeyError::Invalid("the numbers of the rsa private key do not belong together");

/// d mod p − 1 and d mod q − 1, if the numbers belong together.
#[cfg(feature = "aws-lc")]
pub(crate) fn crt_exponents(numbers: &shared::Numbers<'_>) -> Result<[crate::Secret; 2], KeyError> {
    consistent(numbers).map(|made| [made.dp, made.dq])
}

fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

/// The key of these numbers, with q⁻¹ mod p computed.
pub(crate) fn from_numbers(e: &[u8], n: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> Result<PrivateKey, KeyError> {
    let [e, n, d, p, q] = [e, n, d, p, q].map(strip);
    key::check_rsa(e, n)?;
    let Coefficients { inverse, .. } = Coefficients::new(&Numbers { e, n, d, p, q }).ok_or(INCONSISTENT)?;
    Ok(PrivateKey::Rsa { e: e.into(), n: n.into(), d: d.into(), p: p.into(), q: q.into(), iqmp: inverse })
}

/// A new key with the public exponent 65537.
pub(crate) fn generate(bits: usize, random: &dyn SecureRandom) -> Result<PrivateKey, KeyError> {
    let generate::Numbers { n, d, p, q } = generate::numbers(bits, random)?;
    from_numbers(&[1, 0, 1], &n, &d, &p, &q)
}
