//! DSA, for old peers. Nonces are deterministic (RFC 6979).

use super::digest;
use crate::{
    Hash, KeyError, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey, key,
    sign::wrong_key,
    stack::{CURVE, on_wiped_stack},
};
use crypto_bigint::{
    BoxedUint, CtLt, Resize,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use dsa::{Components, Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::ops::{AddAssign, MulAssign, Rem};
use zeroize::Zeroizing;

/// `ssh-dss` (RFC 4253 §6.6): 1024 bits and SHA-1 are out of reach of nobody with means; for old peers.
pub static SSH_DSS: &dyn SignatureAlgorithm = &Dsa;

/// DSA (FIPS 186-4 §4) with SHA-1.
#[derive(Debug)]
struct Dsa;

impl SignatureAlgorithm for Dsa {
    fn name(&self) -> &'static str {
        "ssh-dss"
    }

    fn key_type(&self) -> &'static str {
        "ssh-dss"
    }

    fn is_legacy(&self) -> bool {
        true
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let PublicKey::Dsa { p, q, g, y } = key else {
            return Err(wrong_key(self.name(), key));
        };
        let key = verifying_key(p, q, g, y)?;
        if signature.len() != 2 * HALF {
            return Err(SignError::Invalid);
        }
        let [r, s] = [&signature[..HALF], &signature[HALF..]].map(BoxedUint::from_be_slice_vartime);
        let signature = Signature::from_components(r, s).ok_or(SignError::Invalid)?;
        let digest = digest(Hash::Sha1, &[message]);
        key.verify_prehash(&digest, &signature).map_err(|_| SignError::Invalid)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        let PrivateKey::Dsa { p, q, g, y, x } = key else {
            return Err(wrong_key(self.name(), &key.public_key()));
        };
        let public = verifying_key(p, q, g, y)?;
        on_wiped_stack::<CURVE, _>(|| Ok(Box::new(DsaKey::new(&public, x)?) as _))
    }
}

/// r and s are of 160 bits, whatever their value.
const HALF: usize = 20;

const INCONSISTENT: KeyError = KeyError::Invalid("the numbers of the dsa key do not belong together");

fn verifying_key(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Result<VerifyingKey, KeyError> {
    key::check_dsa(p, q, g, y)?;
    let p = BoxedUint::from_be_slice_vartime(p);
    let bits = p.bits_precision();
    let number = |bytes| BoxedUint::from_be_slice(bytes, bits).map_err(|_| INCONSISTENT);
    let (g, y) = (number(g)?, number(y)?);
    let components = Components::from_components_unchecked(p, BoxedUint::from_be_slice_vartime(q), g);
    VerifyingKey::from_components(components.map_err(|_| INCONSISTENT)?, y).map_err(|_| INCONSISTENT)
}

/// Signs by `crypto-bigint` itself, for the crate `dsa` leaves nonces and their inverses in memory.
struct DsaKey {
    /// Modulo p.
    g: BoxedMontyForm,
    q: BoxedMontyParams,
    x: Zeroizing<[u8; HALF]>,
}

impl DsaKey {
    fn new(key: &VerifyingKey, x: &[u8]) -> Result<Self, KeyError> {
        let components = key.components();
        let p = BoxedMontyParams::new_vartime(components.p().clone());
        let q = components.q().as_ref().to_odd().into_option().ok_or(INCONSISTENT)?;
        let mut padded = Zeroizing::new([0; HALF]);
        padded[HALF.checked_sub(x.len()).ok_or(INCONSISTENT)?..].copy_from_slice(x);
        let pair = Self {
            g: BoxedMontyForm::new(components.g().as_ref().clone(), &p),
            q: BoxedMontyParams::new_vartime(q),
            x: padded,
        };
        let x = pair.scalar(&pair.x).ok_or(INCONSISTENT)?;
        if pair.g.pow(&x).retrieve() != **key.y() {
            return Err(INCONSISTENT);
        }
        Ok(pair)
    }

    /// A number from 1 to q - 1.
    fn scalar(&self, bytes: &[u8; HALF]) -> Option<Zeroizing<BoxedUint>> {
        let q = self.q.modulus();
        let number = Zeroizing::new(BoxedUint::from_be_slice(bytes, q.bits_precision()).ok()?);
        (number.is_nonzero() & number.ct_lt(q)).to_bool().then_some(number)
    }

    fn residue(&self, number: &BoxedUint) -> Zeroizing<BoxedMontyForm> {
        Zeroizing::new(BoxedMontyForm::new(number.clone(), &self.q))
    }

    /// s = (z + x r) / k modulo q. What is inverted, and leaves its traces, is k times a factor that nobody knows.
    fn divide(&self, z: &BoxedUint, r: &BoxedUint, k: &[u8; HALF]) -> Option<BoxedUint> {
        let number = |bytes: &[u8; HALF]| Some(self.residue(&*self.scalar(bytes)?));
        let blind = Candidates::new(k, &self.x).take(MAX_CANDIDATES).find_map(|bytes| number(&bytes))?;
        let blinded_k = Zeroizing::new(number(k)?.mul(&blind));
        let mut sum = Zeroizing::new(number(&self.x)?.mul(&self.residue(r)));
        sum.add_assign(&*self.residue(z));
        sum.mul_assign(&*blind);
        let inverse = blinded_k.invert().into_option()?;
        Some(inverse.mul(&sum).retrieve())
    }
}

impl SigningKey for DsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = digest(Hash::Sha1, &[message]);
        let q = self.q.modulus().as_nz_ref();
        let z = BoxedUint::from_be_slice_vartime(&digest).rem(q);
        on_wiped_stack::<CURVE, _>(|| {
            // Of the candidates for k, how many are not below q says nothing of the one that is.
            for k in Candidates::new(&self.x, &fixed(&z)).take(MAX_CANDIDATES) {
                let Some(scalar) = self.scalar(&k) else { continue };
                // Known to whoever can verify the signature, and so is its remainder.
                let power = self.g.pow(&scalar).retrieve();
                let r = power.rem(q).resize(q.bits_precision());
                let s = self.divide(&z, &r, &k).filter(|s| (r.is_nonzero() & s.is_nonzero()).to_bool());
                if let Some(s) = s {
                    return Ok([fixed(&r), fixed(&s)].concat());
                }
            }
            Err(SignError::Failed("DSA".to_owned()))
        })
    }
}

/// A number below q as it stands in a signature.
fn fixed(number: &BoxedUint) -> [u8; HALF] {
    let bytes = number.to_be_bytes();
    let mut fixed = [0; HALF];
    fixed.copy_from_slice(&bytes[bytes.len() - HALF..]);
    fixed
}

/// At most half of the candidates for a number below q are not: so many in a row that none will do tell of a key that is none.
const MAX_CANDIDATES: usize = 128;

/// What RFC 6979 §3.2 generates from a private key and a digest, by HMAC with SHA-1.
struct Candidates {
    key: Zeroizing<[u8; HALF]>,
    value: Zeroizing<[u8; HALF]>,
}

impl Candidates {
    fn new(x: &[u8; HALF], digest: &[u8; HALF]) -> Self {
        let mut candidates = Self { key: Zeroizing::new([0; HALF]), value: Zeroizing::new([1; HALF]) };
        candidates.update(&[&[0], x, digest]);
        candidates.update(&[&[1], x, digest]);
        candidates
    }

    fn update(&mut self, parts: &[&[u8]]) {
        self.key = self.hmac(parts);
        self.value = self.hmac(&[]);
    }

    /// Of the value and what follows it.
    fn hmac(&self, parts: &[&[u8]]) -> Zeroizing<[u8; HALF]> {
        let mut block = Zeroizing::new([0; 64]);
        block[..HALF].copy_from_slice(&*self.key);
        let mut mac = Hmac::<Sha1>::new((&*block).into());
        mac.update(&*self.value);
        parts.iter().for_each(|part| mac.update(part));
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

impl Iterator for Candidates {
    type Item = Zeroizing<[u8; HALF]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.value = self.hmac(&[]);
        let candidate = self.value.clone();
        self.update(&[&[0]]);
        Some(candidate)
    }
}
