//! From messages to sealed packets, in one buffer.

use super::{Clear, Compress, LENGTH_SIZE, Layout, MAX_PACKET, MIN_PADDING, Seal};
use crate::{Encode, LOG_TARGET, Message, Shown, number};
use std::fmt;

/// `packet_length` and `padding_length`.
const HEADER: usize = LENGTH_SIZE + 1;
/// Room for a packet that is begun, in bytes, and for what is put around its payload.
const RESERVED: usize = 4096;
/// Up to this multiple a payload's size can be hidden, in bytes: padding is 255 bytes at most, and aligned.
const MAX_HIDE: usize = 128;

/// What was sent or received under one set of keys; it drives rekeying (RFC 4253 §9, RFC 4344 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Packets.
    pub packets: u64,
    /// Bytes, headers, padding and tags included.
    pub bytes: u64,
}

impl Usage {
    pub(super) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// Fills the padding of one packet.
type Padding = Box<dyn FnMut(&mut [u8]) + Send>;

/// Seals packets, one behind the other, into a buffer that is written to the socket as a whole.
///
/// ```text
///  out: | sealed packet | sealed packet | .....payload being written →
///                                       `- 5 bytes kept for the header
/// ```
pub struct Encoder {
    /// See [`Encoder::set_name`].
    name: &'static str,
    out: Vec<u8>,
    seal: Box<dyn Seal>,
    layout: Layout,
    compression: Compression,
    /// A payload, compressed; kept for the next one.
    compressed: Vec<u8>,
    authenticated: bool,
    seq: u32,
    usage: Usage,
    padding: Padding,
}

/// What happens to payloads before they are sealed.
enum Compression {
    Off,
    /// Off until USERAUTH_SUCCESS.
    Delayed(Box<dyn Compress>),
    On(Box<dyn Compress>),
}

impl Encoder {
    /// Starts in the clear at sequence number 0. `padding` fills the padding of each packet, which should be random
    /// (RFC 4253 §6).
    pub fn new(padding: impl FnMut(&mut [u8]) + Send + 'static) -> Self {
        let seal = Box::new(Clear);
        let layout = seal.layout();
        Self {
            name: "Encoder",
            out: Vec::new(),
            seal,
            layout,
            compression: Compression::Off,
            compressed: Vec::new(),
            authenticated: false,
            seq: 0,
            usage: Usage::default(),
            padding: Box::new(padding),
        }
    }

    /// What the log calls this side.
    pub fn set_name(&mut self, name: &'static str) {
        self.name = name;
    }

    /// Begins a packet. It is sent by [`Packet::send`], and forgotten when dropped.
    pub fn packet(&mut self) -> Packet<'_> {
        self.out.reserve(RESERVED);
        let start = self.out.len();
        self.out.extend_from_slice(&[0; HEADER]);
        Packet { encoder: self, start, hide: 1, sent: false }
    }

    /// Appends bytes that are no packet: the identification string.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// What waits to be written to the socket.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// The bytes that wait to be written.
    pub fn pending(&self) -> usize {
        self.out.len()
    }

    /// The sequence number of the next packet.
    pub fn seq(&self) -> u32 {
        self.seq
    }

    /// What was sent since the keys changed last.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// From the next packet on, seals with `seal`; strict kex resets the sequence number as well.
    pub fn set_seal(&mut self, seal: Box<dyn Seal>, reset_seq: bool) {
        self.layout = seal.layout();
        self.seal = seal;
        self.usage = Usage::default();
        if reset_seq {
            self.seq = 0;
        }
    }

    /// From the next packet on, compresses payloads with `compress`, or not at all. If it is `delayed`, it begins once
    /// the user is [authenticated](Encoder::authenticated).
    pub fn set_compress(&mut self, compress: Option<Box<dyn Compress>>, delayed: bool) {
        self.compression = match compress {
            None => Compression::Off,
            Some(compress) if delayed && !self.authenticated => Compression::Delayed(compress),
            Some(compress) => Compression::On(compress),
        };
    }

    /// The user is authenticated: compression that was delayed begins with the next packet. A server need not call
    /// this, for to send USERAUTH_SUCCESS does the same.
    pub fn authenticated(&mut self) {
        self.authenticated = true;
        self.compression = match std::mem::replace(&mut self.compression, Compression::Off) {
            Compression::Delayed(compress) => Compression::On(compress),
            other => other,
        };
    }

    /// Whether USERAUTH_SUCCESS was sent, or [`Encoder::authenticated`] called.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Puts the compressed payload in the place of the payload that stands behind `start`.
    fn compress_from(&mut self, start: usize) {
        let Compression::On(compress) = &mut self.compression else { return };
        let payload = start + HEADER;
        // A payload may hold a password: no copy stays behind in a buffer that grew, nor where nothing is sealed.
        self.compressed.reserve(self.out.len() - payload + RESERVED);
        compress.compress(&self.out[payload..], &mut self.compressed);
        self.out[payload..].fill(0);
        self.out.truncate(payload);
        self.out.extend_from_slice(&self.compressed);
        self.compressed.fill(0);
        self.compressed.clear();
    }

    /// Frames and seals what stands in the buffer from `start` on; its size tells that of the payload up to the next
    /// multiple of `hide`.
    fn seal_from(&mut self, start: usize, hide: usize) {
        let Layout { align, length_aligned, tag, .. } = self.layout;
        let payload = self.out.len() - start - HEADER;
        let wanted = payload.next_multiple_of(hide) - payload + MIN_PADDING;
        let aligned = wanted + payload + if length_aligned { HEADER } else { 1 };
        let padding = wanted + (align - aligned % align) % align;

        let padding_at = self.out.len();
        self.out.resize(padding_at + padding + tag, 0);
        (self.padding)(&mut self.out[padding_at..padding_at + padding]);
        let length = (1 + payload + padding) as u32;
        self.out[start..start + LENGTH_SIZE].copy_from_slice(&length.to_be_bytes());
        self.out[start + LENGTH_SIZE] = padding as u8;

        let packet = &mut self.out[start..];
        self.seal.seal(self.seq, packet);
        self.usage.count(packet.len());
        self.seq = self.seq.wrapping_add(1);
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("layout", &self.layout)
            .field("seq", &self.seq)
            .field("pending", &self.out.len())
            .finish_non_exhaustive()
    }
}

/// A packet whose payload is being written.
#[must_use = "a packet that is not sent is dropped"]
pub struct Packet<'a> {
    encoder: &'a mut Encoder,
    start: usize,
    hide: usize,
    sent: bool,
}

impl Packet<'_> {
    /// The most payload that one packet carries, in bytes.
    pub const MAX_PAYLOAD: usize = MAX_PACKET - 1 - u8::MAX as usize;

    /// Makes room for so many bytes of payload. One that carries a secret must not be longer: a buffer that grew under a
    /// password would leave a copy of it behind. There is room for 2 KiB unasked.
    pub fn reserve(&mut self, bytes: usize) {
        self.encoder.out.reserve(bytes + RESERVED);
    }

    /// Appends to the payload.
    pub fn push(&mut self, value: &(impl Encode + ?Sized)) {
        value.encode(&mut self.encoder.out);
    }

    /// The payload so far, in bytes.
    pub fn payload(&self) -> &[u8] {
        &self.encoder.out[self.start + HEADER..]
    }

    /// Pads the packet so that its size does not tell the payload's, but only the next `multiple` of bytes it fits in:
    /// for passwords. At most 128 bytes can be hidden.
    pub fn hide_length(&mut self, multiple: usize) {
        self.hide = multiple.clamp(1, MAX_HIDE);
    }

    /// Pads, seals and queues the packet; answers its sequence number.
    ///
    /// An empty payload, or one over [`Packet::MAX_PAYLOAD`], is a fault of the caller: the packet is dropped.
    pub fn send(mut self) -> u32 {
        let seq = self.encoder.seq;
        debug_assert!((1..=Self::MAX_PAYLOAD).contains(&self.payload().len()));
        if (1..=Self::MAX_PAYLOAD).contains(&self.payload().len()) {
            log::trace!(target: LOG_TARGET, "{}: sent {}", self.encoder.name, Shown(self.payload()));
            let is_success = self.payload().first() == Some(&number::USERAUTH_SUCCESS);
            self.encoder.compress_from(self.start);
            self.encoder.seal_from(self.start, self.hide);
            self.sent = true;
            if is_success {
                self.encoder.authenticated();
            }
        }
        seq
    }

    /// Writes one message and sends it; answers its sequence number.
    pub fn send_message(mut self, message: &impl Message) -> u32 {
        self.push(message);
        self.send()
    }
}

impl Drop for Packet<'_> {
    fn drop(&mut self) {
        if !self.sent {
            // A payload may hold a password.
            self.encoder.out[self.start..].fill(0);
            self.encoder.out.truncate(self.start);
        }
    }
}
