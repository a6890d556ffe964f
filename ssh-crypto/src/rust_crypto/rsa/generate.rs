//! Random primes after FIPS 186-5 §A.1.3, with fixed bits at both ends, and the private exponent, in constant time, by
//! `crypto-bigint` and `crypto-primes`.
//!
//! Every candidate is drawn for itself, and not found by going on from another: the time tells how many were thrown away, and by
//! which test, which says nothing of those that are kept. What is done with these depends on nothing but their size.

use super::width::{at_width, secret};
use crate::{RandomError, Secret, SecureRandom};
use crypto_bigint::{Limb, NonZero, Odd, Reciprocal, U64, Uint, Word};
use crypto_primes::hazmat::MillerRabin;
use std::sync::LazyLock;

/// The modulus, the private exponent and the primes, big-endian.
pub(super) struct Numbers {
    pub(super) n: Vec<u8>,
    pub(super) d: Secret,
    pub(super) p: Secret,
    pub(super) q: Secret,
}

/// New numbers with a modulus of so many bits. If that is odd, p has one bit more than q.
///
/// A source of which no primes can be made is broken, too.
pub(super) fn numbers(bits: usize, random: &dyn SecureRandom) -> Result<Numbers, RandomError> {
    at_width!(bits.div_ceil(16), generate(bits as u32, random)).unwrap_or(Err(RandomError))
}

fn generate<const PRIME: usize, const MODULUS: usize>(
    bits: u32,
    random: &dyn SecureRandom,
) -> Result<Numbers, RandomError> {
    let half = bits / 2;
    let p = prime::<PRIME, MODULUS>(bits - half, random, |_| true)?;
    let q = prime::<PRIME, MODULUS>(half, random, |q| are_far_apart(&p, q, half))?;
    // §A.1.1, 3.
    let d = private_exponent::<PRIME, MODULUS>(&p, &q).filter(|d| d.bit_width() > half).ok_or(RandomError)?;
    let n = p.resize::<MODULUS>().wrapping_mul(&q);
    Ok(Numbers { n: secret(&n).to_vec(), d: secret(&d), p: secret(&p), q: secret(&q) })
}

/// A random prime of so many bits that is accepted and to whose predecessor e is coprime.
fn prime<const PRIME: usize, const MODULUS: usize>(
    bits: u32,
    random: &dyn SecureRandom,
    accept: impl Fn(&Uint<PRIME>) -> bool,
) -> Result<Uint<PRIME>, RandomError> {
    // §A.1.3 has a limit, too. By this one, one search in 2⁸³ ends without a prime.
    for _ in 0..20 * bits {
        let candidate = candidate(bits, random)?;
        if accept(&candidate)
            && candidate.rem_limb(E) != Limb::ONE
            && !has_small_factor(&candidate)
            && is_prime::<PRIME, MODULUS>(&candidate, random)?
        {
            return Ok(candidate);
        }
    }
    Err(RandomError)
}

/// Random bits between the two highest and the two lowest, which are set.
///
/// By the highest, the product of two primes has as many bits as both together. By the lowest, which §A.1.3 lets choose, the
/// Miller-Rabin test is one exponentiation for all of them, and no number of squares behind it.
fn candidate<const LIMBS: usize>(bits: u32, random: &dyn SecureRandom) -> Result<Uint<LIMBS>, RandomError> {
    let ends = Uint::from_u8(3).shl_vartime(bits - 2) | Uint::from_u8(3);
    Ok(number::<LIMBS>(random)?.shr_vartime(Uint::<LIMBS>::BITS - bits) | ends)
}

fn number<const LIMBS: usize>(random: &dyn SecureRandom) -> Result<Uint<LIMBS>, RandomError> {
    let mut bytes = [[0; Limb::BYTES]; LIMBS];
    random.fill(bytes.as_flattened_mut())?;
    Ok(Uint::from_words(bytes.map(Word::from_le_bytes)))
}

/// §A.1.3, 5.5: |p − q| > 2^(nlen/2 − 100).
fn are_far_apart<const LIMBS: usize>(p: &Uint<LIMBS>, q: &Uint<LIMBS>, half: u32) -> bool {
    [p.wrapping_sub(q), q.wrapping_sub(p)].iter().all(|difference| difference.bit_width() > half - 99)
}

/// Trial division, which most candidates do not stand.
fn has_small_factor<const LIMBS: usize>(candidate: &Uint<LIMBS>) -> bool {
    SMALL_PRIMES.iter().any(|prime| candidate.rem_limb_with_reciprocal(prime) == Limb::ZERO)
}

/// The Miller-Rabin test (§B.3.1).
fn is_prime<const PRIME: usize, const MODULUS: usize>(
    candidate: &Uint<PRIME>,
    random: &dyn SecureRandom,
) -> Result<bool, RandomError> {
    let Some(candidate) = Odd::new(*candidate).into_option() else {
        return Ok(false);
    };
    let test = MillerRabin::new(candidate);
    for _ in 0..ROUNDS {
        // The remainder of twice as many bits. To draw until it is below the candidate would tell something of that.
        let base = number::<MODULUS>(random)?.rem(candidate.as_nz_ref());
        if test.test(&base).is_composite() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// e⁻¹ mod λ, which is the least common multiple of p − 1 and q − 1, if e is coprime to it.
fn private_exponent<const PRIME: usize, const MODULUS: usize>(
    p: &Uint<PRIME>,
    q: &Uint<PRIME>,
) -> Option<Uint<MODULUS>> {
    let [p, q] = [p, q].map(|prime| prime.wrapping_sub(&Uint::ONE));
    let divisor = NonZero::new(p.gcd(&q)).into_option()?;
    let lambda = p.wrapping_div(&divisor).resize::<MODULUS>().wrapping_mul(&q);
    // λ = ae + b, so d = (kλ + 1) / e = ka + (kb + 1) / e, with k = −λ⁻¹ mod e.
    let (a, b) = lambda.div_rem_limb(E);
    let (e, b) = (U64::from_word(E.as_ref().0), U64::from_word(b.0));
    let k = e.wrapping_sub(&b.invert_odd_mod(&Odd::new(e).into_option()?).into_option()?);
    let (rest, _) = k.wrapping_mul(&b).wrapping_add(&U64::ONE).div_rem_limb(E);
    Some(a.wrapping_mul(&k).wrapping_add(&rest.resize()))
}

/// The public exponent, a prime.
const E: NonZero<Limb> = NonZero::<Limb>::new_unwrap(Limb(65537));

/// Rounds of the Miller-Rabin test by which one in 2¹²⁸ primes of 1024 bits, and fewer of the larger ones, are none
/// (§C.1). That is of all odd numbers of a size, of which the candidates are a quarter.
const ROUNDS: usize = 6;

/// The odd ones, for trial division.
static SMALL_PRIMES: LazyLock<Vec<Reciprocal>> = LazyLock::new(|| {
    let is_prime =
        |number: &Word| (2..*number).take_while(|of| of * of <= *number).all(|of| !number.is_multiple_of(of));
    let primes = (3..1 << 13).step_by(2).filter(is_prime);
    primes.filter_map(|prime| Limb(prime).to_nz().into_option()).map(Reciprocal::new).collect()
});

#[cfg(test)]
mod tests {
    use super::super::width::limbs;
    use super::*;
    use crate::random::SystemRandom;
    use crypto_primes::hazmat::minimum_mr_iterations;

    #[test]
    fn as_many_rounds_as_their_error_takes() {
        assert_eq!(minimum_mr_iterations(1024, 128 + 2), Some(ROUNDS));
    }

    #[test]
    fn primes_close_to_each_other_are_refused() {
        let p = Uint::<{ limbs(1024) }>::MAX.shr_vartime(1);
        let least = Uint::ONE.shl_vartime(1024 - 99);
        for (q, far) in [(p, false), (p.wrapping_sub(&least), true), (p.wrapping_add(&least), true)] {
            assert_eq!(are_far_apart(&p, &q, 1024), far);
            assert_eq!(are_far_apart(&q, &p, 1024), far);
        }
        for q in [p.wrapping_sub(&least.wrapping_sub(&Uint::ONE)), p.wrapping_add(&Uint::ONE)] {
            assert!(!are_far_apart(&p, &q, 1024));
        }
    }

    /// Has but one prime.
    #[derive(Debug)]
    struct Repeating(Vec<u8>);

    impl SecureRandom for Repeating {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            if bytes.len() != self.0.len() {
                return SystemRandom.fill(bytes);
            }
            bytes.copy_from_slice(&self.0);
            Ok(())
        }
    }

    #[test]
    fn a_source_that_repeats_a_prime_makes_no_key() {
        let prime = numbers(2048, &SystemRandom).unwrap().p;
        let source = Repeating(prime.iter().rev().copied().collect());
        let found = super::prime::<{ limbs(1024) }, { limbs(2048) }>(1024, &source, |_| true);
        assert_eq!(found.map(|found| secret(&found)), Ok(prime));
        assert!(numbers(2048, &source).is_err());
    }
}
