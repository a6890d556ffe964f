//! Numbers of fixed sizes, which are on the stack.

use crate::Secret;
use crypto_bigint::{Limb, Odd, Uint, Word};

/// Does `$run` with the limbs of a prime and of a modulus as its parameters, for the smallest width that has room for primes of
/// `$len` bytes. RSA with 16384 bits has no larger ones, unless one is far larger than the other.
///
/// The KiB of stack to wipe are what was measured in code that is not optimised, the most there is: one for 16 bits, and 8.
macro_rules! at_width {
    ($len:expr, $run:ident $arguments:tt) => {
        at_width!(@ $len, $run $arguments, 1024: 72, 1536: 104, 2048: 136, 4096: 264, 8192: 520)
    };
    (@ $len:expr, $run:ident $arguments:tt, $($bits:literal: $kib:literal),*) => {
        match $len {
            $(len if len <= $bits / 8 => Some($crate::stack::on_wiped_stack::<$kib, _>(|| {
                $run::<{ super::width::limbs($bits) }, { super::width::limbs(2 * $bits) }> $arguments
            })),)*
            _ => None,
        }
    };
}
pub(super) use at_width;

pub(super) const fn limbs(bits: usize) -> usize {
    bits / Limb::BITS as usize
}

pub(super) fn odd<const LIMBS: usize>(bytes: &[u8]) -> Option<Odd<Uint<LIMBS>>> {
    Odd::new(uint(bytes)?).into_option()
}

/// The number of big-endian bytes, if there is room for them.
pub(super) fn uint<const LIMBS: usize>(bytes: &[u8]) -> Option<Uint<LIMBS>> {
    let mut number = Uint::ZERO;
    for (limb, bytes) in number.as_mut_limbs().iter_mut().zip(bytes.rchunks(Limb::BYTES)) {
        *limb = Limb(bytes.iter().fold(0, |word, &byte| word << 8 | Word::from(byte)));
    }
    (bytes.len() <= LIMBS * Limb::BYTES).then_some(number)
}

pub(super) fn secret<const LIMBS: usize>(number: &Uint<LIMBS>) -> Secret {
    super::strip(&number.to_be_bytes()).into()
}
