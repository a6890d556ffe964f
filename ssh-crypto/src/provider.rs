//! The algorithms a session may use.

use crate::{Cipher, CompressionAlgorithm, KexAlgorithm, MacAlgorithm, SecureRandom, SignatureAlgorithm};
use std::borrow::Cow;

/// The algorithms a session may use, of each kind the best first.
///
/// Some may be legacy (`is_legacy`): they are there for who names them, and offered to nobody else.
///
/// A crate that adds a cipher of its own puts it in front, and needs no fork:
///
/// ```
/// # use ssh_crypto::{AeadCipher, Cipher, Open, Provider, Seal, default_provider};
/// # #[derive(Debug)] struct Mine;
/// # impl AeadCipher for Mine {
/// #     fn name(&self) -> &'static str { "mine@example.com" }
/// #     fn key_len(&self) -> usize { 32 }
/// #     fn iv_len(&self) -> usize { 0 }
/// #     fn opener(&self, _: &[u8], _: &[u8]) -> Box<dyn Open> { Box::new(ssh_wire::packet::Clear) }
/// #     fn sealer(&self, _: &[u8], _: &[u8]) -> Box<dyn Seal> { Box::new(ssh_wire::packet::Clear) }
/// # }
/// let provider = Provider { ciphers: vec![Cipher::Aead(&Mine)].into(), ..default_provider() };
/// assert!(provider.cipher("mine@example.com").is_some());
/// ```
#[derive(Debug, Clone)]
pub struct Provider {
    /// Key exchange methods; empty in the providers of this crate, filled by `ssh_kex`.
    pub kex: Cow<'static, [&'static dyn KexAlgorithm]>,
    /// Signature algorithms of host keys and user keys.
    pub signatures: Cow<'static, [&'static dyn SignatureAlgorithm]>,
    /// Ciphers.
    pub ciphers: Cow<'static, [Cipher]>,
    /// MACs, for ciphers that need one.
    pub macs: Cow<'static, [&'static dyn MacAlgorithm]>,
    /// Compression methods; `none` is always there, and not among them.
    pub compression: Cow<'static, [&'static dyn CompressionAlgorithm]>,
    /// The source of every random byte.
    pub random: &'static dyn SecureRandom,
}

/// A provider that can't work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Two algorithms of a kind have the same name.
    #[error("two algorithms named {0:?}")]
    Duplicate(&'static str),
    /// A name that can't stand in a name-list (RFC 4251 §6).
    #[error("{0:?} is no algorithm name")]
    Name(&'static str),
    /// A kind without any algorithm.
    #[error("no {0}")]
    Empty(&'static str),
    /// A cipher whose block size, or a MAC whose tag size, no packet can have.
    #[error("{0:?} has an impossible size")]
    Size(&'static str),
}

impl Provider {
    /// The same with this key exchange method: in the place of the one of its name, or else before all others.
    #[must_use]
    pub fn with_kex(mut self, method: &'static dyn KexAlgorithm) -> Self {
        let methods = self.kex.to_mut();
        match methods.iter_mut().find(|other| other.name() == method.name()) {
            Some(place) => *place = method,
            None => methods.insert(0, method),
        }
        self
    }

    /// The key exchange method of this name.
    pub fn kex(&self, name: &str) -> Option<&'static dyn KexAlgorithm> {
        self.kex.iter().copied().find(|kex| kex.name() == name)
    }

    /// The signature algorithm of this name.
    pub fn signature(&self, name: &str) -> Option<&'static dyn SignatureAlgorithm> {
        self.signatures.iter().copied().find(|signature| signature.name() == name)
    }

    /// The cipher of this name.
    pub fn cipher(&self, name: &str) -> Option<Cipher> {
        self.ciphers.iter().copied().find(|cipher| cipher.name() == name)
    }

    /// The MAC of this name.
    pub fn mac(&self, name: &str) -> Option<&'static dyn MacAlgorithm> {
        self.macs.iter().copied().find(|mac| mac.name() == name)
    }

    /// The compression method of this name.
    pub fn compression(&self, name: &str) -> Option<&'static dyn CompressionAlgorithm> {
        self.compression.iter().copied().find(|compression| compression.name() == name)
    }

    /// Checks that names are unique and valid, sizes possible, and no kind but MACs and compression methods empty.
    pub fn check(&self) -> Result<(), ProviderError> {
        let kex: Vec<_> = self.kex.iter().map(|kex| kex.name()).collect();
        let signatures: Vec<_> = self.signatures.iter().map(|signature| signature.name()).collect();
        let ciphers: Vec<_> = self.ciphers.iter().map(Cipher::name).collect();
        let macs: Vec<_> = self.macs.iter().map(|mac| mac.name()).collect();
        let compression: Vec<_> = ["none"]
            .into_iter()
            .chain(self.compression.iter().map(|compression| compression.name()))
            .collect();
        for (kind, names) in
            [("key exchange method", &kex), ("signature algorithm", &signatures), ("cipher", &ciphers)]
        {
            if names.is_empty() {
                return Err(ProviderError::Empty(kind));
            }
        }
        for names in [&kex, &signatures, &ciphers, &macs, &compression] {
            for (at, name) in names.iter().enumerate() {
                // RFC 4251 §6: at most 64 printable characters, no comma.
                let valid = (1..=64).contains(&name.len())
                    && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
                if !valid {
                    return Err(ProviderError::Name(name));
                }
                if names[..at].contains(name) {
                    return Err(ProviderError::Duplicate(name));
                }
            }
        }
        if self.macs.is_empty() && self.ciphers.iter().any(|cipher| matches!(cipher, Cipher::Plain(_))) {
            return Err(ProviderError::Empty("MAC"));
        }
        for cipher in self.ciphers.iter() {
            let block = match cipher {
                Cipher::Plain(cipher) => cipher.block_len(),
                Cipher::Aead(_) => 8,
            };
            if cipher.key_len() > 64
                || cipher.iv_len() > 64
                || !(8..=64).contains(&block)
                || !block.is_power_of_two()
            {
                return Err(ProviderError::Size(cipher.name()));
            }
        }
        match self.macs.iter().find(|mac| mac.key_len() > 64 || !(4..=64).contains(&mac.tag_len())) {
            Some(mac) => Err(ProviderError::Size(mac.name())),
            None => Ok(()),
        }
    }
}
