//! chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305): the framing, over the primitive of a back end.
//!
//! ```text
//!  packet:  uint32 packet_length | padding_length, payload, padding | tag
//!           `-- under K_1, ----'   `-- under K_2, from block 1 on --'
//!               from block 0
//!           `-------- ciphertext, under Poly1305 keyed with ---------'
//!                     block 0 of the key stream of K_2
//!
//!  key:     K_2, 32 bytes | K_1, 32 bytes               nonce: uint64 sequence number
//! ```

use super::{
    AeadCipher,
    parts::{split, wipe},
    refuse::RefuseAll,
};
use ssh_wire::{Corrupt, Layout, Open, Seal, packet::LENGTH_SIZE};
use std::{fmt, marker::PhantomData};

pub(crate) const KEY_LEN: usize = 64;
pub(crate) const TAG_LEN: usize = 16;

const LAYOUT: Layout =
    Layout { head: LENGTH_SIZE, align: 8, length_aligned: false, tag: TAG_LEN, mask_errors: false };

/// What a back end supplies: both keys, and the order of things.
pub(crate) trait ChaChaKeys: Send + Sized + 'static {
    fn new(key: &[u8; KEY_LEN]) -> Self;
    /// The length in the clear, not authenticated.
    fn length(&self, seq: u32, encrypted: [u8; LENGTH_SIZE]) -> [u8; LENGTH_SIZE];
    /// Encrypts `covered`, the length and the rest, in place and writes the tag over it.
    fn seal(&self, seq: u32, covered: &mut [u8], tag: &mut [u8; TAG_LEN]);
    /// Checks the tag over `covered`, and decrypts what is behind the length in place.
    fn open(&self, seq: u32, covered: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Corrupt>;
}

/// The cipher as it is negotiated.
pub(crate) struct ChaCha20Poly1305<K>(PhantomData<fn() -> K>);

impl<K> ChaCha20Poly1305<K> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K: ChaChaKeys> AeadCipher for ChaCha20Poly1305<K> {
    fn name(&self) -> &'static str {
        "chacha20-poly1305@openssh.com"
    }

    fn key_len(&self) -> usize {
        KEY_LEN
    }

    fn iv_len(&self) -> usize {
        0
    }

    fn opener(&self, key: &[u8], _iv: &[u8]) -> Box<dyn Open> {
        match key.try_into() {
            Ok(key) => Box::new(Keyed(K::new(key))),
            Err(_) => Box::new(RefuseAll(LAYOUT)),
        }
    }

    fn sealer(&self, key: &[u8], _iv: &[u8]) -> Box<dyn Seal> {
        match key.try_into() {
            Ok(key) => Box::new(Keyed(K::new(key))),
            Err(_) => Box::new(RefuseAll(LAYOUT)),
        }
    }
}

impl<K: ChaChaKeys> fmt::Debug for ChaCha20Poly1305<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

struct Keyed<K>(K);

impl<K: ChaChaKeys> Open for Keyed<K> {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    /// Decrypts a copy: the tag covers the ciphertext.
    fn length(&mut self, seq: u32, head: &mut [u8]) -> u32 {
        head.first_chunk().map_or(0, |encrypted| u32::from_be_bytes(self.0.length(seq, *encrypted)))
    }

    fn open(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), Corrupt> {
        let (covered, tag) = split(packet, LAYOUT)?;
        let tag: &[u8; TAG_LEN] = (&*tag).try_into().map_err(|_| Corrupt)?;
        self.0.open(seq, covered, tag)
    }
}

impl<K: ChaChaKeys> Seal for Keyed<K> {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn seal(&mut self, seq: u32, packet: &mut [u8]) {
        match split(packet, LAYOUT).map(|(covered, tag)| (covered, tag.try_into())) {
            Ok((covered, Ok(tag))) => self.0.seal(seq, covered, tag),
            _ => wipe(packet),
        }
    }
}
