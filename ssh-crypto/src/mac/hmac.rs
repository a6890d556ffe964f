//! HMAC (RFC 2104) as a row of a back end's table.

use super::{Mac, MacAlgorithm};
use crate::cipher::Refuse;
use std::fmt;

pub(crate) struct Hmac {
    name: &'static str,
    key_len: usize,
    tag_len: usize,
    etm: bool,
    legacy: bool,
    keyed: fn(&[u8]) -> Box<dyn Mac>,
}

impl Hmac {
    /// Key and tag are as long as the digest, in bytes.
    pub(crate) const fn new(name: &'static str, digest_len: usize, keyed: fn(&[u8]) -> Box<dyn Mac>) -> Self {
        Self { name, key_len: digest_len, tag_len: digest_len, etm: false, legacy: false, keyed }
    }

    /// Over the ciphertext.
    pub(crate) const fn etm(mut self) -> Self {
        self.etm = true;
        self
    }

    /// With only the first `len` bytes of the tag.
    pub(crate) const fn truncated(mut self, len: usize) -> Self {
        self.tag_len = len;
        self
    }

    pub(crate) const fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }
}

impl MacAlgorithm for Hmac {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn tag_len(&self) -> usize {
        self.tag_len
    }

    fn is_etm(&self) -> bool {
        self.etm
    }

    fn is_legacy(&self) -> bool {
        self.legacy
    }

    fn keyed(&self, key: &[u8]) -> Box<dyn Mac> {
        if key.len() == self.key_len { (self.keyed)(key) } else { Box::new(Refuse) }
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Writes the first bytes of a tag to `to`.
pub(crate) fn truncate(tag: &[u8], to: &mut [u8]) {
    to.iter_mut().zip(tag).for_each(|(to, from)| *to = *from);
}
