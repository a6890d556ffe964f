//! Message authentication codes (RFC 4253 §6.4, RFC 6668, RFC 4418, OpenSSH PROTOCOL §1.5).

pub(crate) mod hmac;
pub(crate) mod umac;

use ssh_wire::Corrupt;
use std::fmt;
use subtle::ConstantTimeEq;

/// A MAC as it is negotiated.
pub trait MacAlgorithm: fmt::Debug + Send + Sync {
    /// The name: `hmac-sha2-256-etm@openssh.com`.
    fn name(&self) -> &'static str;
    /// The key's size in bytes.
    fn key_len(&self) -> usize;
    /// The tag's size in bytes.
    fn tag_len(&self) -> usize;
    /// Whether it covers the ciphertext (encrypt-then-MAC) instead of the plaintext.
    fn is_etm(&self) -> bool;
    /// Whether it is implemented for old peers only, and never offered unless it is named.
    fn is_legacy(&self) -> bool {
        false
    }
    /// The MAC with a key of [`MacAlgorithm::key_len`] bytes.
    fn keyed(&self, key: &[u8]) -> Box<dyn Mac>;
}

/// A MAC with its key.
pub trait Mac: Send {
    /// Writes the tag of `packet`, as sent under `seq`, to `tag`, which has [`MacAlgorithm::tag_len`] bytes.
    fn sign(&mut self, seq: u32, packet: &[u8], tag: &mut [u8]);

    /// Checks the tag in constant time; an empty one is not a tag.
    fn verify(&mut self, seq: u32, packet: &[u8], tag: &[u8]) -> Result<(), Corrupt> {
        let mut expected = [0; 64];
        let expected = expected.get_mut(..tag.len()).filter(|tag| !tag.is_empty()).ok_or(Corrupt)?;
        self.sign(seq, packet, expected);
        if bool::from(expected.ct_eq(tag)) { Ok(()) } else { Err(Corrupt) }
    }
}
