//! Polynomials modulo x⁷⁶¹ - x - 1, with coefficients modulo 4591 or modulo 3.

use super::field::{mod_3, mod_q};
use std::ops::{Deref, DerefMut};
use zeroize::{Zeroize, Zeroizing};

/// The degree.
pub(super) const P: usize = 761;
/// How many coefficients of a short polynomial are not 0.
pub(super) const W: usize = 286;

/// The lowest coefficient first. It is wiped when it is dropped.
#[derive(Clone)]
pub(super) struct Poly(Box<[i16; P]>);

impl Poly {
    pub(super) fn zero() -> Self {
        Self(Box::new([0; P]))
    }

    fn map(mut self, with: impl Fn(i16) -> i16) -> Self {
        self.iter_mut().for_each(|coefficient| *coefficient = with(*coefficient));
        self
    }

    /// Three times as much, modulo q.
    pub(super) fn triple(self) -> Self {
        self.map(|x| mod_q(3 * x))
    }

    /// Each coefficient, of those of the smallest absolute value, modulo 3.
    pub(super) fn mod3(self) -> Self {
        self.map(mod_3)
    }

    /// Each coefficient to the nearest multiple of 3.
    pub(super) fn round(self) -> Self {
        self.map(|x| x - mod_3(x))
    }

    /// The product modulo 3, both being small.
    pub(super) fn mul_mod3(&self, other: &Self) -> Self {
        // A coefficient is the sum of at most 2p = 1522 products, see the end of `mul_small`: modulo q it is what it is.
        self.mul_small(other).mod3()
    }

    /// The product modulo q with a polynomial whose coefficients are -1, 0 and 1.
    pub(super) fn mul_small(&self, small: &Self) -> Self {
        /// How many coefficients of `small` are taken at once: 9 numbers up to 2295 have a sum below 2¹⁵.
        const AT_ONCE: usize = 8;
        /// How many coefficients of the product these touch.
        const TOUCHED: usize = P + AT_ONCE - 1;
        let mut padded = Zeroizing::new([0; AT_ONCE - 1 + TOUCHED]);
        padded[AT_ONCE - 1..][..P].copy_from_slice(&self[..]);
        let mut product = Zeroizing::new([0; 2 * TOUCHED]);
        for (at, some) in small.chunks(AT_ONCE).enumerate() {
            let mut factors = [0; AT_ONCE];
            factors[..some.len()].copy_from_slice(some);
            let sums = &mut product[at * AT_ONCE..][..TOUCHED];
            for (at, sum) in sums.iter_mut().enumerate() {
                let mut more = *sum;
                for (back, factor) in factors.iter().enumerate() {
                    more += factor * padded[at + AT_ONCE - 1 - back];
                }
                *sum = mod_q(more);
            }
            factors.zeroize();
        }
        // x^p = x + 1: three coefficients meet, where p - 1 - i, i + 1 and p - i products were added, up to all but one.
        let mut result = Self::zero();
        let (low, high) = product.split_at(P);
        for (to, (&low, &high)) in result.iter_mut().zip(low.iter().zip(high)) {
            *to = low + high;
        }
        for (to, &high) in result[1..].iter_mut().zip(high) {
            *to += high;
        }
        result.map(mod_q)
    }
}

impl Deref for Poly {
    type Target = [i16; P];

    fn deref(&self) -> &[i16; P] {
        &self.0
    }
}

impl DerefMut for Poly {
    fn deref_mut(&mut self) -> &mut [i16; P] {
        &mut self.0
    }
}

impl Drop for Poly {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{HALF, Q};
    use super::super::tests::{coefficients, poly, slow_product};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn products_are_those_of_school(a in coefficients(HALF), b in coefficients(1), c in coefficients(1)) {
            let [a, b, c] = [a, b, c].map(poly);
            prop_assert!(*a.mul_small(&b) == *slow_product(&a, &b, Q.into()));
            prop_assert!(*c.mul_mod3(&b) == *slow_product(&c, &b, 3));
        }
    }

    #[test]
    fn the_largest_products_are_those_of_school() {
        for x in [-HALF, HALF] {
            for y in [-1, 1] {
                let (a, b) = (poly([x; P]), poly([y; P]));
                assert!(*a.mul_small(&b) == *slow_product(&a, &b, Q.into()));
                let a = poly([x.signum(); P]);
                assert!(*a.mul_mod3(&b) == *slow_product(&a, &b, 3));
            }
        }
    }

    #[test]
    fn coefficients_are_tripled_and_rounded() {
        for x in -HALF..=HALF {
            let poly = || poly([x]);
            let (rounded, triple) = (poly().round()[0], poly().triple()[0]);
            assert!(rounded % 3 == 0 && (rounded - x).abs() <= 1);
            assert!(triple.abs() <= HALF && (triple - 3 * x) % Q == 0);
        }
    }
}
