//! The inverse modulo 4591.

use super::{
    divstep::{Delta, STEPS},
    field::{Factor, Factors, LANES, invert, mod_q},
    poly::{P, Poly},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Room for p + 1 coefficients.
const ROW: usize = (P + 1).next_multiple_of(LANES);
/// Room for a row that moves by one with each step.
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
    #[inline]
    fn rows(&self, f: &mut [i16], g: &mut [i16], count: usize) {
        let count = count.div_ceil(LANES);
        let (f, g) = (f.as_chunks_mut().0, g.as_chunks_mut().0);
        for (f, g) in f.iter_mut().zip(g).take(count) {
            std::hint::black_box(self).lanes(f, g);
        }
    }

    #[inline]
    fn lanes(&self, f: &mut [i16; LANES], g: &mut [i16; LANES]) {
        for i in 0..LANES {
            let difference = self.f0.times(i, g[i]) - self.g0.times(i, f[i]);
            f[i] ^= (f[i] ^ g[i]) & self.swap;
            g[i] = difference;
        }
    }
}
