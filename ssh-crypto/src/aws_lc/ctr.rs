//! Counter mode (RFC 4344 §4) from AWS-LC.

use crate::{
    PlainCipher, Transform,
    cipher::{Refuse, plain::Plain},
};
use aws_lc_rs::{
    cipher::{AES_128, AES_192, AES_256, Algorithm, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};
use zeroize::Zeroize;

/// `aes128-ctr`.
pub static AES128_CTR: &dyn PlainCipher =
    &Plain::ctr("aes128-ctr", 16, BLOCK, |key, iv| keyed(&AES_128, key, iv));
/// `aes192-ctr`.
pub static AES192_CTR: &dyn PlainCipher =
    &Plain::ctr("aes192-ctr", 24, BLOCK, |key, iv| keyed(&AES_192, key, iv));
/// `aes256-ctr`.
pub static AES256_CTR: &dyn PlainCipher =
    &Plain::ctr("aes256-ctr", 32, BLOCK, |key, iv| keyed(&AES_256, key, iv));

const BLOCK: usize = 16;

fn keyed(algorithm: &'static Algorithm, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
    let key = UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr);
    match (key, iv.try_into()) {
        (Ok(key), Ok(iv)) => Box::new(Counter { key, next: u128::from_be_bytes(iv) }),
        _ => Box::new(Refuse),
    }
}

/// The streaming interface of `aws-lc-rs` writes to another buffer than it reads from, so each packet would be copied.
/// The one for whole messages works in place, and as packets are whole blocks, the counter is easily kept here.
struct Counter {
    key: EncryptingKey,
    next: u128,
}

impl Transform for Counter {
    fn apply(&mut self, blocks: &mut [u8]) {
        let context = EncryptionContext::Iv128(FixedLength::from(self.next.to_be_bytes()));
        self.next = self.next.wrapping_add((blocks.len() / BLOCK) as u128);
        if self.key.less_safe_encrypt(blocks, context).is_err() {
            blocks.fill(0);
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.next.zeroize();
    }
}
