//! chacha20-poly1305@openssh.com from `chacha20` and `poly1305`.

use crate::{
    AeadCipher, Corrupt,
    cipher::chacha20_poly1305::{ChaCha20Poly1305, ChaChaKeys, KEY_LEN, TAG_LEN},
    stack::{CHACHA, on_wiped_stack},
};
use chacha20::{ChaCha20Legacy, Key};
use cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use poly1305::{
    Poly1305, Tag,
    universal_hash::{KeyInit, UniversalHash},
};
use ssh_wire::packet::LENGTH_SIZE;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// `chacha20-poly1305@openssh.com`.
pub static CHACHA20_POLY1305: &dyn AeadCipher = &ChaCha20Poly1305::<Keys>::new();

/// The size of a block of the key stream in bytes.
const BLOCK: u64 = 64;

pub(crate) struct Keys {
    /// K_1.
    length: [u8; KEY_LEN / 2],
    /// K_2.
    packet: [u8; KEY_LEN / 2],
}

impl ChaChaKeys for Keys {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        let mut keys = Self { length: [0; KEY_LEN / 2], packet: [0; KEY_LEN / 2] };
        keys.packet.copy_from_slice(&key[..KEY_LEN / 2]);
        keys.length.copy_from_slice(&key[KEY_LEN / 2..]);
        keys
    }

    fn length(&self, seq: u32, mut length: [u8; LENGTH_SIZE]) -> [u8; LENGTH_SIZE] {
        on_wiped_stack::<CHACHA, _>(|| stream(&self.length, seq).apply_keystream(&mut length));
        length
    }

    fn seal(&self, seq: u32, covered: &mut [u8], tag: &mut [u8; TAG_LEN]) {
        on_wiped_stack::<CHACHA, _>(|| {
            let (length, body) = covered.split_at_mut(LENGTH_SIZE);
            stream(&self.length, seq).apply_keystream(length);
            let (mut stream, poly) = self.authenticator(seq);
            stream.apply_keystream(body);
            *tag = compute(poly, covered);
        });
    }

    fn open(&self, seq: u32, covered: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Corrupt> {
        on_wiped_stack::<CHACHA, _>(|| {
            let (mut stream, poly) = self.authenticator(seq);
            if !bool::from(compute(poly, covered).ct_eq(tag)) {
                return Err(Corrupt);
            }
            stream.apply_keystream(&mut covered[LENGTH_SIZE..]);
            Ok(())
        })
    }
}

impl Keys {
    /// The key stream of K_2 from block 1 on, and Poly1305 keyed with block 0.
    fn authenticator(&self, seq: u32) -> (ChaCha20Legacy, Poly1305) {
        let mut stream = stream(&self.packet, seq);
        let mut key = Zeroizing::new([0; 32]);
        stream.apply_keystream(&mut *key);
        stream.seek(BLOCK);
        (stream, Poly1305::new((&*key).into()))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.length.zeroize();
        self.packet.zeroize();
    }
}

fn stream(key: &[u8; KEY_LEN / 2], seq: u32) -> ChaCha20Legacy {
    ChaCha20Legacy::new(<&Key>::from(key), &u64::from(seq).to_be_bytes().into())
}

/// Whole blocks go through the wide implementation, which `compute_unpadded` is not.
fn compute(mut poly: Poly1305, message: &[u8]) -> [u8; TAG_LEN] {
    let (blocks, rest) = Tag::slice_as_chunks(message);
    poly.update(blocks);
    poly.compute_unpadded(rest).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// Compiles for types that wipe their keys only.
    fn wiped<T: ZeroizeOnDrop>() {}

    #[test]
    fn keys_are_wiped() {
        wiped::<ChaCha20Legacy>();
    }
}
