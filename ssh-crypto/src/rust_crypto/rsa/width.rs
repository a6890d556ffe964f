//! Numbers of fixed sizes, which are on the stack.

use crate::Secret;
use crypto_bigint::{Limb, Odd, Uint};

/// Does `$run` with the limbs of a prime and of a modulus as its parameters, for the smallest width that has room for primes of
/// `$len` bytes. RSA with 16384 bits has no larger ones, unless one is far larger than the other.
///
/// So many KiB of stack are wiped: a sixth more at the least than was measured in code that is not optimised, up to 4096 bits.
macro_rules! at_width {
    ($len:expr, $run:ident $arguments:tt) => {
        at_width!(@ $len, $run $arguments, 1024, 1536, 2048, 4096, 8192)
    };
    (@ $len:expr, $run:ident $arguments:tt, $($bits:literal),*) => {
        match $len {
            $(len if len <= $bits / 8 => Some($crate::stack::on_wiped_stack::<{ $bits / 32 + 8 }, _>(|| {
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
    let bits = Uint::<LIMBS>::BITS;
    (bytes.len() <= bits as usize / 8).then(|| Uint::from_be_slice_truncated(bytes, bits))
}

pub(super) fn secret<const LIMBS: usize>(number: &Uint<LIMBS>) -> Secret {
    super::strip(&number.to_be_bytes()).into()
}
