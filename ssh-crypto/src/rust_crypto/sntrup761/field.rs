//! Numbers modulo 4591 and modulo 3, as those of the smallest absolute value.
//!
//! All of it is arithmetic on `i16`, eight of which the smallest x86-64 does at once: loops over polynomials that call these
//! functions become vector code. No intermediate value leaves its range; a build with debug assertions would stop there.

/// The modulus.
pub(super) const Q: i16 = 4591;
/// Numbers modulo [`Q`] lie between this and its negative.
pub(super) const HALF: i16 = (Q - 1) / 2;

/// `x` modulo [`Q`].
#[inline]
pub(super) const fn mod_q(x: i16) -> i16 {
    /// 1/q, with 27 bits after the point.
    const RECIPROCAL: i16 = (((1 << 27) + Q as i32 / 2) / Q as i32) as i16;
    // x / q, rounded to the nearest: at most 7, so that its product with q fits.
    let quotient = (high(x, RECIPROCAL) + (1 << 10)) >> 11;
    x - quotient * Q
}

/// `x` modulo 3, for an absolute value up to 3072.
#[inline]
pub(super) const fn mod_3(x: i16) -> i16 {
    /// A multiple of 3 that makes every x positive.
    const UP: i16 = 3072;
    /// 1/3, rounded up, with 16 bits after the point. The error of a product with a number up to 2¹³ is less
    /// than 1/3.
    const RECIPROCAL: i16 = ((1 << 16) / 3 + 1) as i16;
    // Dividing x + 1 and rounding down is dividing x and rounding to the nearest.
    x - 3 * (high(x + UP + 1, RECIPROCAL) - UP / 3)
}

/// A number modulo [`Q`] by which many others are multiplied, by Montgomery's method.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    /// At most [`HALF`].
    value: i16,
    /// The value divided by q, modulo 2¹⁶.
    over_q: i16,
}

impl Factor {
    /// Multiplies by `value`, whose absolute value is at most [`HALF`], and divides by 2¹⁶.
    #[inline]
    pub(super) const fn shifted(value: i16) -> Self {
        /// 1/q modulo 2¹⁶, by Newton's method: each step doubles the number of bits that are right, of which the first
        /// guess has 3.
        const INVERSE: i16 = {
            let (mut inverse, mut right) = (Q, 3);
            while right < 16 {
                inverse = inverse.wrapping_mul(2_i16.wrapping_sub(Q.wrapping_mul(inverse)));
                right *= 2;
            }
            inverse
        };
        Self { value, over_q: value.wrapping_mul(INVERSE) }
    }

    /// Multiplies by `value`, whose absolute value is at most [`HALF`].
    pub(super) const fn new(value: i16) -> Self {
        /// 2³² modulo q.
        const SHIFT: i16 = {
            let remainder = (1_i64 << 32) % Q as i64;
            (if remainder > HALF as i64 { remainder - Q as i64 } else { remainder }) as i16
        };
        Self::shifted(mod_q(Self::shifted(SHIFT).times(value)))
    }

    /// `x` multiplied, modulo [`Q`], but not reduced: the absolute value is at most |x| · 2295 / 2¹⁶ + 2295.5.
    #[inline]
    pub(super) const fn times(self, x: i16) -> i16 {
        // A multiple of q, at most q · 2¹⁵, whose lower half is that of x · value: their difference is one of upper halves.
        high(x, self.value) - high(x.wrapping_mul(self.over_q), Q)
    }
}

/// How many numbers are multiplied at once.
pub(super) const LANES: usize = 32;

/// A [`Factor`] of as many numbers, each half beside its like, as vectors are loaded.
pub(super) struct Factors {
    value: [i16; LANES],
    over_q: [i16; LANES],
}

impl Factors {
    pub(super) fn new(factor: Factor) -> Self {
        Self { value: [factor.value; LANES], over_q: [factor.over_q; LANES] }
    }

    /// [`Factor::times`], in lane `i`.
    #[inline]
    pub(super) const fn times(&self, i: usize, x: i16) -> i16 {
        Factor { value: self.value[i], over_q: self.over_q[i] }.times(x)
    }
}

/// 1 / `x` modulo [`Q`], and 0 for 0: x to the power of q - 2, whose bits are public. The absolute value of x is at most
/// [`HALF`].
pub(super) const fn invert(x: i16) -> i16 {
    const POWER: i16 = Q - 2;
    let factor = Factor::new(x);
    let mut power = 1;
    let mut bit = POWER.ilog2() + 1;
    while bit > 0 {
        bit -= 1;
        power = mod_q(Factor::new(power).times(power));
        if POWER >> bit & 1 == 1 {
            power = mod_q(factor.times(power));
        }
    }
    power
}

/// The upper half of a product, rounded down.
#[inline]
const fn high(a: i16, b: i16) -> i16 {
    ((a as i32 * b as i32) >> 16) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it should be, by division.
    fn remainder(x: i32, modulus: i32) -> i32 {
        let half = modulus / 2;
        (x + half).rem_euclid(modulus) - half
    }

    #[test]
    fn remainders_are_right_in_the_whole_range() {
        for x in i16::MIN..=i16::MAX {
            assert_eq!(i32::from(mod_q(x)), remainder(x.into(), Q.into()), "{x}");
        }
        for x in -3072..=3072 {
            assert_eq!(i32::from(mod_3(x)), remainder(x.into(), 3), "{x}");
        }
    }

    #[test]
    fn products_are_right_and_in_their_bounds() {
        let factors = (-HALF..=HALF).step_by(17).chain([-HALF + 1, -1, 0, 1, HALF - 1, HALF]);
        for value in factors {
            let (factor, shifted) = (Factor::new(value), Factor::shifted(value));
            let numbers =
                (i16::MIN..=i16::MAX).step_by(31).chain([i16::MIN, -Q, -HALF, -1, 0, 1, HALF, Q, i16::MAX]);
            for x in numbers {
                let product = i32::from(x) * i32::from(value);
                assert_eq!(i32::from(mod_q(factor.times(x))), remainder(product, Q.into()));
                let back = (i64::from(shifted.times(x)) << 16) - i64::from(product);
                assert_eq!(back % i64::from(Q), 0);
                for product in [factor.times(x), shifted.times(x)] {
                    let bound = (i32::from(x).abs() * i32::from(HALF) + (i32::from(Q) << 15)) >> 16;
                    assert!(i32::from(product).abs() <= bound, "{x} · {value}: {product}");
                }
            }
        }
    }

    #[test]
    fn every_number_has_its_inverse() {
        for x in (-HALF..=HALF).filter(|&x| x != 0) {
            assert_eq!(mod_q(Factor::new(x).times(invert(x))), 1);
        }
        assert_eq!(invert(0), 0);
    }
}
