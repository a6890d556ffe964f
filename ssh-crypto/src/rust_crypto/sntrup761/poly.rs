//! Polynomials modulo x⁷⁶¹ - x - 1, with coefficients modulo 4591 or modulo 3.

use super::field::{invert, mod_3, mod_q};
use std::ops::{Deref, DerefMut};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
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

    fn map(mut self, with: impl Fn(i32) -> i16) -> Self {
        self.iter_mut().for_each(|coefficient| *coefficient = with(i32::from(*coefficient)));
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
        self.map(|x| x as i16 - mod_3(x))
    }

    /// The product modulo q with a polynomial whose coefficients are -1, 0 and 1.
    pub(super) fn mul_small(&self, small: &Self) -> Self {
        self.mul(small, mod_q)
    }

    /// The product modulo 3.
    pub(super) fn mul_mod3(&self, other: &Self) -> Self {
        self.mul(other, mod_3)
    }

    fn mul(&self, small: &Self, reduce: fn(i32) -> i16) -> Self {
        // Sums of at most P products, of which none is over HALF: far below what `reduce` takes.
        let mut product = Zeroizing::new([0_i32; 2 * P]);
        for (at, &factor) in small.iter().enumerate() {
            for (sum, &coefficient) in product[at..at + P].iter_mut().zip(self.iter()) {
                *sum += i32::from(factor) * i32::from(coefficient);
            }
        }
        // x^p = x + 1.
        for at in (P..2 * P - 1).rev() {
            let high = i32::from(reduce(product[at]));
            product[at - P] += high;
            product[at - P + 1] += high;
        }
        let mut result = Self::zero();
        result.iter_mut().zip(product.iter()).for_each(|(to, &sum)| *to = reduce(sum));
        result
    }

    /// The inverse modulo 3, if there is one.
    pub(super) fn invert_mod3(&self) -> Option<Self> {
        let (mut inverse, last, is_there) = self.divide_by_steps(1, |a, x, b, y| mod_3(a * x - b * y));
        // 1 and -1 are their own inverses.
        inverse.iter_mut().for_each(|coefficient| *coefficient *= last);
        bool::from(is_there).then_some(inverse)
    }

    /// 1 / 3f modulo q for this f, which must be short: those all have an inverse, for x⁷⁶¹ - x - 1 is irreducible
    /// modulo q.
    pub(super) fn invert_triple(&self) -> Self {
        const THIRD: i16 = invert(3);
        let (mut inverse, last, _) = self.divide_by_steps(THIRD, |a, x, b, y| mod_q(a * x - b * y));
        let scale = i32::from(invert(last));
        inverse.iter_mut().for_each(|coefficient| *coefficient = mod_q(scale * i32::from(*coefficient)));
        inverse
    }

    /// Euclid's algorithm in a fixed number of steps ("Fast constant-time gcd computation and modular inversion",
    /// Bernstein and Yang 2019, §6), on polynomials that are turned round: `first` times the inverse but for a factor, the
    /// inverse of that factor, and whether there is an inverse.
    fn divide_by_steps(
        &self,
        first: i16,
        combine: impl Fn(i32, i32, i32, i32) -> i16,
    ) -> (Self, i16, Choice) {
        type Row = Zeroizing<[i16; P + 1]>;
        let row = || Row::new([0; P + 1]);
        let (mut f, mut g, mut v, mut r) = (row(), row(), row(), row());
        // 1 - x^(p-1) - x^p.
        (f[0], f[P - 1], f[P]) = (1, -1, -1);
        g.iter_mut().zip(self.iter().rev()).for_each(|(to, &from)| *to = from);
        r[0] = first;
        let mut delta = 1_i32;
        for _ in 0..2 * P - 1 {
            v.copy_within(..P, 1);
            v[0] = 0;
            let swap = (delta as u32 ^ SIGN).ct_gt(&SIGN) & !g[0].ct_eq(&0);
            delta = i32::conditional_select(&delta, &-delta, swap) + 1;
            for (f, g) in f.iter_mut().zip(g.iter_mut()).chain(v.iter_mut().zip(r.iter_mut())) {
                i16::conditional_swap(f, g, swap);
            }
            let (f0, g0) = (i32::from(f[0]), i32::from(g[0]));
            for (&f, g) in f.iter().zip(g.iter_mut()).chain(v.iter().zip(r.iter_mut())) {
                *g = combine(f0, i32::from(*g), g0, i32::from(f));
            }
            g.copy_within(1.., 0);
            g[P] = 0;
        }
        let mut inverse = Self::zero();
        inverse.iter_mut().zip(v[..P].iter().rev()).for_each(|(to, &from)| *to = from);
        (inverse, f[0], delta.ct_eq(&0))
    }
}

/// What turns the order of signed numbers into that of unsigned ones.
const SIGN: u32 = 1 << 31;

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
