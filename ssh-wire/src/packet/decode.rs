//! From the bytes of a socket to payloads, decrypted where they lie.

use super::{
    Clear, Corrupt, Decompress, DecompressError, LENGTH_SIZE, Layout, MAX_PACKET, MIN_PADDING, Open, Usage,
};
use bytes::{Bytes, BytesMut};
use std::{collections::VecDeque, fmt};

/// The size of one receive buffer in bytes, and the room a read gets at least.
const SEGMENT: usize = 256 * 1024;
const MIN_SPACE: usize = 64 * 1024;
/// The same as long as all that arrives at once fits: sessions that are mostly at rest do not need more.
const SMALL_SEGMENT: usize = 16 * 1024;
const SMALL_SPACE: usize = 8 * 1024;
/// Used-up segments kept for when their payloads have been dropped.
const SPARES: usize = 32;

/// One packet's payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The packet's sequence number.
    pub seq: u32,
    /// The payload, decompressed: never empty.
    pub payload: Bytes,
}

impl fmt::Debug for Inbound {
    /// The payload's size alone: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbound({}, {} bytes)", self.seq, self.payload.len())
    }
}

/// Why a stream of packets ended. A decoder that has failed stays failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// `packet_length` is out of bounds or not a multiple of the block size.
    #[error("packet length {0} is invalid")]
    Length(u32),
    /// The MAC or tag does not fit, or the length was wrong in a mode that must not tell which.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The padding is under four bytes or leaves no payload.
    #[error("packet padding of {padding} in a packet of length {length} is invalid")]
    Padding {
        /// `packet_length` in bytes.
        length: u32,
        /// `padding_length` in bytes.
        padding: u8,
    },
    /// The payload can't be decompressed.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
}

/// Cuts a stream of bytes into packets and opens them in place.
///
/// ```text
///            split off as `Bytes`  |<------ filled ------>|<-- space() -->|
///  segment: | payload | payload |  | packet | packet | pa |               |
/// ```
///
/// The caller reads into [`Decoder::space`], says how much with [`Decoder::filled`], and takes packets with
/// [`Decoder::decode`] until it answers `None`.
pub struct Decoder {
    segment: BytesMut,
    filled: usize,
    spares: VecDeque<BytesMut>,
    /// A read has filled all the room it had.
    is_bulk: bool,
    open: Box<dyn Open>,
    layout: Layout,
    decompress: Option<Box<dyn Decompress>>,
    max_packet: usize,
    seq: u32,
    usage: Usage,
    state: State,
}

enum State {
    /// The head of the next packet is awaited.
    Head,
    /// The head was opened; the packet is this many bytes from length to tag.
    Body(usize),
    /// The length or the MAC was bad, but which must not be told: this many bytes are swallowed first.
    Masked(usize),
    Failed(PacketError),
}

impl Decoder {
    /// Starts in the clear at sequence number 0, for packets whose length is at most `max_packet` bytes.
    pub fn new(max_packet: usize) -> Self {
        let open = Box::new(Clear);
        let layout = Open::layout(&*open);
        Self {
            segment: BytesMut::new(),
            filled: 0,
            spares: VecDeque::new(),
            is_bulk: false,
            open,
            layout,
            decompress: None,
            max_packet,
            seq: 0,
            usage: Usage::default(),
            state: State::Head,
        }
    }

    /// Room to read into.
    pub fn space(&mut self) -> &mut [u8] {
        let least = if self.is_bulk { MIN_SPACE } else { SMALL_SPACE };
        let wanted = match self.state {
            State::Body(total) => total.saturating_sub(self.filled).max(least),
            _ => least,
        };
        if self.segment.len() - self.filled < wanted {
            self.next_segment(wanted);
        }
        &mut self.segment[self.filled..]
    }

    /// The first `n` bytes of [`Decoder::space`] have been filled.
    pub fn filled(&mut self, n: usize) {
        self.filled = (self.filled + n).min(self.segment.len());
        self.is_bulk |= n > 0 && self.filled == self.segment.len();
    }

    /// Gives back the memory that no packet lies in: for a stream at rest. With the next [`Decoder::space`] there is new
    /// memory. Does nothing while the rest of a packet is to come.
    pub fn release(&mut self) {
        if self.filled == 0 {
            self.segment = BytesMut::new();
            self.spares = VecDeque::new();
            self.is_bulk = false;
        }
    }

    /// Appends a copy of `bytes`.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let n = space.len().min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            self.filled(n);
            bytes = &bytes[n..];
        }
    }

    /// What was received and not decoded yet; before the first packet this is the identification exchange.
    pub fn buffered(&self) -> &[u8] {
        &self.segment[..self.filled]
    }

    /// Drops the first `n` of the [buffered](Self::buffered) bytes, which are no packet.
    pub fn skip(&mut self, n: usize) {
        let n = n.min(self.filled);
        let _ = self.segment.split_to(n);
        self.filled -= n;
    }

    /// The sequence number of the next packet.
    pub fn seq(&self) -> u32 {
        self.seq
    }

    /// What was received since the keys changed last.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// From the next packet on, opens with `open`; strict kex resets the sequence number as well.
    pub fn set_open(&mut self, open: Box<dyn Open>, reset_seq: bool) {
        self.layout = open.layout();
        self.open = open;
        self.usage = Usage::default();
        if reset_seq {
            self.seq = 0;
        }
    }

    /// From the next packet on, decompresses payloads with `decompress`, or not at all. None becomes larger than a
    /// packet may be.
    pub fn set_decompress(&mut self, decompress: Option<Box<dyn Decompress>>) {
        self.decompress = decompress;
    }

    /// The next packet, or `None` until more bytes have arrived.
    pub fn decode(&mut self) -> Result<Option<Inbound>, PacketError> {
        let result = self.advance();
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    fn advance(&mut self) -> Result<Option<Inbound>, PacketError> {
        if let State::Head = self.state {
            if self.filled < self.layout.head {
                return Ok(None);
            }
            let length = self.open.length(self.seq, &mut self.segment[..self.layout.head]);
            self.state = match self.total(length) {
                Some(total) => State::Body(total),
                None if self.layout.mask_errors => State::Masked(self.largest()),
                None => return Err(PacketError::Length(length)),
            };
        }
        match self.state {
            State::Head => Ok(None),
            State::Body(total) if self.filled < total => Ok(None),
            State::Body(total) => match self.packet(total) {
                // A bad MAC fails where a bad length does, or an attacker who guesses blocks of CBC learns which.
                Err(PacketError::Corrupt(_)) if self.layout.mask_errors => {
                    self.state = State::Masked(self.largest());
                    self.swallow()
                }
                result => result.map(Some),
            },
            State::Masked(_) => self.swallow(),
            State::Failed(error) => Err(error),
        }
    }

    /// Drops what has arrived until as much has as the largest packet has, then fails.
    fn swallow(&mut self) -> Result<Option<Inbound>, PacketError> {
        match self.state {
            State::Masked(left) if self.filled < left => {
                self.state = State::Masked(left - self.filled);
                self.skip(self.filled);
                Ok(None)
            }
            _ => Err(Corrupt.into()),
        }
    }

    /// The size of the largest packet from length to tag, in bytes.
    fn largest(&self) -> usize {
        LENGTH_SIZE + self.max_packet + self.layout.tag
    }

    /// The size of a packet from length to tag, in bytes, if `length` is one that can be.
    fn total(&self, length: u32) -> Option<usize> {
        let Layout { head, align, length_aligned, tag, .. } = self.layout;
        let length = length as usize;
        let aligned = if length_aligned { length.checked_add(LENGTH_SIZE)? } else { length };
        let shortest = (1 + 1 + MIN_PADDING).max(head.saturating_sub(LENGTH_SIZE));
        let valid = (shortest..=self.max_packet).contains(&length) && aligned.is_multiple_of(align);
        valid.then(|| LENGTH_SIZE + length + tag)
    }

    /// Opens the packet of `total` bytes that lies at the front, and cuts out its payload.
    fn packet(&mut self, total: usize) -> Result<Inbound, PacketError> {
        let seq = self.seq;
        self.open.open(seq, &mut self.segment[..total])?;
        let length = total - self.layout.tag - LENGTH_SIZE;
        let padding = self.segment[LENGTH_SIZE];
        // One byte of padding_length, one of payload at least.
        if usize::from(padding) < MIN_PADDING || usize::from(padding) + 1 + 1 > length {
            return Err(PacketError::Padding { length: length as u32, padding });
        }
        let mut packet = self.segment.split_to(total);
        self.filled -= total;
        self.state = State::Head;
        self.usage.count(total);
        self.seq = seq.wrapping_add(1);
        packet.truncate(LENGTH_SIZE + length - usize::from(padding));
        let payload = packet.freeze().slice(LENGTH_SIZE + 1..);
        match &mut self.decompress {
            None => Ok(Inbound { seq, payload }),
            Some(decompress) => {
                let mut plain = Vec::new();
                decompress.decompress(&payload, self.max_packet, &mut plain)?;
                match plain.is_empty() {
                    true => Err(DecompressError::Empty.into()),
                    false => Ok(Inbound { seq, payload: plain.into() }),
                }
            }
        }
    }

    /// Moves the unfinished packet to the front of a segment with `wanted` bytes of room behind it.
    ///
    /// A segment whose payloads were all dropped is used again, so that a steady stream allocates nothing.
    fn next_segment(&mut self, wanted: usize) {
        let least = if self.is_bulk { SEGMENT } else { SMALL_SEGMENT };
        let size = least.max(self.filled + wanted);
        let used = self.spares.iter_mut().position(|spare| {
            spare.clear();
            spare.try_reclaim(size)
        });
        let mut next = used.and_then(|at| self.spares.swap_remove_back(at)).unwrap_or_default();
        next.resize(size, 0);
        next[..self.filled].copy_from_slice(&self.segment[..self.filled]);
        // A segment that was used to its last byte has no capacity left, and yet it is one.
        let spare = std::mem::replace(&mut self.segment, next);
        self.spares.truncate(SPARES - 1);
        self.spares.push_back(spare);
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(MAX_PACKET)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("layout", &self.layout)
            .field("seq", &self.seq)
            .field("buffered", &self.filled)
            .finish_non_exhaustive()
    }
}
