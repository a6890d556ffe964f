//! Counter mode (RFC 4344 §4) from `ctr`.

use crate::{
    PlainCipher, Transform,
    cipher::{Refuse, plain::Plain},
    stack::{CIPHER, on_wiped_stack},
};
use aes::{Aes128, Aes192, Aes256};
use cipher::{Array, KeyIvInit, StreamCipherCore};
use ctr::{CtrCore, flavors::Ctr128BE};

/// `aes128-ctr`.
pub static AES128_CTR: &dyn PlainCipher =
    &Plain::ctr("aes128-ctr", 16, 16, keyed::<CtrCore<Aes128, Ctr128BE>>);
/// `aes192-ctr`.
pub static AES192_CTR: &dyn PlainCipher =
    &Plain::ctr("aes192-ctr", 24, 16, keyed::<CtrCore<Aes192, Ctr128BE>>);
/// `aes256-ctr`.
pub static AES256_CTR: &dyn PlainCipher =
    &Plain::ctr("aes256-ctr", 32, 16, keyed::<CtrCore<Aes256, Ctr128BE>>);

pub(super) fn keyed<C: KeyIvInit + StreamCipherCore + Send + 'static>(
    key: &[u8],
    iv: &[u8],
) -> Box<dyn Transform> {
    match C::new_from_slices(key, iv) {
        Ok(core) => Box::new(Stream(core)),
        Err(_) => Box::new(Refuse),
    }
}

struct Stream<C>(C);

impl<C: StreamCipherCore + Send> Transform for Stream<C> {
    fn apply(&mut self, blocks: &mut [u8]) {
        // A key stream ends after 2^64 blocks at the least, and no key is used for that long.
        let (blocks, rest) = Array::slice_as_chunks_mut(blocks);
        on_wiped_stack::<CIPHER, _>(|| self.0.apply_keystream_blocks(blocks));
        rest.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn keys_are_wiped() {
        wiped::<ctr::Ctr128BE<Aes128>>();
        wiped::<ctr::Ctr128BE<Aes192>>();
        wiped::<ctr::Ctr128BE<Aes256>>();
    }
}
