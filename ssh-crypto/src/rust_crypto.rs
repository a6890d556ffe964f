//! The pure Rust back end: RustCrypto and dalek.

use crate::{Digest, Hash, Provider, random::SystemRandom};
use sha1::Digest as _;

/// All suites of this back end, the best first, without key exchange methods.
pub fn provider() -> Provider {
    Provider {
        kex: [].as_slice().into(),
        signatures: [].as_slice().into(),
        ciphers: [].as_slice().into(),
        macs: [].as_slice().into(),
        random: &SystemRandom,
    }
}

pub(crate) fn digest(hash: Hash, parts: &[&[u8]]) -> Digest {
    fn run<D: sha1::Digest>(parts: &[&[u8]]) -> Digest {
        let mut hasher = D::new();
        parts.iter().for_each(|part| hasher.update(part));
        Digest::new(&hasher.finalize())
    }
    match hash {
        Hash::Sha1 => run::<sha1::Sha1>(parts),
        Hash::Sha256 => run::<sha2::Sha256>(parts),
        Hash::Sha384 => run::<sha2::Sha384>(parts),
        Hash::Sha512 => run::<sha2::Sha512>(parts),
    }
}
