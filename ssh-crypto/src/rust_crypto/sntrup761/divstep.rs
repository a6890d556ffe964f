//! Euclid's algorithm in a number of steps, and with accesses, that do not depend on what it is given ("Fast constant-time gcd
//! computation and modular inversion", Bernstein and Yang 2019, §5 to 7), for polynomials that are turned round, so that what
//! it looks at are the lowest coefficients.
//!
//! Two rows (f, v) and (g, r) begin as (x⁷⁶¹ - x - 1 turned round, 0) and (what is to be inverted turned round, 1). Each
//! of [`STEPS`] steps multiplies v by x, exchanges the rows if that helps, subtracts a multiple of the first row from
//! the second, so that the lowest coefficient of g becomes 0, and divides g by x. A row may be multiplied by any number but 0.
//! In the end v is the inverse turned round, but for a factor, which is the lowest coefficient of f. That is never 0.
//!
//! Coefficients only ever depend on those of v and r that are as low or lower, and on those of f and g that are lower or as
//! far up as there are steps. So whatever is beyond [`P`](super::poly::P) in v and r, and of f and g beyond the number of
//! steps that are left, may be left out.

use super::poly::P;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// How many steps it takes: the sum of the degrees, p and at most p - 1.
pub(super) const STEPS: usize = 2 * P - 1;

/// The difference of the degrees, as far as it is known.
pub(super) struct Delta(i32);

impl Delta {
    pub(super) fn new() -> Self {
        Self(1)
    }

    /// Begins a step: whether the rows are exchanged. They are if g has the lower degree, and a lowest coefficient.
    pub(super) fn step(&mut self, has_lowest: Choice) -> Choice {
        let is_positive = Choice::from((-self.0 as u32 >> 31) as u8);
        let swap = is_positive & has_lowest;
        self.0 = i32::conditional_select(&self.0, &-self.0, swap) + 1;
        swap
    }

    /// Whether there is an inverse, after all steps.
    pub(super) fn is_inverse(&self) -> Choice {
        self.0.ct_eq(&0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Delta {
        pub(in super::super) fn at(difference: i32) -> Self {
            Self(difference)
        }
    }

    #[test]
    fn rows_are_exchanged_if_the_difference_is_positive() {
        for difference in [-760, -1, 0, 1, 2, 761] {
            for has_lowest in [0, 1] {
                let mut delta = Delta::at(difference);
                let swap = delta.step(has_lowest.into()).unwrap_u8() == 1;
                assert_eq!(swap, difference > 0 && has_lowest == 1);
                assert_eq!(delta.0, 1 + if swap { -difference } else { difference });
            }
        }
    }
}
