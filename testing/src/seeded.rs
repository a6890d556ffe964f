//! Bytes that are not random at all.

use ssh_crypto::{RandomError, SecureRandom};
use std::sync::atomic::{AtomicU64, Ordering};

/// The same bytes in every process.
#[derive(Debug)]
pub struct Seeded(AtomicU64);

impl Seeded {
    /// Other bytes for each seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 32))
    }

    /// The next bytes.
    pub fn bytes(&self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes).unwrap();
        bytes
    }
}

impl SecureRandom for Seeded {
    /// SplitMix64, whose state is too small to be taken for a piece of a secret.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        for bytes in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes()[..bytes.len()]);
        }
        Ok(())
    }
}
