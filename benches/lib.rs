//! What the benches share: both back ends, every suite that is offered by default, and a wire in memory.
//!
//! ```sh
//! cargo bench -p benches               # all
//! cargo bench -p benches --bench mux   # one
//! cargo bench -p benches -- aes128-gcm # those whose name holds the text
//! ```
//!
//! | bench | measures |
//! | --- | --- |
//! | `suites` | sealing and opening one packet, by suite, size and back end |
//! | `framing` | messages to packets and back, in the clear and under AES-GCM |
//! | `handshake` | both sides of a whole first key exchange, by method |
//! | `kem` | key encapsulation: a key pair, and either side's work, by back end |
//! | `mux` | channels: bulk data, small writes, opening and closing |

use ssh_crypto::{Cipher, Provider, cipher};
use ssh_wire::packet::LENGTH_SIZE;
use ssh_wire::{Decoder, Encoder, Layout, Open, Packet, PacketSink, Seal};

/// The sizes of payloads to measure with, in bytes: a keystroke, a line or two, a bulk transfer.
pub const SIZES: [usize; 3] = [64, 1024, 32 * 1024];

/// The back ends with their names.
pub fn backends() -> [(&'static str, Provider); 2] {
    [("aws-lc", ssh_crypto::aws_lc::provider()), ("rust-crypto", ssh_crypto::rust_crypto::provider())]
}

/// Both halves of a suite, under the same keys.
pub struct Suite {
    /// The sending half.
    pub seal: Box<dyn Seal>,
    /// The receiving half.
    pub open: Box<dyn Open>,
}

/// A way to make a [`Suite`] anew.
pub type MakeSuite = Box<dyn Fn() -> Suite>;

/// The suites of `provider` that are offered by default: ciphers that authenticate as they are, the others with the
/// first MAC, and the first of these with every MAC, for what a cipher and a MAC cost adds up.
pub fn suites(provider: &Provider) -> Vec<(String, MakeSuite)> {
    let mut suites: Vec<(String, MakeSuite)> = Vec::new();
    let mut macs: Vec<_> = provider.macs.iter().copied().filter(|mac| !mac.is_legacy()).collect();
    for &cipher in provider.ciphers.iter().filter(|cipher| !cipher.is_legacy()) {
        let (key, iv) = (vec![7; cipher.key_len()], vec![9; cipher.iv_len()]);
        match cipher {
            Cipher::Aead(aead) => {
                let make = move || Suite { seal: aead.sealer(&key, &iv), open: aead.opener(&key, &iv) };
                suites.push((cipher.name().to_owned(), Box::new(make)));
            }
            Cipher::Plain(plain) => {
                for &mac in &macs {
                    let (key, iv, mac_key) = (key.clone(), iv.clone(), vec![5; mac.key_len()]);
                    let make = move || Suite {
                        seal: cipher::sealer(plain, mac, &key, &iv, &mac_key),
                        open: cipher::opener(plain, mac, &key, &iv, &mac_key),
                    };
                    suites.push((format!("{}+{}", cipher.name(), mac.name()), Box::new(make)));
                }
                macs.truncate(1);
            }
        }
    }
    suites
}

/// A packet as a suite gets it to seal: length, padding length, payload, padding, room for the tag.
pub fn packet(layout: Layout, payload: usize) -> Vec<u8> {
    let counted = if layout.length_aligned { LENGTH_SIZE + 1 + payload } else { 1 + payload };
    let padding = 4 + (layout.align - (counted + 4) % layout.align) % layout.align;
    let length = 1 + payload + padding;
    let mut packet = vec![0x5a; LENGTH_SIZE + length + layout.tag];
    packet[..LENGTH_SIZE].copy_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes());
    packet[LENGTH_SIZE] = u8::try_from(padding).unwrap_or(0);
    packet
}

/// One direction of a connection in memory, in the clear until it is given a suite.
#[derive(Debug)]
pub struct Wire {
    /// The sending end.
    pub encoder: Encoder,
    /// The receiving end.
    pub decoder: Decoder,
}

impl Wire {
    /// A wire without encryption.
    pub fn clear() -> Wire {
        Wire { encoder: Encoder::new(|padding| padding.fill(0)), decoder: Decoder::default() }
    }

    /// A wire under `suite`.
    pub fn sealed(suite: Suite) -> Wire {
        let mut wire = Wire::clear();
        wire.encoder.set_seal(suite.seal, true);
        wire.decoder.set_open(suite.open, true);
        wire
    }

    /// Moves what was sent to the receiving end, and answers how many bytes that were.
    pub fn carry(&mut self) -> usize {
        let output = self.encoder.output();
        self.decoder.push(output);
        let moved = output.len();
        output.clear();
        moved
    }
}

impl PacketSink for Wire {
    fn packet(&mut self) -> Option<Packet<'_>> {
        Some(self.encoder.packet())
    }
}
