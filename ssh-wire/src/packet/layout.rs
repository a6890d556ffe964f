//! What a cipher mode must tell and do for packets to be framed over it.

/// The shape of a packet under one suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes needed before the length of a packet is known: 4, or a whole block where the length is encrypted with
    /// the rest.
    pub head: usize,
    /// Bytes that the encrypted part is a multiple of: the block size, and 8 at least.
    pub align: usize,
    /// Whether the four bytes of `packet_length` count as a part of what is aligned.
    pub length_aligned: bool,
    /// Bytes of MAC or tag behind the padding.
    pub tag: usize,
    /// Whether a bad length must look like a bad MAC (CBC without encrypt-then-MAC): the decoder then reads on to the
    /// maximum packet size before it fails.
    pub mask_errors: bool,
}

/// A packet that failed its integrity check. It tells no more, for an attacker would learn from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packet failed its integrity check")]
pub struct Corrupt;

/// The receiving half of a suite with its keys.
///
/// For each packet the caller calls [`Open::length`] once and then, when the whole packet is there, [`Open::open`]
/// once, with the same sequence number, which goes up by one per packet and wraps. After an error the suite is not
/// used again.
pub trait Open: Send {
    /// The shape of the packets.
    fn layout(&self) -> Layout;

    /// Reads `packet_length` from the first [`Layout::head`] bytes, which may be decrypted in place. What it returns
    /// is not authenticated yet.
    fn length(&mut self, seq: u32, head: &mut [u8]) -> u32;

    /// Checks and decrypts `packet` in place: all of it, from `packet_length` to the tag, the head as
    /// [`Open::length`] left it. The bytes of `packet_length` and the tag may hold anything afterwards.
    fn open(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), Corrupt>;
}

/// The sending half of a suite with its keys.
pub trait Seal: Send {
    /// The shape of the packets.
    fn layout(&self) -> Layout;

    /// Encrypts `packet` in place, from `packet_length` (filled in) to the tag, for which room is left at the end.
    ///
    /// What is in `packet` afterwards is sent, so whoever can't encrypt it wipes it.
    fn seal(&mut self, seq: u32, packet: &mut [u8]);
}

/// No encryption and no MAC: before the first key exchange.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clear;

impl Clear {
    const LAYOUT: Layout = Layout { head: 4, align: 8, length_aligned: true, tag: 0, mask_errors: false };
}

impl Open for Clear {
    fn layout(&self) -> Layout {
        Self::LAYOUT
    }

    fn length(&mut self, _seq: u32, head: &mut [u8]) -> u32 {
        head.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    fn open(&mut self, _seq: u32, _packet: &mut [u8]) -> Result<(), Corrupt> {
        Ok(())
    }
}

impl Seal for Clear {
    fn layout(&self) -> Layout {
        Self::LAYOUT
    }

    fn seal(&mut self, _seq: u32, _packet: &mut [u8]) {}
}
