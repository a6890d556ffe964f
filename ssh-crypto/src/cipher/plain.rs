//! A cipher without authentication as a row of a back end's table.

use super::{PlainCipher, Refuse, Transform};
use std::fmt;

/// Makes one direction from a key and an IV of the row's sizes.
type Keyed = fn(&[u8], &[u8]) -> Box<dyn Transform>;

pub(crate) struct Plain {
    name: &'static str,
    key_len: usize,
    block_len: usize,
    cbc: bool,
    legacy: bool,
    decryptor: Keyed,
    encryptor: Keyed,
}

impl Plain {
    /// Counter mode, where both directions are the same. Sizes in bytes.
    pub(crate) const fn ctr(name: &'static str, key_len: usize, block_len: usize, keyed: Keyed) -> Self {
        Self { name, key_len, block_len, cbc: false, legacy: false, decryptor: keyed, encryptor: keyed }
    }

    /// Cipher block chaining, which is legacy as such. Sizes in bytes.
    pub(crate) const fn cbc(
        name: &'static str,
        key_len: usize,
        block_len: usize,
        decryptor: Keyed,
        encryptor: Keyed,
    ) -> Self {
        Self { name, key_len, block_len, cbc: true, legacy: true, decryptor, encryptor }
    }

    pub(crate) const fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    fn keyed(&self, direction: Keyed, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        let fit = key.len() == self.key_len && iv.len() == self.block_len;
        if fit { direction(key, iv) } else { Box::new(Refuse) }
    }
}

impl PlainCipher for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn block_len(&self) -> usize {
        self.block_len
    }

    fn is_cbc(&self) -> bool {
        self.cbc
    }

    fn is_legacy(&self) -> bool {
        self.legacy
    }

    fn decryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        self.keyed(self.decryptor, key, iv)
    }

    fn encryptor(&self, key: &[u8], iv: &[u8]) -> Box<dyn Transform> {
        self.keyed(self.encryptor, key, iv)
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
