//! The private operation (RFC 8017 §5.2.1) in constant time, by `crypto-bigint`.
//!
//! The crate `rsa` leaves the primes and what follows from them on the heap. Here numbers have fixed sizes, which puts them
//! on the stack, and that is wiped.

use super::width::{at_width, odd, secret, uint};
use crate::{Secret, SecureRandom, random::SystemRandom};
use crypto_bigint::{
    Limb, NonZero, Odd, U64, Uint,
    modular::{FixedMontyForm, FixedMontyParams},
};

/// The public exponent, the modulus, the private exponent and the primes, big-endian.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    pub(super) e: &'a [u8],
    pub(super) n: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
}

/// What follows from them (RFC 8017 §3.2): d mod p − 1, d mod q − 1 and q⁻¹ mod p.
pub(super) struct Coefficients {
    pub(super) dp: Secret,
    pub(super) dq: Secret,
    pub(super) inverse: Secret,
}

impl Coefficients {
    /// If n = pq and ed ≡ 1 modulo p − 1 and q − 1.
    pub(super) fn new(numbers: &Numbers<'_>) -> Option<Self> {
        at_width!(numbers.p.len().max(numbers.q.len()), coefficients(numbers)).flatten()
    }
}

fn coefficients<const PRIME: usize, const MODULUS: usize>(numbers: &Numbers<'_>) -> Option<Coefficients> {
    let Numbers { e, n, d, p, q } = *numbers;
    let (n, d) = (uint::<MODULUS>(n)?, uint::<MODULUS>(d)?);
    let (p, q) = (odd::<PRIME>(p)?, odd::<PRIME>(q)?);
    let e = uint::<{ U64::LIMBS }>(e)?;
    let exponent = |prime: &Odd<Uint<PRIME>>| {
        let order = NonZero::new(prime.wrapping_sub(&Uint::ONE)).into_option()?;
        let exponent = d.rem(&order);
        let product = exponent.resize::<MODULUS>().wrapping_mul(&e);
        (product.rem(&order) == Uint::ONE).then(|| secret(&exponent))
    };
    if p.resize::<MODULUS>().wrapping_mul(q.as_ref()) != n || p == q {
        return None;
    }
    let inverse = q.rem(p.as_nz_ref()).invert_odd_mod(&p).into_option()?;
    Some(Coefficients { dp: exponent(&p)?, dq: exponent(&q)?, inverse: secret(&inverse) })
}

/// A private key.
pub(super) struct Key {
    pub(super) e: Vec<u8>,
    pub(super) n: Vec<u8>,
    pub(super) p: Secret,
    pub(super) q: Secret,
    pub(super) coefficients: Coefficients,
}

impl Key {
    /// The message, a number below n, to the power of d. No result that the public operation does not undo leaves.
    pub(super) fn apply(&self, message: &[u8]) -> Option<Vec<u8>> {
        at_width!(self.p.len().max(self.q.len()), apply(self, message)).flatten()
    }
}

fn apply<const PRIME: usize, const MODULUS: usize>(key: &Key, message: &[u8]) -> Option<Vec<u8>> {
    let Key { e, n, p, q, coefficients: Coefficients { dp, dq, inverse } } = key;
    let e = uint::<{ U64::LIMBS }>(e)?;
    let public = FixedMontyParams::new_vartime(odd::<MODULUS>(n)?);
    let message = FixedMontyForm::new(&uint(message)?, &public);
    let factor = factor(n.len(), &public)?;
    let blinded = (message * factor.pow_vartime(&e)).retrieve();

    let [mod_p, mod_q] = [odd::<PRIME>(p)?, odd(q)?].map(FixedMontyParams::new);
    let at_p = power(&blinded, dp, &mod_p)?;
    let at_q = power(&blinded, dq, &mod_q)?.retrieve();
    // RFC 8017 §5.1.2, 2.b.
    let difference = at_p - residue(&at_q, &mod_p);
    let h = (difference * residue(&uint::<PRIME>(inverse)?, &mod_p)).retrieve();
    let result = at_q.resize::<MODULUS>().wrapping_add(&h.resize().wrapping_mul(mod_q.modulus().as_ref()));

    let result = FixedMontyForm::new(&result, &public) * factor.invert().into_option()?;
    if result.pow_vartime(&e) != message {
        return None;
    }
    let bytes = result.retrieve().to_be_bytes();
    Some(bytes[bytes.len() - n.len()..].to_vec())
}

/// A number that nobody knows: what is computed with the primes is computed of its product with the message.
fn factor<const LIMBS: usize>(len: usize, public: &FixedMontyParams<LIMBS>) -> Option<FixedMontyForm<LIMBS>> {
    let mut bytes = [[0; Limb::BYTES]; LIMBS];
    let bytes = bytes.as_flattened_mut().get_mut(..len)?;
    SystemRandom.fill(bytes).ok()?;
    Some(residue(&uint::<LIMBS>(bytes)?, public))
}

fn power<const PRIME: usize, const MODULUS: usize>(
    base: &Uint<MODULUS>,
    exponent: &[u8],
    prime: &FixedMontyParams<PRIME>,
) -> Option<FixedMontyForm<PRIME>> {
    let bits = prime.modulus().as_ref().bit_width();
    Some(residue(base, prime).pow_amm_bounded_exp(&uint(exponent)?, bits))
}

fn residue<const LIMBS: usize, const MODULUS: usize>(
    number: &Uint<LIMBS>,
    modulus: &FixedMontyParams<MODULUS>,
) -> FixedMontyForm<MODULUS> {
    FixedMontyForm::new(&number.rem(modulus.modulus().as_nz_ref()), modulus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;

    #[test]
    fn a_fault_leads_to_no_signature() {
        let Ok(PrivateKey::Rsa { e, n, d, p, q, .. }) = super::super::generate(2048, &SystemRandom) else {
            unreachable!()
        };
        let coefficients = Coefficients::new(&Numbers { e: &e, n: &n, d: &d, p: &p, q: &q }).unwrap();
        let mut key = Key { e, n, p, q, coefficients };
        let message = [1; 255];
        assert!(key.apply(&message).is_some());
        let numbers: [fn(&mut Key) -> &mut Secret; 3] =
            [|key| &mut key.coefficients.dp, |key| &mut key.coefficients.dq, |key| &mut key.p];
        for number in numbers {
            let right = number(&mut key).clone();
            let mut wrong = right.to_vec();
            wrong[100] ^= 1;
            *number(&mut key) = wrong.into();
            assert_eq!(key.apply(&message), None);
            *number(&mut key) = right;
        }
    }
}
