//! From the bytes of a socket to payloads, decrypted where they lie.

use super::{
    Clear, Corrupt, Decompress, DecompressError, LENGTH_SIZE, Layout, MAX_PACKET, MIN_PADDING, Open, Usage,
};
use bytes::{Bytes, BytesMut};
use std::{
    collections::VecDeque,
    fmt, mem,
    ops::{Range, RangeInclusive},
};

/// The size of one receive buffer in bytes, and the room a read gets at least.
const SEGMENT: usize = 256 * 1024;
const MIN_SPACE: usize = 64 * 1024;
/// The same as long as all that arrives at once fits: sessions that are mostly at rest do not need more.
const SMALL_SEGMENT: usize = 16 * 1024;
const SMALL_SPACE: usize = 8 * 1024;
/// Used-up segments kept for when their payloads have been dropped.
const SPARES: usize = 32;
/// The messages of user authentication (RFC 4250 §4.1.2), which may hold passwords.
const AUTHENTICATION: RangeInclusive<u8> = 50..=79;
/// The messages of the connection protocol (RFC 4250 §4.1.2). None of them changes how what follows is opened.
const CONNECTION: RangeInclusive<u8> = 80..=127;

/// One packet's payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The packet's sequence number.
    pub seq: u32,
    /// The payload, decompressed: never empty. That of a message of user authentication is nowhere else, unless it was
    /// compressed: whoever drops the only reference can [wipe it](Bytes::try_into_mut) before.
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
///            shared as `Bytes`     |<------ filled ------>|<-- space() -->|
///  segment: | payload | payload |  | packet | packet | pa |               |
/// ```
///
/// The caller reads into [`Decoder::space`], says how much with [`Decoder::filled`], and takes packets with
/// [`Decoder::decode`] until it answers `None`.
///
/// Packets of the connection protocol that lie together are opened together. If they make up most of a segment they
/// share it whole, and once all of them were dropped it is read into again as it is.
pub struct Decoder {
    /// What is not shared yet, all of it initialised.
    segment: BytesMut,
    /// The segment's size in bytes before any of it was shared.
    size: usize,
    filled: usize,
    /// Packets that were opened and not handed out yet, with their sequence numbers.
    opened: VecDeque<(u32, Payload)>,
    shared: Bytes,
    spares: Vec<Bytes>,
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

/// Where the payload of a packet is.
enum Payload {
    /// In `shared`.
    Shared(Range<usize>),
    /// Here alone.
    Apart(Vec<u8>),
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
            size: 0,
            filled: 0,
            opened: VecDeque::new(),
            shared: Bytes::new(),
            spares: Vec::new(),
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
        if self.segment.len() - self.filled < self.wanted() {
            self.next_segment(0..self.filled);
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
            self.size = 0;
            self.opened.shrink_to_fit();
            self.spares = Vec::new();
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
        self.opened.front().map_or(self.seq, |(seq, _)| *seq)
    }

    /// What was opened since the keys changed last.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// From the next packet on, opens with `open`; strict kex resets the sequence number as well.
    ///
    /// To be called when what was decoded last is no packet of the connection protocol: behind such a one, the next may
    /// be open already.
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
        if self.opened.is_empty()
            && let Err(error) = self.open_all()
        {
            self.state = State::Failed(error);
        }
        let Some((seq, payload)) = self.opened.pop_front() else {
            return match self.state {
                State::Failed(error) => Err(error),
                _ => Ok(None),
            };
        };
        let payload = match payload {
            Payload::Shared(range) => self.shared.slice(range),
            Payload::Apart(payload) => payload.into(),
        };
        if self.opened.is_empty() {
            self.shared = Bytes::new();
        }
        match self.decompress(payload) {
            Ok(payload) => Ok(Some(Inbound { seq, payload })),
            Err(error) => {
                self.state = State::Failed(error.into());
                self.opened.clear();
                Err(error.into())
            }
        }
    }

    fn decompress(&mut self, payload: Bytes) -> Result<Bytes, DecompressError> {
        let Some(decompress) = &mut self.decompress else { return Ok(payload) };
        let mut plain = Vec::new();
        decompress.decompress(&payload, self.max_packet, &mut plain)?;
        if plain.is_empty() { Err(DecompressError::Empty) } else { Ok(plain.into()) }
    }

    /// Opens the packets that are complete, up to one behind which keys or compression may change.
    fn open_all(&mut self) -> Result<(), PacketError> {
        let mut end = 0;
        let result = loop {
            match self.state {
                State::Head if self.filled - end < self.layout.head => break Ok(()),
                State::Head => {
                    let length = self.open.length(self.seq, &mut self.segment[end..][..self.layout.head]);
                    self.state = match self.total(length) {
                        Some(total) => State::Body(total),
                        None if self.layout.mask_errors => State::Masked(self.largest()),
                        None => break Err(PacketError::Length(length)),
                    };
                }
                State::Body(total) if self.filled - end < total => break Ok(()),
                State::Body(total) => match self.open(end..end + total) {
                    Ok(payload) => {
                        let first = self.segment[payload.start];
                        let payload = match AUTHENTICATION.contains(&first) {
                            true => Payload::Apart(self.take_out(payload)),
                            false => Payload::Shared(payload),
                        };
                        self.opened.push_back((self.seq, payload));
                        self.state = State::Head;
                        self.usage.count(total);
                        self.seq = self.seq.wrapping_add(1);
                        end += total;
                        if !CONNECTION.contains(&first) || self.decompress.is_some() {
                            break Ok(());
                        }
                    }
                    // A bad MAC fails where a bad length does, or an attacker who guesses blocks of CBC learns which.
                    Err(PacketError::Corrupt(_)) if self.layout.mask_errors => {
                        self.state = State::Masked(self.largest());
                    }
                    Err(error) => break Err(error),
                },
                State::Masked(_) if end > 0 => break Ok(()),
                State::Masked(left) => break self.swallow(left),
                State::Failed(error) => break Err(error),
            }
        };
        if end > 0 {
            self.share(end);
        }
        result
    }

    /// Drops what has arrived until as much has as the largest packet has, then fails.
    fn swallow(&mut self, left: usize) -> Result<(), PacketError> {
        if self.filled >= left {
            return Err(Corrupt.into());
        }
        self.state = State::Masked(left - self.filled);
        self.skip(self.filled);
        Ok(())
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

    /// Opens the packet that lies there. Answers where its payload is.
    fn open(&mut self, packet: Range<usize>) -> Result<Range<usize>, PacketError> {
        self.open.open(self.seq, &mut self.segment[packet.clone()])?;
        let length = packet.len() - self.layout.tag - LENGTH_SIZE;
        let start = packet.start + LENGTH_SIZE;
        let padding = self.segment[start];
        // One byte of padding_length, one of payload at least.
        if usize::from(padding) < MIN_PADDING || usize::from(padding) + 1 + 1 > length {
            return Err(PacketError::Padding { length: length as u32, padding });
        }
        Ok(start + 1..start + length - usize::from(padding))
    }

    /// The payload, of which nothing is left in the segment.
    fn take_out(&mut self, payload: Range<usize>) -> Vec<u8> {
        let payload = &mut self.segment[payload];
        let taken = payload.to_vec();
        payload.fill(0);
        taken
    }

    /// Shares the first `end` bytes of the segment: it is cut there, or shared whole if little would be left.
    fn share(&mut self, end: usize) {
        self.filled -= end;
        if end < self.size / 2 {
            self.shared = self.segment.split_to(end).freeze();
            return;
        }
        self.shared = self.next_segment(end..end + self.filled);
    }

    /// How much room a read gets at least.
    fn wanted(&self) -> usize {
        let least = if self.is_bulk { MIN_SPACE } else { SMALL_SPACE };
        match self.state {
            State::Body(total) => total.saturating_sub(self.filled).max(least),
            _ => least,
        }
    }

    /// Goes on in another segment, at whose front the unfinished packet is put. Answers the one before.
    ///
    /// The one whose payloads were dropped last is used again, so that a steady stream allocates nothing and stays in the
    /// processor's caches.
    fn next_segment(&mut self, unfinished: Range<usize>) -> Bytes {
        let least = if self.is_bulk { SEGMENT } else { SMALL_SEGMENT };
        let size = least.max(unfinished.len() + self.wanted());
        let unused = self.spares.iter().rposition(Bytes::is_unique).map(|at| self.spares.remove(at));
        let mut next = unused.and_then(|unused| again(unused, size)).unwrap_or_else(|| new(size));
        next[..unfinished.len()].copy_from_slice(&self.segment[unfinished]);
        let used = mem::replace(&mut self.segment, next).freeze();
        if self.size > 0 {
            if self.spares.len() == SPARES {
                self.spares.remove(0);
            }
            self.spares.push(used.clone());
        }
        self.size = self.segment.len();
        used
    }
}

fn new(size: usize) -> BytesMut {
    let mut segment = BytesMut::zeroed(size);
    // Counts references from now on, rather than allocating a count each time it is shared.
    let _ = segment.split_to(0);
    segment
}

/// A segment of which this is the only reference, if it is large enough.
fn again(used: Bytes, size: usize) -> Option<BytesMut> {
    let mut segment = used.try_into_mut().ok()?;
    if segment.len() < size {
        // This is the rest of one that was cut.
        segment.clear();
        if !segment.try_reclaim(size) {
            return None;
        }
        segment.resize(size, 0);
    }
    Some(segment)
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
