//! AES-GCM in OpenSSH's form of RFC 5647 (OpenSSH PROTOCOL §1.6): the framing, over the primitive of a back end.
//!
//! ```text
//!  packet:  uint32 packet_length | padding_length, payload, padding | tag
//!           `--- in the clear --'  `----------- encrypted ----------'
//!           `------------------- authenticated ---------------------'
//!
//!  nonce:   4 bytes, fixed | uint64, one more per packet                    both start as the derived IV
//! ```

#[cfg(test)]
mod tests;

use super::{
    AeadCipher,
    parts::{split, wipe},
    refuse::RefuseAll,
};
use ssh_wire::{Corrupt, Layout, Open, Seal, packet::LENGTH_SIZE};
use std::fmt;

pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;

const LAYOUT: Layout =
    Layout { head: LENGTH_SIZE, align: 16, length_aligned: false, tag: TAG_LEN, mask_errors: false };

/// What a back end supplies: AES-GCM under one key, its schedule expanded.
pub(crate) trait GcmKey: Send + 'static {
    /// Encrypts `body` in place and answers the tag over `length` and the ciphertext.
    fn seal(&self, nonce: [u8; NONCE_LEN], length: &[u8], body: &mut [u8]) -> Result<[u8; TAG_LEN], Corrupt>;
    /// Checks the tag over `length` and `body`, and decrypts `body` in place.
    fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        length: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Corrupt>;
}

/// The cipher as it is negotiated.
pub(crate) struct AesGcm<K> {
    pub(crate) name: &'static str,
    pub(crate) key_len: usize,
    /// Expands a key; `None` if it has another size than `key_len`.
    pub(crate) key: fn(&[u8]) -> Option<K>,
}

impl<K: GcmKey> AesGcm<K> {
    fn keyed(&self, key: &[u8], iv: &[u8]) -> Option<Keyed<K>> {
        Some(Keyed { key: (self.key)(key)?, nonce: iv.try_into().ok()? })
    }
}

impl<K: GcmKey> AeadCipher for AesGcm<K> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn iv_len(&self) -> usize {
        NONCE_LEN
    }

    fn opener(&self, key: &[u8], iv: &[u8]) -> Box<dyn Open> {
        match self.keyed(key, iv) {
            Some(keyed) => Box::new(keyed),
            None => Box::new(RefuseAll(LAYOUT)),
        }
    }

    fn sealer(&self, key: &[u8], iv: &[u8]) -> Box<dyn Seal> {
        match self.keyed(key, iv) {
            Some(keyed) => Box::new(keyed),
            None => Box::new(RefuseAll(LAYOUT)),
        }
    }
}

impl<K> fmt::Debug for AesGcm<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

struct Keyed<K> {
    key: K,
    nonce: [u8; NONCE_LEN],
}

impl<K> Keyed<K> {
    /// The nonce of the next packet.
    fn next_nonce(&mut self) -> [u8; NONCE_LEN] {
        let nonce = self.nonce;
        if let Some(counter) = self.nonce.last_chunk_mut() {
            *counter = u64::from_be_bytes(*counter).wrapping_add(1).to_be_bytes();
        }
        nonce
    }
}

impl<K: GcmKey> Open for Keyed<K> {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn length(&mut self, _seq: u32, head: &mut [u8]) -> u32 {
        head.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    fn open(&mut self, _seq: u32, packet: &mut [u8]) -> Result<(), Corrupt> {
        let nonce = self.next_nonce();
        let (covered, tag) = split(packet, LAYOUT)?;
        let (length, body) = covered.split_at_mut(LENGTH_SIZE);
        let tag: &[u8; TAG_LEN] = (&*tag).try_into().map_err(|_| Corrupt)?;
        self.key.open(nonce, length, body, tag)
    }
}

impl<K: GcmKey> Seal for Keyed<K> {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn seal(&mut self, _seq: u32, packet: &mut [u8]) {
        let nonce = self.next_nonce();
        let sealed = split(packet, LAYOUT).and_then(|(covered, tag)| {
            let (length, body) = covered.split_at_mut(LENGTH_SIZE);
            tag.copy_from_slice(&self.key.seal(nonce, length, body)?);
            Ok(())
        });
        if sealed.is_err() {
            wipe(packet);
        }
    }
}
