//! scrypt (RFC 7914), whose memory is wiped: with what is left there, passphrases can be tried at little cost. The crate of
//! this name has no way to do it.

use pbkdf2::pbkdf2_hmac;
use salsa20::{
    SalsaCore,
    cipher::{StreamCipherCore, consts::U4},
};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a derivation costs: N, r and p.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    n: usize,
    r: usize,
    p: usize,
}

impl Cost {
    /// `None` if there is no such cost (§2).
    pub(super) fn new(n: u64, r: u16, p: u16) -> Option<Self> {
        let is_possible = n.is_power_of_two() && (1..16 * u32::from(r)).contains(&n.ilog2()) && p > 0;
        let n = usize::try_from(n).ok().filter(|_| is_possible)?;
        Some(Self { n, r: r.into(), p: p.into() })
    }
}

/// 64 bytes as little-endian numbers.
type Block = [u32; 16];

/// Fills `key` (§6). It takes 128·N·r bytes of memory.
pub(super) fn scrypt(passphrase: &[u8], salt: &[u8], Cost { n, r, p }: Cost, key: &mut [u8]) {
    let mut lanes = Zeroizing::new(vec![0; p * 128 * r]);
    pbkdf2_hmac::<Sha256>(passphrase, salt, 1, &mut lanes);
    let mut memory = Zeroizing::new(vec![[0; 16]; n * 2 * r]);
    for lane in lanes.chunks_exact_mut(128 * r) {
        mix_lane(lane, &mut memory);
    }
    pbkdf2_hmac::<Sha256>(passphrase, &lanes, 1, key);
}

/// scryptROMix (§5).
fn mix_lane(lane: &mut [u8], memory: &mut [Block]) {
    let mut blocks = Zeroizing::new(lane.as_chunks().0.iter().map(block).collect::<Vec<_>>());
    let mut mixed = Zeroizing::new(vec![[0; 16]; blocks.len()]);
    for place in memory.chunks_exact_mut(blocks.len()) {
        place.copy_from_slice(&blocks);
        mix_blocks(place, &mut blocks);
    }
    let places = memory.len() / blocks.len();
    for _ in 0..places {
        // Integerify: their count is a power of two, and no larger than a number of 32 bits.
        let place = blocks[blocks.len() - 1][0] as usize % places;
        mixed.copy_from_slice(&memory[place * blocks.len()..][..blocks.len()]);
        mixed.iter_mut().zip(&*blocks).for_each(|(mixed, block)| add(mixed, block));
        mix_blocks(&mixed, &mut blocks);
    }
    for (bytes, block) in lane.as_chunks_mut().0.iter_mut().zip(&*blocks) {
        *bytes = block_bytes(block);
    }
}

/// scryptBlockMix (§4).
fn mix_blocks(from: &[Block], to: &mut [Block]) {
    let (even, odd) = to.split_at_mut(from.len() / 2);
    let mut x = from[from.len() - 1];
    for (at, block) in from.iter().enumerate() {
        add(&mut x, block);
        x = salsa20_8(x);
        let half = if at % 2 == 0 { &mut *even } else { &mut *odd };
        half[at / 2] = x;
    }
}

/// The Salsa20/8 core (§3).
fn salsa20_8(input: Block) -> Block {
    let mut bytes = [0; 64];
    SalsaCore::<U4>::from_raw_state(input).write_keystream_block((&mut bytes).into());
    block(&bytes)
}

/// Bitwise, modulo 2.
fn add(to: &mut Block, block: &Block) {
    to.iter_mut().zip(block).for_each(|(to, word)| *to ^= word);
}

fn block(bytes: &[u8; 64]) -> Block {
    std::array::from_fn(|at| u32::from_le_bytes(std::array::from_fn(|byte| bytes[4 * at + byte])))
}

fn block_bytes(block: &Block) -> [u8; 64] {
    std::array::from_fn(|at| block[at / 4].to_le_bytes()[at % 4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// RFC 7914 §12, but for the one that takes a gigabyte.
    #[test]
    fn vectors() {
        let cases: [(&str, &str, [u16; 3], [u8; 64]); 3] = [
            (
                "",
                "",
                [16, 1, 1],
                hex!(
                    "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                    "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
                ),
            ),
            (
                "password",
                "NaCl",
                [1024, 8, 16],
                hex!(
                    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                    "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
                ),
            ),
            (
                "pleaseletmein",
                "SodiumChloride",
                [16384, 8, 1],
                hex!(
                    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
                ),
            ),
        ];
        for (passphrase, salt, [n, r, p], expected) in cases {
            let mut key = [0; 64];
            scrypt(passphrase.as_bytes(), salt.as_bytes(), Cost::new(n.into(), r, p).unwrap(), &mut key);
            assert_eq!(key, expected);
        }
    }

    #[test]
    fn costs_that_cannot_be() {
        for (n, r, p) in [(0, 1, 1), (1, 1, 1), (3, 1, 1), (2, 0, 1), (2, 1, 0), (1 << 16, 1, 1)] {
            assert!(Cost::new(n, r, p).is_none(), "{n} {r} {p}");
        }
        assert!(Cost::new(1 << 15, 1, 1).is_some());
    }
}
