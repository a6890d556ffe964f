//! Sorting in a time and an order of accesses that do not depend on what is sorted: a bitonic network.

use super::poly::P;
use subtle::{ConditionallySelectable, ConstantTimeGreater};
use zeroize::Zeroizing;

/// The next power of two.
const SIZE: usize = P.next_power_of_two();

/// Sorts upwards.
pub(super) fn sort(numbers: &mut [u32; P]) {
    // What fills it up stays at the end, or changes places with its equals.
    let mut all = Zeroizing::new([u32::MAX; SIZE]);
    all[..P].copy_from_slice(numbers);
    let mut run = 2;
    while run <= SIZE {
        let mut distance = run / 2;
        while distance > 0 {
            for at in (0..SIZE).filter(|at| at & distance == 0) {
                let (low, high) = (all[at], all[at | distance]);
                let is_upwards = at & run == 0;
                let swap = if is_upwards { low.ct_gt(&high) } else { high.ct_gt(&low) };
                all[at] = u32::conditional_select(&low, &high, swap);
                all[at | distance] = u32::conditional_select(&high, &low, swap);
            }
            distance /= 2;
        }
        run *= 2;
    }
    numbers.copy_from_slice(&all[..P]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecureRandom, random::SystemRandom};

    #[test]
    fn any_order_becomes_the_one() {
        for mask in [u32::MAX, 0xff, 0x8000_0001] {
            let mut bytes = [0; 4 * P];
            SystemRandom.fill(&mut bytes).unwrap();
            let mut numbers = [0; P];
            for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                *number = u32::from_le_bytes(*bytes) & mask;
            }
            let mut expected = numbers;
            expected.sort_unstable();
            sort(&mut numbers);
            assert!(numbers == expected);
            numbers.reverse();
            sort(&mut numbers);
            assert!(numbers == expected);
        }
    }
}
