//! The inverse modulo 4591.

use super::{
    divstep::{Delta, STEPS},
    field::{Factor, invert, mod_q},
    poly::{P, Poly},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Rows are worked on in multiples of this, which leaves no rest to vector code.
const LANES: usize = 16;
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
                f0: Factor::shifted(f0),
                g0: Factor::shifted(g0),
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
    f0: Factor,
    g0: Factor,
}

impl Combine {
    /// The first `count` coefficients, or some more: f becomes g or stays, g becomes f₀g - g₀f, but for a factor.
    ///
    /// The absolute value of each is at most 4936, before and after: of [`Factor::times`] comes at most 4936 · 2295 / 2¹⁶ +
    /// 2295.5, which is below 2469, and g is the difference of two of them.
    #[inline]
    fn rows(&self, f: &mut [i16], g: &mut [i16], count: usize) {
        let count = count.next_multiple_of(LANES);
        for (f, g) in f[..count].iter_mut().zip(&mut g[..count]) {
            let difference = self.f0.times(*g) - self.g0.times(*f);
            *f ^= (*f ^ *g) & self.swap;
            *g = difference;
        }
    }
}
