//! When keys must be renewed (RFC 4253 §9, RFC 4344 §3).

use ssh_crypto::Cipher;
use ssh_wire::{
    Layout,
    packet::{LENGTH_SIZE, Usage},
};
use std::time::Duration;

/// How much may be sent or received, each counted alone, before the keys are renewed. It counts from the end of the
/// authentication on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RekeyLimit {
    /// Bytes on the wire, but those received as they are once decompressed; 1 GiB at first. A cipher with small blocks may set a lower bound.
    pub bytes: u64,
    /// Packets; 2³⁰ at first, and 2³¹ at the most.
    pub packets: u64,
    /// Time since the last key exchange; none at first.
    pub time: Option<Duration>,
}

impl Default for RekeyLimit {
    fn default() -> Self {
        Self { bytes: 1 << 30, packets: 1 << 30, time: None }
    }
}

/// RFC 4344 §3.1: sequence numbers must not repeat under one key, so 2³² packets are too many; half of it leaves room
/// for what is in flight while the keys change.
const MAX_PACKETS: u64 = 1 << 31;
/// RFC 4344 §3.2: a cipher with blocks under 128 bits is changed after 1 GiB at the latest, others after 2^(bits/4)
/// blocks.
const MAX_BYTES_SMALL_BLOCKS: u64 = 1 << 30;
const MAX_BYTES: u64 = 16 << 32;

impl RekeyLimit {
    /// What both this limit and the cipher allow.
    pub(crate) fn for_cipher(self, cipher: Cipher) -> Self {
        let small = matches!(cipher, Cipher::Plain(cipher) if cipher.block_len() < 16);
        let bytes = self.bytes.min(if small { MAX_BYTES_SMALL_BLOCKS } else { MAX_BYTES });
        Self { bytes, packets: self.packets.min(MAX_PACKETS), time: self.time }
    }

    /// Whether `usage` has reached it.
    pub(crate) fn is_reached(&self, usage: Usage) -> bool {
        usage.bytes >= self.bytes || usage.packets >= self.packets
    }
}

/// What was received under the keys in use, as the transport counts it from the payloads it is handed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    layout: Layout,
    usage: Usage,
}

impl Meter {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, usage: Usage::default() }
    }

    /// Counts a packet, with the least padding it can have had.
    pub(crate) fn count(&mut self, payload: usize) {
        let Layout { align, tag, .. } = self.layout;
        let framed = (LENGTH_SIZE + 1 + payload + 4).next_multiple_of(align.max(1));
        self.usage.packets += 1;
        self.usage.bytes += (framed + tag) as u64;
    }

    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }
}
