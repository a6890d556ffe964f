//! Sorting in a time and an order of accesses that do not depend on what is sorted: a bitonic network.
//!
//! Such a network compares numbers most often whose places differ in the lowest bit, and least often those that differ in the
//! highest. Here places are counted with their bits in reverse, so that mostly it is whole halves and quarters of the memory
//! that are compared, which vector code does.

use super::poly::P;
use zeroize::Zeroizing;

/// How many bits a place has.
const BITS: u32 = usize::BITS - P.leading_zeros();
const SIZE: usize = 1 << BITS;

/// Sorts upwards.
pub(super) fn sort(numbers: &mut [u32; P]) {
    // What fills it up ends behind all others, or changes places with its equals.
    let mut all = Zeroizing::new([u32::MAX; SIZE]);
    all[..P].copy_from_slice(numbers);
    for run in 1..=BITS {
        // Neighbouring runs of half the length, one up and one down, become one, which is up or down itself.
        complement(&mut all, run);
        (0..run).rev().for_each(|bit| order(&mut all, bit));
        complement(&mut all, run);
    }
    for (at, number) in numbers.iter_mut().enumerate() {
        *number = all[at.reverse_bits() >> (usize::BITS - BITS)];
    }
}

/// Where bit `bit` of a place is 1, makes the highest number the lowest.
fn complement(all: &mut [u32; SIZE], bit: u32) {
    let reverse = SIZE >> (bit + 1);
    for (at, number) in all.iter_mut().enumerate() {
        *number ^= u32::from(at & reverse != 0).wrapping_neg();
    }
}

/// Puts those upwards whose places differ in bit `bit`.
fn order(all: &mut [u32; SIZE], bit: u32) {
    let distance = SIZE >> (bit + 1);
    for block in all.chunks_exact_mut(2 * distance) {
        let (low, high) = block.split_at_mut(distance);
        for (low, high) in low.iter_mut().zip(high) {
            // The highest bit is what is borrowed for high - low: whether low is above. All bits become like it.
            let borrow = (*low & !*high) | ((*low | !*high) & high.wrapping_sub(*low));
            let change = (*low ^ *high) & (borrow as i32 >> 31) as u32;
            *low ^= change;
            *high ^= change;
        }
    }
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
