//! Suites that are no cryptography, in the shape of each of the four families: the length encrypted with the first
//! block, encrypt-then-MAC, AES-GCM and chacha20-poly1305.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ssh_wire::{Corrupt, Decoder, Encoder, Layout, Open, Seal, packet::LENGTH_SIZE};

/// A suite's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Encrypt-and-MAC with this block size; a stream cipher that goes on from packet to packet.
    Head(usize),
    /// The same, with errors masked as for CBC.
    Masked(usize),
    /// Encrypt-then-MAC with this block size.
    EncryptThenMac(usize),
    /// The length in the clear, a nonce counted inside, a tag over all.
    Gcm,
    /// The length encrypted by itself, a nonce from the sequence number, a tag over the ciphertext.
    Chacha,
}

pub(crate) const FAMILIES: [Family; 7] = [
    Family::Head(8),
    Family::Head(16),
    Family::Masked(16),
    Family::EncryptThenMac(8),
    Family::EncryptThenMac(16),
    Family::Gcm,
    Family::Chacha,
];

/// One direction of a suite.
#[derive(Debug, Clone)]
pub(crate) struct Toy {
    family: Family,
    /// Bytes of the stream cipher used up, or packets.
    position: u64,
}

impl Toy {
    pub(crate) fn new(family: Family) -> Box<Self> {
        Box::new(Self { family, position: 0 })
    }

    fn shape(&self) -> Layout {
        let layout = Layout { head: 4, align: 8, length_aligned: false, tag: 16, mask_errors: false };
        match self.family {
            Family::Head(block) => {
                Layout { head: block, align: block.max(8), length_aligned: true, tag: 20, ..layout }
            }
            Family::Masked(block) => {
                Layout { head: block, align: block.max(8), length_aligned: true, tag: 20, mask_errors: true }
            }
            Family::EncryptThenMac(block) => Layout { align: block.max(8), tag: 32, ..layout },
            Family::Gcm => Layout { align: 16, ..layout },
            Family::Chacha => layout,
        }
    }

    /// Encrypts or decrypts with the stream's next bytes.
    fn stream(&mut self, data: &mut [u8]) {
        for byte in data {
            *byte ^= noise(1, self.position);
            self.position += 1;
        }
    }
}

/// A byte that depends on all bits of both numbers.
fn noise(key: u64, position: u64) -> u8 {
    let mut x = (position ^ key.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    (x.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8
}

fn block_of_noise(key: u64, data: &mut [u8]) {
    (0..).zip(data).for_each(|(position, byte)| *byte ^= noise(key, position));
}

fn tag_of(seq: u64, parts: &[&[u8]], tag: &mut [u8]) {
    let mut state = 0xcbf2_9ce4_8422_2325 ^ seq.wrapping_mul(0x1000_0000_01b3);
    for byte in parts.iter().copied().flatten() {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(7);
    }
    tag.fill(0);
    block_of_noise(state, tag);
}

fn verify(seq: u64, parts: &[&[u8]], tag: &[u8]) -> Result<(), Corrupt> {
    let mut expected = vec![0; tag.len()];
    tag_of(seq, parts, &mut expected);
    if expected == tag { Ok(()) } else { Err(Corrupt) }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..LENGTH_SIZE].try_into().unwrap())
}

impl Open for Toy {
    fn layout(&self) -> Layout {
        self.shape()
    }

    fn length(&mut self, seq: u32, head: &mut [u8]) -> u32 {
        assert_eq!(head.len(), self.shape().head);
        match self.family {
            Family::Head(_) | Family::Masked(_) => {
                self.stream(head);
                number(head)
            }
            Family::EncryptThenMac(_) | Family::Gcm => number(head),
            Family::Chacha => {
                let mut copy = [0; LENGTH_SIZE];
                copy.copy_from_slice(head);
                block_of_noise(1000 + u64::from(seq), &mut copy);
                number(&copy)
            }
        }
    }

    fn open(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), Corrupt> {
        let layout = self.shape();
        let (packet, tag) = packet.split_at_mut(packet.len() - layout.tag);
        match self.family {
            Family::Head(_) | Family::Masked(_) => {
                self.stream(&mut packet[layout.head..]);
                verify(u64::from(seq), &[packet], tag)
            }
            Family::EncryptThenMac(_) => {
                verify(u64::from(seq), &[packet], tag)?;
                self.stream(&mut packet[LENGTH_SIZE..]);
                Ok(())
            }
            Family::Gcm => {
                verify(self.position, &[packet], tag)?;
                block_of_noise(self.position, &mut packet[LENGTH_SIZE..]);
                self.position += 1;
                Ok(())
            }
            Family::Chacha => {
                verify(u64::from(seq), &[packet], tag)?;
                block_of_noise(u64::from(seq), &mut packet[LENGTH_SIZE..]);
                Ok(())
            }
        }
    }
}

impl Seal for Toy {
    fn layout(&self) -> Layout {
        self.shape()
    }

    fn seal(&mut self, seq: u32, packet: &mut [u8]) {
        let layout = self.shape();
        let (packet, tag) = packet.split_at_mut(packet.len() - layout.tag);
        match self.family {
            Family::Head(_) | Family::Masked(_) => {
                tag_of(u64::from(seq), &[packet], tag);
                self.stream(packet);
            }
            Family::EncryptThenMac(_) => {
                self.stream(&mut packet[LENGTH_SIZE..]);
                tag_of(u64::from(seq), &[packet], tag);
            }
            Family::Gcm => {
                block_of_noise(self.position, &mut packet[LENGTH_SIZE..]);
                tag_of(self.position, &[packet], tag);
                self.position += 1;
            }
            Family::Chacha => {
                block_of_noise(1000 + u64::from(seq), &mut packet[..LENGTH_SIZE]);
                block_of_noise(u64::from(seq), &mut packet[LENGTH_SIZE..]);
                tag_of(u64::from(seq), &[packet], tag);
            }
        }
    }
}

/// An encoder under `family`, or in the clear.
pub(crate) fn encoder(family: Option<Family>) -> Encoder {
    let mut encoder = Encoder::new(|padding| padding.fill(0xaa));
    if let Some(family) = family {
        encoder.set_seal(Toy::new(family), true);
    }
    encoder
}

/// A decoder under `family`, or in the clear.
pub(crate) fn decoder(family: Option<Family>, max_packet: usize) -> Decoder {
    let mut decoder = Decoder::new(max_packet);
    if let Some(family) = family {
        decoder.set_open(Toy::new(family), true);
    }
    decoder
}

/// Every family, and the clear.
pub(crate) fn suites() -> impl Iterator<Item = Option<Family>> {
    FAMILIES.into_iter().map(Some).chain([None])
}

/// A packet as `family` seals its first, whatever its fields say.
pub(crate) fn sealed(family: Option<Family>, length: u32, padding: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(padding);
    packet.extend_from_slice(body);
    if let Some(family) = family {
        let mut suite = Toy::new(family);
        packet.resize(packet.len() + suite.shape().tag, 0);
        suite.seal(0, &mut packet);
    }
    packet
}

/// The shape of a family's packets, or of those in the clear.
pub(crate) fn layout(family: Option<Family>) -> Layout {
    match family {
        Some(family) => Toy::new(family).shape(),
        None => Seal::layout(&ssh_wire::packet::Clear),
    }
}
