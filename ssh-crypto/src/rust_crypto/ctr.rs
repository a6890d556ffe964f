//! Counter mode (RFC 4344 §4) from `ctr`.

use crate::{
    PlainCipher, Transform,
    cipher::{Refuse, plain::Plain},
};
use aes::{Aes128, Aes192, Aes256};
use cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;

/// `aes128-ctr`.
pub static AES128_CTR: &dyn PlainCipher = &Plain::ctr("aes128-ctr", 16, 16, keyed::<Ctr128BE<Aes128>>);
/// `aes192-ctr`.
pub static AES192_CTR: &dyn PlainCipher = &Plain::ctr("aes192-ctr", 24, 16, keyed::<Ctr128BE<Aes192>>);
/// `aes256-ctr`.
pub static AES256_CTR: &dyn PlainCipher = &Plain::ctr("aes256-ctr", 32, 16, keyed::<Ctr128BE<Aes256>>);

pub(super) fn keyed<C: KeyIvInit + StreamCipher + Send + 'static>(
    key: &[u8],
    iv: &[u8],
) -> Box<dyn Transform> {
    match C::new_from_slices(key, iv) {
        Ok(stream) => Box::new(Stream(stream)),
        Err(_) => Box::new(Refuse),
    }
}

struct Stream<C>(C);

impl<C: StreamCipher + Send> Transform for Stream<C> {
    fn apply(&mut self, blocks: &mut [u8]) {
        // The key stream ends after 2^64 blocks at the least: no key lives that long.
        if self.0.try_apply_keystream(blocks).is_err() {
            blocks.fill(0);
        }
    }
}
