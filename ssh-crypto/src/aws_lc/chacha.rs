//! chacha20-poly1305@openssh.com from AWS-LC.

use crate::{
    AeadCipher, Corrupt,
    cipher::chacha20_poly1305::{ChaCha20Poly1305, ChaChaKeys, KEY_LEN, TAG_LEN},
};
use aws_lc_rs::aead::chacha20_poly1305_openssh::{OpeningKey, SealingKey};
use ssh_wire::packet::LENGTH_SIZE;

/// `chacha20-poly1305@openssh.com`.
pub static CHACHA20_POLY1305: &dyn AeadCipher = &ChaCha20Poly1305::<Keys>::new();

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
