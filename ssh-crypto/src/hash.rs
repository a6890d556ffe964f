//! The hash functions of key exchange methods, signatures and fingerprints.

use std::{fmt, ops::Deref};
use zeroize::Zeroize;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1 (FIPS 180-4): broken for signatures; for old key exchange methods only.
    Sha1,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
}

impl Hash {
    /// The size of a digest in bytes.
    pub fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `parts`, one behind the other.
    pub fn digest(self, parts: &[&[u8]]) -> Digest {
        crate::backend::digest(self, parts)
    }
}

/// The output of a [`enum@Hash`]; wiped when dropped, for keys are derived from some.
#[derive(Clone)]
pub struct Digest {
    bytes: [u8; 64],
    len: usize,
}

impl Digest {
    /// From the output of a hash function; at most 64 bytes are kept.
    pub fn new(output: &[u8]) -> Self {
        let len = output.len().min(64);
        let mut bytes = [0; 64];
        bytes[..len].copy_from_slice(&output[..len]);
        Self { bytes, len }
    }
}

impl Deref for Digest {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// FIPS 180-4: the example of one block.
    #[test]
    fn vectors() {
        let cases: [(Hash, &[u8]); 4] = [
            (Hash::Sha1, &hex!("a9993e364706816aba3e25717850c26c9cd0d89d")),
            (Hash::Sha256, &hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
            (
                Hash::Sha384,
                &hex!(
                    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                    "8086072ba1e7cc2358baeca134c825a7"
                ),
            ),
            (
                Hash::Sha512,
                &hex!(
                    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
                ),
            ),
        ];
        for (hash, expected) in cases {
            assert_eq!(&*hash.digest(&[b"abc"]), expected);
            assert_eq!(&*hash.digest(&[b"", b"a", b"bc"]), expected);
            assert_eq!(expected.len(), hash.output_len());
        }
    }

    #[test]
    fn a_digest_does_not_print_itself() {
        assert_eq!(format!("{:?}", Hash::Sha256.digest(&[b"secret"])), "Digest(32 bytes)");
    }
}
