//! RSASSA-PKCS1-v1_5. Private operations are blinded.

use super::digest;
use crate::{
    Hash, KeyError, PrivateKey, PublicKey, Secret, SecureRandom, SignError, SignatureAlgorithm, SigningKey,
    key::{self, MAX_RSA_BITS, MIN_RSA_BITS},
    sign::rsa::{self as shared, Numbers},
};
use rand::{SeedableRng, rngs::StdRng};
use rsa::{
    BoxedUint, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey,
    traits::{PrivateKeyParts, PublicKeyParts},
};
use zeroize::Zeroizing;

/// `rsa-sha2-512` (RFC 8332 §3).
pub static RSA_SHA2_512: &dyn SignatureAlgorithm = &Rsa(Hash::Sha512);
/// `rsa-sha2-256` (RFC 8332 §3).
pub static RSA_SHA2_256: &dyn SignatureAlgorithm = &Rsa(Hash::Sha256);
/// `ssh-rsa` (RFC 4253 §6.6): with SHA-1, which has no collision resistance left; for old peers.
pub static SSH_RSA: &dyn SignatureAlgorithm = &Rsa(Hash::Sha1);

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), by `rsa`.
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
        let key = RsaPublicKey::new_with_size_limits(n, e, MIN_RSA_BITS..=MAX_RSA_BITS)
            .map_err(|_| KeyError::Invalid("rsa key has an impossible exponent or modulus"))?;
        let digest = digest(self.0, &[message]);
        key.verify(scheme(self.0), &digest, &signature).map_err(|_| SignError::Invalid)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let key = consistent(&shared::private(self.0, key)?)?;
        Ok(Box::new(RsaKey { hash: self.0, key }))
    }
}

struct RsaKey {
    hash: Hash,
    key: RsaPrivateKey,
}

impl SigningKey for RsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = digest(self.hash, &[message]);
        self.key.sign(scheme(self.hash), &digest).map_err(|error| SignError::Failed(error.to_string()))
    }
}

fn scheme(hash: Hash) -> Pkcs1v15Sign {
    match hash {
        Hash::Sha512 => Pkcs1v15Sign::new::<sha2::Sha512>(),
        Hash::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
        _ => Pkcs1v15Sign::new::<sha1::Sha1>(),
    }
}

/// The key of these numbers, if they belong together.
fn consistent(numbers: &Numbers<'_>) -> Result<RsaPrivateKey, KeyError> {
    let Numbers { e, n, d, p, q, iqmp } = *numbers;
    let key = assemble(e, n, d, p, q)?;
    let computed = key.crt_coefficient().map(Zeroizing::new).ok_or(INCONSISTENT)?;
    let stored = Zeroizing::new(uint(iqmp, computed.bits_precision())?);
    if *computed != *stored {
        return Err(INCONSISTENT);
    }
    Ok(key)
}

const INCONSISTENT: KeyError = KeyError::Invalid("the numbers of the rsa private key do not belong together");

/// d mod p − 1 and d mod q − 1, if the numbers belong together.
#[cfg(feature = "aws-lc")]
pub(crate) fn crt_exponents(numbers: &Numbers<'_>) -> Result<[Secret; 2], KeyError> {
    let key = consistent(numbers)?;
    let (Some(dp), Some(dq)) = (key.dp(), key.dq()) else {
        return Err(INCONSISTENT);
    };
    Ok([secret(dp), secret(dq)])
}

/// Checks n = pq and ed ≡ 1 modulo p − 1 and q − 1.
fn assemble(e: &[u8], n: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> Result<RsaPrivateKey, KeyError> {
    let (p, q) = (strip(p), strip(q));
    if p == q {
        return Err(INCONSISTENT);
    }
    let half = n.len().div_ceil(2);
    let wide = p.len() > half || q.len() > half;
    let bits = key::bit_len(n);
    let number = |bytes| uint(bytes, u32::try_from(bits).map_err(|_| INCONSISTENT)?);
    let (d, primes) = (number(d)?, vec![number(p)?, number(q)?]);
    let (e, n) = (BoxedUint::from_be_slice_vartime(e), BoxedUint::from_be_slice_vartime(n));
    match wide {
        false => RsaPrivateKey::from_components(n, e, d, primes),
        true => RsaPrivateKey::from_components_with_wide_primes(n, e, d, primes),
    }
    .map_err(|_| INCONSISTENT)
}

fn uint(bytes: &[u8], bits: u32) -> Result<BoxedUint, KeyError> {
    BoxedUint::from_be_slice(strip(bytes), bits).map_err(|_| INCONSISTENT)
}

fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

/// The key of these numbers, with q⁻¹ mod p computed.
pub(crate) fn from_numbers(e: &[u8], n: &[u8], d: &[u8], p: &[u8], q: &[u8]) -> Result<PrivateKey, KeyError> {
    let (e, n) = (strip(e), strip(n));
    key::check_rsa(e, n)?;
    export(&assemble(e, n, d, p, q)?)
}

/// A new key with the public exponent 65537.
pub(crate) fn generate(bits: usize, random: &dyn SecureRandom) -> Result<PrivateKey, KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(&mut *seed)?;
    let key = RsaPrivateKey::new(&mut StdRng::from_seed(*seed), bits)
        .map_err(|_| KeyError::Invalid("rsa key generation failed"))?;
    export(&key)
}

fn export(key: &RsaPrivateKey) -> Result<PrivateKey, KeyError> {
    let iqmp = key.crt_coefficient().map(Zeroizing::new).ok_or(INCONSISTENT)?;
    let [p, q] = key.primes() else {
        return Err(INCONSISTENT);
    };
    Ok(PrivateKey::Rsa {
        e: strip(&key.e().to_be_bytes()).to_vec(),
        n: strip(&key.n().to_be_bytes()).to_vec(),
        d: secret(key.d()),
        p: secret(p),
        q: secret(q),
        iqmp: secret(&iqmp),
    })
}

fn secret(number: &BoxedUint) -> Secret {
    let bytes = Zeroizing::new(number.to_be_bytes());
    strip(&bytes).into()
}
