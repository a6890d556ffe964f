//! The inverse modulo 3, on the bits of whole words: 64 coefficients at once.

use super::{
    divstep::{Delta, STEPS},
    poly::{P, Poly},
};
use subtle::Choice;
use zeroize::{Zeroize, ZeroizeOnDrop};

impl Poly {
    /// The inverse modulo 3, if there is one.
    pub(super) fn invert_mod3(&self) -> Option<Self> {
        // 1 - x^(p-1) - x^p.
        let mut f = Row::default();
        [(0, 1), (P - 1, -1), (P, -1)].into_iter().for_each(|(at, x)| f.add(at, x));
        let mut g = Row::default();
        self.iter().rev().enumerate().for_each(|(at, &x)| g.add(at, x));
        let (mut v, mut r) = (Row::default(), Row::default());
        r.add(0, 1);
        let mut delta = Delta::new();
        for _ in 0..STEPS {
            v.multiply_by_x();
            let combine = Combine::new(&mut delta, &f, &g);
            combine.rows(&mut f, &mut g);
            combine.rows(&mut v, &mut r);
            g.divide_by_x();
        }
        // 1 and -1 are their own inverses.
        let mut inverse = Self::zero();
        inverse.iter_mut().rev().enumerate().for_each(|(at, to)| *to = f.get(0) * v.get(at));
        bool::from(delta.is_inverse()).then_some(inverse)
    }
}

/// How many words hold one bit each of p + 1 coefficients.
const WORDS: usize = (P + 1).div_ceil(64);

/// Coefficients of -1, 0 and 1. That at i has its bits in word i mod 12, at place i / 12: to multiply by x is to move words.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Row {
    /// The lower bits: whether it is not 0.
    low: [u64; WORDS],
    /// The upper bits, as in the two's complement: whether it is -1.
    high: [u64; WORDS],
}

impl Row {
    /// Adds `x` to a coefficient that is 0.
    fn add(&mut self, at: usize, x: i16) {
        self.low[at % WORDS] |= (x as u64 & 1) << (at / WORDS);
        self.high[at % WORDS] |= (x as u64 >> 1 & 1) << (at / WORDS);
    }

    fn get(&self, at: usize) -> i16 {
        let [low, high] = [&self.low, &self.high].map(|words| (words[at % WORDS] >> (at / WORDS) & 1) as i16);
        low - 2 * high
    }

    /// What is beyond the last coefficient is lost.
    fn multiply_by_x(&mut self) {
        for words in [&mut self.low, &mut self.high] {
            words.rotate_right(1);
            words[0] <<= 1;
        }
    }

    /// The lowest coefficient is lost.
    fn divide_by_x(&mut self) {
        for words in [&mut self.low, &mut self.high] {
            words[0] >>= 1;
            words.rotate_left(1);
        }
    }
}

/// What a step does to the rows. Each field is all bits, or none.
struct Combine {
    /// Whether they are exchanged.
    swap: u64,
    /// f₀g₀: the lower and the upper bit.
    factor: (u64, u64),
}

impl Combine {
    fn new(delta: &mut Delta, f: &Row, g: &Row) -> Self {
        // A `Choice` hides from the compiler that it is a bit, so that it makes no branch of it.
        let bit = |word: u64| Choice::from((word & 1) as u8);
        let has_lowest = bit(g.low[0]);
        let mask = |choice: Choice| u64::from(choice.unwrap_u8()).wrapping_neg();
        // f₀ is not 0.
        let factor = (mask(has_lowest), mask(has_lowest & bit(f.high[0] ^ g.high[0])));
        Self { swap: mask(delta.step(has_lowest)), factor }
    }

    /// f becomes g or stays, g becomes g - f₀g₀f. If they are exchanged, that is -f₀g₀ times what it would be for the new ones.
    #[inline]
    fn rows(&self, f: &mut Row, g: &mut Row) {
        let f = f.low.iter_mut().zip(&mut f.high);
        let g = g.low.iter_mut().zip(&mut g.high);
        for ((f_low, f_high), (g_low, g_high)) in f.zip(g) {
            let low = *f_low & self.factor.0;
            let high = (*f_high & self.factor.0) ^ (*f_low & self.factor.1);
            let difference = subtract((*g_low, *g_high), (low, high));
            *f_low ^= (*f_low ^ *g_low) & self.swap;
            *f_high ^= (*f_high ^ *g_high) & self.swap;
            (*g_low, *g_high) = difference;
        }
    }
}

/// x - y modulo 3, bit by bit.
#[inline]
fn subtract(x: (u64, u64), y: (u64, u64)) -> (u64, u64) {
    // Not 0 where they differ. Where they do, -1 if y is 1, or if y is 0 and x is -1, or if x is 1 and y is -1.
    let (low, high) = (x.0 ^ y.0, x.1 ^ y.1);
    (low | high, (low ^ y.1) & (x.1 ^ y.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRITS: [i16; 3] = [-1, 0, 1];

    #[test]
    fn coefficients_are_where_they_were_put() {
        let mut row = Row::default();
        (0..=P).for_each(|at| row.add(at, TRITS[at * at % 7 % 3]));
        assert!((0..=P).all(|at| row.get(at) == TRITS[at * at % 7 % 3]));
        row.multiply_by_x();
        assert!(row.get(0) == 0 && (1..=P).all(|at| row.get(at) == TRITS[(at - 1) * (at - 1) % 7 % 3]));
        row.divide_by_x();
        row.divide_by_x();
        assert!((1..=P).all(|at| row.get(at - 1) == TRITS[at * at % 7 % 3]));
    }

    #[test]
    fn rows_are_combined_as_single_numbers_are() {
        // The lowest coefficients, and behind them all pairs that there are.
        let pairs = || TRITS.iter().flat_map(|&x| TRITS.map(|y| (x, y)));
        for (f0, g0) in [-1, 1].iter().flat_map(|&f0| TRITS.map(|g0| (f0, g0))) {
            for delta in [-1, 0, 1] {
                let (mut f, mut g) = (Row::default(), Row::default());
                for (at, (x, y)) in [(f0, g0)].into_iter().chain(pairs().cycle()).take(P).enumerate() {
                    f.add(at, x);
                    g.add(at, y);
                }
                let swap = delta > 0 && g0 != 0;
                let mut delta = Delta::at(delta);
                Combine::new(&mut delta, &f, &g).rows(&mut f, &mut g);
                assert_eq!(g.get(0), 0);
                for (at, (x, y)) in (1..P).zip(pairs().cycle()) {
                    assert_eq!(f.get(at), if swap { y } else { x });
                    assert_eq!((g.get(at) - (y - f0 * g0 * x)) % 3, 0);
                }
            }
        }
    }
}
