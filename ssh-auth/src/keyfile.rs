//! Private key files.
//!
//! | format | begins with | encryption |
//! | --- | --- | --- |
//! | OpenSSH (OpenSSH PROTOCOL.key) | `-----BEGIN OPENSSH PRIVATE KEY-----` | bcrypt with any cipher that OpenSSH writes |
//! | PKCS#1 (RFC 8017 §A.1.2) | `-----BEGIN RSA PRIVATE KEY-----` | |
//! | SEC 1 (RFC 5915) | `-----BEGIN EC PRIVATE KEY-----` | |
//! | PKCS#8 (RFC 5958) | `-----BEGIN PRIVATE KEY-----` | |
//!
//! [`PrivateKeyFile::parse`] reads any of them, and [`PrivateKeyFile::decrypt`] gives the key. What comes out agrees
//! with itself: the public half is recomputed from the private one, or checked against it. Line endings, text around
//! the key and blank lines don't matter.
//!
//! # Bounds
//!
//! A file from a stranger can't make its reader hang or run out of memory; what is over these bounds is refused as
//! [`KeyFileErrorKind::TooCostly`]:
//!
//! | what | at most |
//! | --- | --- |
//! | the file | 1 MiB |
//! | rounds of bcrypt | 4096 |

mod cipher;
mod der;
mod error;
mod openssh;
mod pem;
mod private;
mod write;

pub use error::{KeyFileError, KeyFileErrorKind};
pub use write::{DEFAULT_ROUNDS, write_openssh};

use pem::Block;
use ssh_crypto::{PrivateKey, PublicKey};
use std::fmt;

/// A private key file, which may still be encrypted.
pub struct PrivateKeyFile {
    format: Format,
    public: Option<PublicKey>,
    comment: Option<String>,
    contents: Contents,
}

enum Contents {
    Plain(PrivateKey),
    OpenSsh(openssh::Encrypted),
}

/// The format of a private key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// OpenSSH's own.
    OpenSsh,
    /// `RSA PRIVATE KEY`.
    Pkcs1,
    /// `EC PRIVATE KEY`.
    Sec1,
    /// `PRIVATE KEY`.
    Pkcs8,
}

impl PrivateKeyFile {
    /// Reads a file as far as it can be read without a passphrase.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyFileError> {
        if bytes.len() > MAX_FILE {
            return Err(KeyFileError::too_costly("file of more than 1 MiB"));
        }
        let block = Block::find(bytes, |label| LABELS.iter().any(|(other, _)| *other == label))?;
        let Some(block) = block else { return Err(unknown(bytes)) };
        let data = &block.data[..];
        match LABELS.iter().find(|(label, _)| *label == block.label).map(|(_, format)| *format) {
            Some(Format::OpenSsh) => openssh::parse(data),
            Some(Format::Pkcs1) => Ok(Self::plain(Format::Pkcs1, der::rsa(data)?)),
            Some(Format::Sec1) => Ok(Self::plain(Format::Sec1, der::ec(data, None)?)),
            Some(Format::Pkcs8) => Ok(Self::plain(Format::Pkcs8, der::pkcs8(data)?)),
            None => Err(unknown(bytes)),
        }
    }

    fn plain(format: Format, key: PrivateKey) -> Self {
        Self { format, public: Some(key.public_key()), comment: None, contents: Contents::Plain(key) }
    }

    /// The file's format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether [`Self::decrypt`] needs a passphrase.
    pub fn is_encrypted(&self) -> bool {
        !matches!(self.contents, Contents::Plain(_))
    }

    /// The public key, where it can be read without a passphrase: in OpenSSH's and PuTTY's formats, and in any file
    /// that is not encrypted. In an encrypted file nothing vouches for it before [`Self::decrypt`] has succeeded.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// The comment, if the format has one and it is not encrypted: see [`Self::decrypt_with_comment`].
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The private key. A passphrase that is not needed is ignored.
    pub fn decrypt(&self, passphrase: Option<&[u8]>) -> Result<PrivateKey, KeyFileError> {
        self.decrypt_with_comment(passphrase).map(|(key, _)| key)
    }

    /// The private key and its comment, which OpenSSH's format encrypts with the key.
    pub fn decrypt_with_comment(
        &self,
        passphrase: Option<&[u8]>,
    ) -> Result<(PrivateKey, Option<String>), KeyFileError> {
        let passphrase = || passphrase.ok_or_else(KeyFileError::passphrase_needed);
        match &self.contents {
            Contents::Plain(key) => Ok((key.clone(), self.comment.clone())),
            Contents::OpenSsh(encrypted) => {
                let (key, comment) = encrypted.decrypt(passphrase()?)?;
                Ok((key, Some(comment)))
            }
        }
    }
}

impl fmt::Debug for PrivateKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKeyFile")
            .field("format", &self.format)
            .field("encrypted", &self.is_encrypted())
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

const MAX_FILE: usize = 1 << 20;

const LABELS: [(&str, Format); 4] = [
    ("OPENSSH PRIVATE KEY", Format::OpenSsh),
    ("RSA PRIVATE KEY", Format::Pkcs1),
    ("EC PRIVATE KEY", Format::Sec1),
    ("PRIVATE KEY", Format::Pkcs8),
];

/// Says what the file is instead, if that can be seen.
fn unknown(bytes: &[u8]) -> KeyFileError {
    let kinds: [(&[u8], &str); 3] = [
        (b"SSH PRIVATE KEY FILE FORMAT 1.1", "key of SSH protocol 1"),
        (b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", "key in the format of ssh.com"),
        (b"PuTTY-User-Key-File-1:", "key in PuTTY's format 1"),
    ];
    for (start, name) in kinds {
        if bytes.starts_with(start) {
            return KeyFileError::unsupported(name);
        }
    }
    KeyFileError::new(KeyFileErrorKind::UnknownFormat, "")
}
