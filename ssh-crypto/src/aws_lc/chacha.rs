//! chacha20-poly1305@openssh.com from AWS-LC, or from RustCrypto where that is faster.

use crate::{
    AeadCipher, Corrupt,
    cipher::chacha20_poly1305::{ChaCha20Poly1305, ChaChaKeys, KEY_LEN, TAG_LEN},
    rust_crypto::chacha as rust_crypto,
};
use aws_lc_rs::aead::chacha20_poly1305_openssh::{OpeningKey, SealingKey};
use ssh_wire::packet::LENGTH_SIZE;

/// `chacha20-poly1305@openssh.com`.
pub static CHACHA20_POLY1305: &dyn AeadCipher = &ChaCha20Poly1305::<Fastest>::new();

/// Above this many bytes a packet is worth the wide implementation's setup, 2 µs.
const WIDE: usize = 4096;

struct Fastest {
    keys: Keys,
    wide: Option<rust_crypto::Keys>,
}

/// Whether `chacha20` uses AVX-512, which it does if it was built with the `--cfg` of that name. AWS-LC ends at AVX2.
fn has_avx512() -> bool {
    #[cfg(all(chacha20_avx512, target_arch = "x86_64"))]
    return is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
    #[cfg(not(all(chacha20_avx512, target_arch = "x86_64")))]
    false
}

impl Fastest {
    fn wide(&self, covered: &[u8]) -> Option<&rust_crypto::Keys> {
        self.wide.as_ref().filter(|_| covered.len() > WIDE)
    }
}

impl ChaChaKeys for Fastest {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self { keys: ChaChaKeys::new(key), wide: has_avx512().then(|| ChaChaKeys::new(key)) }
    }

    fn length(&self, seq: u32, encrypted: [u8; LENGTH_SIZE]) -> [u8; LENGTH_SIZE] {
        self.keys.length(seq, encrypted)
    }

    fn seal(&self, seq: u32, covered: &mut [u8], tag: &mut [u8; TAG_LEN]) {
        match self.wide(covered) {
            Some(wide) => wide.seal(seq, covered, tag),
            None => self.keys.seal(seq, covered, tag),
        }
    }

    fn open(&self, seq: u32, covered: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Corrupt> {
        match self.wide(covered) {
            Some(wide) => wide.open(seq, covered, tag),
            None => self.keys.open(seq, covered, tag),
        }
    }
}

struct Keys {
    opening: OpeningKey,
    sealing: SealingKey,
}

impl ChaChaKeys for Keys {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self { opening: OpeningKey::new(key), sealing: SealingKey::new(key) }
    }

    fn length(&self, seq: u32, encrypted: [u8; LENGTH_SIZE]) -> [u8; LENGTH_SIZE] {
        self.opening.decrypt_packet_length(seq, encrypted)
    }

    fn seal(&self, seq: u32, covered: &mut [u8], tag: &mut [u8; TAG_LEN]) {
        self.sealing.seal_in_place(seq, covered, tag);
    }

    fn open(&self, seq: u32, covered: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Corrupt> {
        self.opening.open_in_place(seq, covered, tag).map(|_| ()).map_err(|_| Corrupt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever this processor and build chose, the other one is still used somewhere.
    #[test]
    fn rust_crypto_does_the_same() {
        let key = std::array::from_fn(|at| at as u8);
        let (ours, theirs) = (Keys::new(&key), rust_crypto::Keys::new(&key));
        for (seq, len) in (u32::MAX - 600..).zip((LENGTH_SIZE..600).chain([WIDE, WIDE + 1, 35_000])) {
            let clear: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let (mut packet, mut tag) = (clear.clone(), [0; TAG_LEN]);
            ours.seal(seq, &mut packet, &mut tag);
            let (mut other, mut other_tag) = (clear.clone(), [0; TAG_LEN]);
            theirs.seal(seq, &mut other, &mut other_tag);
            assert!(packet == other && tag == other_tag, "{len} bytes");

            let length = packet[..LENGTH_SIZE].try_into().unwrap();
            assert_eq!(ours.length(seq, length), clear[..LENGTH_SIZE]);
            assert_eq!(theirs.length(seq, length), clear[..LENGTH_SIZE]);
            ours.open(seq, &mut packet, &tag).unwrap();
            theirs.open(seq, &mut other, &tag).unwrap();
            assert_eq!(packet[LENGTH_SIZE..], clear[LENGTH_SIZE..]);
            assert_eq!(other[LENGTH_SIZE..], clear[LENGTH_SIZE..]);
        }
    }
}
