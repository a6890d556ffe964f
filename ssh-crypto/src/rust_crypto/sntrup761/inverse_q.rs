//! The inverse modulo 4591.

use super::{
    divstep::{Delta, STEPS},
    field::{Factor, Factors, LANES, invert, mod_q},
    poly::{P, Poly},
};
use std::hint::black_box;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Room for p + 1 coefficients, in whole [`LANES`].
const ROW: usize = (P + 1).next_multiple_of(LANES);
/// Room for a row that moves by one with each step. There it has as many coefficients as there were steps, or are left.
const PATH: usize = STEPS + LANES - 1;

impl Poly {
    /// 1 / 3f modulo q for this f, which must be short: those all have an inverse, for x⁷⁶¹ - x - 1 is irreducible
    /// modulo q.
    pub(super) fn invert_triple(&self) -> Self {
        const THIRD: i16 = invert(3);
        let (mut f, mut r) = (Zeroizing::new([0; ROW]), Zeroizing::new([0; ROW]));
        let (mut g, mut v) = (Zeroizing::new([0; PATH]), Zeroizing::new([0; PATH]));
        // 1 - x^(p-1) - x^p.
        (f[0], f[P - 1], f[P]) = (1, -1, -1);
        g.iter_mut().zip(self.iter().rev()).for_each(|(to, &from)| *to = from);
        r[0] = THIRD;
        let mut delta = Delta::new();
        for step in 0..STEPS {
            // To divide g by x is to look at it from one further; to multiply v by x, from one before.
            let (g, v) = (&mut g[step..], &mut v[STEPS - 1 - step..]);
            let (f0, g0) = (mod_q(f[0]), mod_q(g[0]));
            let swap = delta.step(!g0.ct_eq(&0));
            let combine = Combine {
                swap: -i16::from(swap.unwrap_u8()),
                f0: Factors::new(Factor::shifted(f0)),
                g0: Factors::new(Factor::shifted(g0)),
            };
            combine.rows(&mut *f, g, (STEPS - step).min(P + 1));
            combine.rows(v, &mut *r, (step + 1).min(P));
        }
        let scale = Factor::new(invert(mod_q(f[0])));
        let mut inverse = Self::zero();
        inverse.iter_mut().zip(v[..P].iter().rev()).for_each(|(to, &from)| *to = mod_q(scale.times(from)));
        inverse
    }
}

/// What a step does to the rows.
struct Combine {
    /// All bits if they are exchanged, or none.
    swap: i16,
    /// The lowest coefficients of f and g.
    f0: Factors,
    g0: Factors,
}

impl Combine {
    /// The first `count` coefficients, and what fills up the last [`LANES`].
    #[inline]
    fn rows(&self, f: &mut [i16], g: &mut [i16], count: usize) {
        let count = count.div_ceil(LANES);
        let (f, g) = (f.as_chunks_mut().0, g.as_chunks_mut().0);
        for (f, g) in f.iter_mut().zip(g).take(count) {
            // A compiler that knew that the factors are the same every time would widen them to 32 bits ahead of the loop, and
            // no longer see that the instruction for the upper halves of 16-bit products is enough: three times the time.
            black_box(self).lanes(f, g);
        }
    }

    /// f becomes g or stays; g becomes f₀g - g₀f, divided by 2¹⁶. If they are exchanged, that is only the negative of
    /// what it would be for the new ones.
    ///
    /// The absolute value of each coefficient is at most 4936, before and after: a product is at most
    /// 4936 · 2295 / 2¹⁶ + 2295.5 < 2469, and g becomes the difference of two.
    #[inline]
    fn lanes(&self, f: &mut [i16; LANES], g: &mut [i16; LANES]) {
        for i in 0..LANES {
            let difference = self.f0.times(i, g[i]) - self.g0.times(i, f[i]);
            f[i] ^= (f[i] ^ g[i]) & self.swap;
            g[i] = difference;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{HALF, Q};
    use super::*;

    #[test]
    fn rows_stay_within_their_bound() {
        const BOUND: i16 = 4936;
        let numbers = [-BOUND, -BOUND + 1, -Q, -HALF, -1, 0, 1, HALF, Q, BOUND - 1, BOUND];
        let factors = [-HALF, -HALF + 1, -1, 0, 1, HALF - 1, HALF];
        for swap in [0, -1] {
            for (f0, g0) in factors.iter().flat_map(|&f0| factors.map(|g0| (f0, g0))) {
                let combine = Combine {
                    swap,
                    f0: Factors::new(Factor::shifted(f0)),
                    g0: Factors::new(Factor::shifted(g0)),
                };
                for (x, y) in numbers.iter().flat_map(|&x| numbers.map(|y| (x, y))) {
                    let (mut f, mut g) = ([x; 2 * LANES], [y; 2 * LANES]);
                    combine.rows(&mut f, &mut g, 1);
                    assert!(f[..LANES] == [if swap == 0 { x } else { y }; LANES]);
                    let expected = i32::from(f0) * i32::from(y) - i32::from(g0) * i32::from(x);
                    for result in &g[..LANES] {
                        assert!(result.abs() <= BOUND);
                        assert_eq!((i64::from(*result) * (1 << 16) - i64::from(expected)) % i64::from(Q), 0);
                    }
                    assert!(f[LANES..] == [x; LANES] && g[LANES..] == [y; LANES]);
                }
            }
        }
    }
}
