//! Numbers modulo 4591 and modulo 3, as those of the smallest absolute value.

/// The modulus.
pub(super) const Q: i32 = 4591;
/// Numbers modulo [`Q`] lie between this and its negative.
pub(super) const HALF: i32 = (Q - 1) / 2;

/// `x` modulo [`Q`], for an absolute value up to 2 · [`HALF`]². Division by multiplication, each step with more bits of
/// 1/q than the one before, so that none overflows.
pub(super) const fn mod_q(x: i32) -> i16 {
    const fn reciprocal(bits: u32) -> i32 {
        ((1 << bits) + Q / 2) / Q
    }
    let x = x - Q * ((reciprocal(16) * x) >> 16);
    let x = x - Q * ((reciprocal(20) * x) >> 20);
    (x - Q * ((reciprocal(28) * x + (1 << 27)) >> 28)) as i16
}

/// `x` modulo 3, for an absolute value up to 2¹⁴.
pub(super) const fn mod_3(x: i32) -> i16 {
    const RECIPROCAL: i32 = (1 << 16) / 3;
    (x - 3 * ((RECIPROCAL * x + (1 << 15)) >> 16)) as i16
}

/// 1 / `x` modulo [`Q`], and 0 for 0: x to the power of q - 2, whose bits are public.
pub(super) const fn invert(x: i16) -> i16 {
    let mut power = x;
    let mut n = 1;
    while n < Q - 2 {
        power = mod_q(power as i32 * x as i32);
        n += 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_right_in_the_whole_range() {
        const MAX: i32 = 2 * HALF * HALF;
        let check = |x: i32| {
            let r = i32::from(mod_q(x));
            assert!((-HALF..=HALF).contains(&r) && (x - r) % Q == 0, "{x}: {r}");
        };
        (-MAX..=MAX).step_by(7).for_each(check);
        (0..=MAX / Q)
            .flat_map(|n| [n * Q + HALF, n * Q + HALF + 1, -n * Q - HALF])
            .filter(|x| x.abs() <= MAX)
            .for_each(check);
        for x in -(1 << 14)..=1 << 14 {
            let r = i32::from(mod_3(x));
            assert!((-1..=1).contains(&r) && (x - r) % 3 == 0, "{x}: {r}");
        }
    }

    #[test]
    fn every_number_has_its_inverse() {
        for x in 1..=HALF as i16 {
            assert_eq!(mod_q(i32::from(x) * i32::from(invert(x))), 1);
        }
        assert_eq!(invert(0), 0);
    }
}
