//! Streamlined NTRU Prime with p = 761, q = 4591, w = 286: `sntrup761` of "NTRU Prime: round 3" (2020).
//!
//! Nothing takes a time, or reads from a place, that depends on a secret. What is public (public keys and ciphertexts) may.

mod codec;
mod divstep;
mod field;
mod inverse_3;
mod inverse_q;
mod poly;
mod sort;

use crate::{
    Hash, Kem, KexError, RandomError, Secret, SecureRandom,
    agreement::Decapsulate,
    stack::{SNTRUP, on_wiped_stack},
};
use poly::{Poly, W};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// sntrup761.
pub static SNTRUP761: &dyn Kem = &Sntrup761;

#[derive(Debug)]
struct Sntrup761;

/// The ciphertext: the rounded product, and a hash that confirms it.
const CIPHERTEXT: usize = codec::ROUNDED + CONFIRM;
const CONFIRM: usize = 32;

impl Kem for Sntrup761 {
    fn public_len(&self) -> usize {
        codec::RQ
    }

    fn ciphertext_len(&self) -> usize {
        CIPHERTEXT
    }

    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Decapsulate>, KexError> {
        on_wiped_stack::<SNTRUP, _>(|| Ok(Box::new(KeyPair::generate(random)?) as _))
    }

    fn encapsulate(&self, public: &[u8], random: &dyn SecureRandom) -> Result<(Vec<u8>, Secret), KexError> {
        let h = codec::decode_rq(public).ok_or(KexError::PublicValue)?;
        on_wiped_stack::<SNTRUP, _>(|| {
            let r = short(random)?;
            let r_encoded = Zeroizing::new(codec::encode_small(&r));
            let ciphertext = hide(&r, &*r_encoded, &h, &hash(4, &[public]));
            let secret = session(1, &*r_encoded, &ciphertext);
            Ok((ciphertext, secret))
        })
    }
}

struct KeyPair {
    /// Both small and secret.
    f: Poly,
    g_inverse: Poly,
    /// The public key.
    h: Poly,
    public: Vec<u8>,
    /// What stands for r in the secret of a ciphertext that is none.
    rho: Zeroizing<[u8; codec::SMALL]>,
}

impl KeyPair {
    fn generate(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let (g, g_inverse) = loop {
            // That the loop goes round again tells of a g that is thrown away.
            let g = small(random)?;
            if let Some(inverse) = g.invert_mod3() {
                break (g, inverse);
            }
        };
        let f = short(random)?;
        let mut rho = Zeroizing::new([0; codec::SMALL]);
        random.fill(&mut *rho)?;
        Ok(Self::new(f, &g, g_inverse, rho))
    }

    /// h = g / 3f.
    fn new(f: Poly, g: &Poly, g_inverse: Poly, rho: Zeroizing<[u8; codec::SMALL]>) -> Self {
        let h = f.invert_triple().mul_small(g);
        let public = codec::encode_rq(&h);
        Self { f, g_inverse, h, public, rho }
    }
}

impl Decapsulate for KeyPair {
    fn public(&self) -> &[u8] {
        &self.public
    }

    /// A ciphertext that is none leads to a secret that nobody knows (implicit rejection).
    fn decapsulate(self: Box<Self>, ciphertext: &[u8]) -> Result<Secret, KexError> {
        let c = ciphertext.get(..codec::ROUNDED).and_then(codec::decode_rounded);
        let c = c.filter(|_| ciphertext.len() == CIPHERTEXT).ok_or(KexError::PublicValue)?;
        Ok(on_wiped_stack::<SNTRUP, _>(|| {
            let e = c.mul_small(&self.f).triple().mod3();
            let r = fixed_weight(e.mul_mod3(&self.g_inverse));
            let mut r_encoded = Zeroizing::new(codec::encode_small(&r));
            let again = Zeroizing::new(hide(&r, &*r_encoded, &self.h, &hash(4, &[&self.public])));
            let same = again.as_slice().ct_eq(ciphertext);
            for (byte, &other) in r_encoded.iter_mut().zip(self.rho.iter()) {
                *byte = u8::conditional_select(&other, byte, same);
            }
            session(same.unwrap_u8(), &*r_encoded, ciphertext)
        }))
    }
}

/// The ciphertext of r.
fn hide(r: &Poly, r_encoded: &[u8], h: &Poly, public_hash: &[u8; 32]) -> Vec<u8> {
    let mut ciphertext = codec::encode_rounded(&h.mul_small(r).round());
    ciphertext.extend(hash(2, &[&*hash(3, &[r_encoded]), public_hash]).iter());
    ciphertext
}

fn session(prefix: u8, r_encoded: &[u8], ciphertext: &[u8]) -> Secret {
    hash(prefix, &[&*hash(3, &[r_encoded]), ciphertext]).as_slice().into()
}

/// The first half of SHA-512, after a byte that tells what for.
fn hash(prefix: u8, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut all: Vec<&[u8]> = vec![];
    let prefix = [prefix];
    all.push(&prefix);
    all.extend(parts);
    let digest = Hash::Sha512.digest(&all);
    let mut half = Zeroizing::new([0; 32]);
    half.iter_mut().zip(digest.iter()).for_each(|(to, &from)| *to = from);
    half
}

/// A polynomial with coefficients of -1, 0 and 1, uniform but for 2⁻³⁰.
fn small(random: &dyn SecureRandom) -> Result<Poly, RandomError> {
    let mut numbers = numbers(random)?;
    let mut small = Poly::zero();
    for (coefficient, number) in small.iter_mut().zip(numbers.iter_mut()) {
        *coefficient = (((*number & 0x3fff_ffff) * 3) >> 30) as i16 - 1;
    }
    Ok(small)
}

/// One with exactly [`W`] coefficients that are not 0: their places come from sorting random numbers.
fn short(random: &dyn SecureRandom) -> Result<Poly, RandomError> {
    let mut numbers = numbers(random)?;
    for (at, number) in numbers.iter_mut().enumerate() {
        // The two lowest bits become a coefficient: 0 or 2, and 1.
        *number = if at < W { *number & !1 } else { (*number & !3) | 1 };
    }
    sort::sort(&mut numbers);
    let mut short = Poly::zero();
    for (coefficient, &number) in short.iter_mut().zip(numbers.iter()) {
        *coefficient = (number & 3) as i16 - 1;
    }
    Ok(short)
}

fn numbers(random: &dyn SecureRandom) -> Result<Zeroizing<[u32; poly::P]>, RandomError> {
    let mut bytes = [0; 4 * poly::P];
    random.fill(&mut bytes)?;
    let mut numbers = Zeroizing::new([0; poly::P]);
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
        *number = u32::from_le_bytes(*bytes);
    }
    bytes.zeroize();
    Ok(numbers)
}

/// `small` if it has the weight of an r, else one that has.
fn fixed_weight(mut small: Poly) -> Poly {
    let weight: u32 = small.iter().map(|coefficient| u32::from(*coefficient as u16 & 1)).sum();
    let is_right = weight.ct_eq(&(W as u32));
    for (at, coefficient) in small.iter_mut().enumerate() {
        *coefficient = i16::conditional_select(&i16::from(at < W), coefficient, is_right);
    }
    small
}

#[cfg(test)]
mod tests;
