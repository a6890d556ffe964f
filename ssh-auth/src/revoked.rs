//! Lists of keys and certificates that must not be accepted any more: what `RevokedKeys` of sshd_config(5) and
//! `RevokedHostKeys` of ssh_config(5) name.
//!
//! | form | revokes |
//! | --- | --- |
//! | public keys, one a line | the keys, all certificates for them and all certificates by them |
//! | a key revocation list, made by `ssh-keygen -k` (OpenSSH PROTOCOL.krl) | keys likewise, whole or by their SHA-1 or SHA-256 digests; certificates of one authority or of all by their serial numbers and key IDs |
//!
//! A list is read whole or not at all: who can't read it must take every key for revoked.

mod krl;

use crate::Certificate;
use krl::Issued;
use ssh_crypto::{Hash, KeyError, KeyLine, PublicKey};
use ssh_wire::DecodeError;
use std::{collections::HashSet, fmt};

/// The keys and certificates of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevokedKeys {
    /// Blobs, of whatever type.
    keys: HashSet<Vec<u8>>,
    sha1: HashSet<Vec<u8>>,
    sha256: HashSet<Vec<u8>>,
    issued: Vec<Issued>,
}

/// By what a list revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevokedBy {
    /// The key itself.
    Key,
    /// The key of the certificate's authority.
    Authority,
    /// The certificate's serial number.
    Serial,
    /// The certificate's key ID.
    KeyId,
}

impl fmt::Display for RevokedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "its key",
            Self::Authority => "its authority",
            Self::Serial => "its serial number",
            Self::KeyId => "its key ID",
        })
    }
}

/// Why a list can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevokedKeysError {
    /// A line holds no public key that is known.
    #[error("line {line}: {error}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A key revocation list can't be decoded.
    #[error("key revocation list can't be decoded: {0}")]
    Decode(#[from] DecodeError),
    /// A key revocation list is of another version than the only one there is.
    #[error("key revocation list is of the unknown version {0}")]
    Version(u32),
    /// A key revocation list has a section that nobody here knows.
    #[error("key revocation list has a section of the unknown type {0}")]
    Section(u8),
    /// A key revocation list wants to be understood by those only who know an extension.
    #[error("key revocation list has the critical extension {0:?}, which is not known")]
    Critical(String),
    /// The key of an authority is unusable.
    #[error("authority in the key revocation list: {0}")]
    Authority(KeyError),
    /// A key revocation list says something that it can't mean.
    #[error("key revocation list has {0}")]
    Invalid(&'static str),
}

impl RevokedKeys {
    /// Reads a list of either form. One without any byte revokes nothing.
    ///
    /// # Errors
    /// Something in it is damaged or not known, so that it might revoke what would not be noticed.
    pub fn parse(bytes: &[u8]) -> Result<Self, RevokedKeysError> {
        match bytes.strip_prefix(krl::MAGIC) {
            Some(rest) => krl::parse(rest),
            None => Self::lines(bytes),
        }
    }

    fn lines(bytes: &[u8]) -> Result<Self, RevokedKeysError> {
        let mut revoked = Self::default();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let key = listed(&String::from_utf8_lossy(line))
                .map_err(|error| RevokedKeysError::Line { line: index + 1, error })?;
            revoked.keys.insert(key.to_blob());
        }
        Ok(revoked)
    }

    /// By what the key is revoked, if it is.
    pub fn key(&self, key: &PublicKey) -> Option<RevokedBy> {
        self.has(key).then_some(RevokedBy::Key)
    }

    /// By what the certificate is revoked, if it is.
    pub fn certificate(&self, certificate: &Certificate) -> Option<RevokedBy> {
        if self.has(certificate.key()) {
            return Some(RevokedBy::Key);
        }
        if self.has(certificate.authority()) {
            return Some(RevokedBy::Authority);
        }
        self.issued.iter().find_map(|issued| issued.revokes(certificate))
    }

    fn has(&self, key: &PublicKey) -> bool {
        let blob = key.to_blob();
        self.keys.contains(&blob)
            || [(&self.sha1, Hash::Sha1), (&self.sha256, Hash::Sha256)]
                .into_iter()
                .any(|(digests, hash)| !digests.is_empty() && digests.contains(&*hash.digest(&[&blob])))
    }
}

/// The key of a line; where a certificate stands there, the key in it.
fn listed(line: &str) -> Result<PublicKey, KeyError> {
    let line: KeyLine = line.parse()?;
    line.public_key().or_else(|error| PublicKey::from_certificate(&line.blob).map_err(|_| error))
}
