//! Files of private keys, and of public ones.
//!
//! | format | begins with | encryption |
//! | --- | --- | --- |
//! | OpenSSH (OpenSSH PROTOCOL.key) | `-----BEGIN OPENSSH PRIVATE KEY-----` | bcrypt with any cipher that OpenSSH writes: AES in CTR, CBC and GCM, ChaCha20-Poly1305, Triple-DES |
//! | PKCS#1 (RFC 8017 §A.1.2) | `-----BEGIN RSA PRIVATE KEY-----` | `Proc-Type: 4,ENCRYPTED` (RFC 1421) with AES or Triple-DES in CBC |
//! | SEC 1 (RFC 5915) | `-----BEGIN EC PRIVATE KEY-----` | the same |
//! | OpenSSL's of DSA | `-----BEGIN DSA PRIVATE KEY-----` | the same |
//! | PKCS#8 (RFC 5958) | `-----BEGIN PRIVATE KEY-----` | none |
//! | | `-----BEGIN ENCRYPTED PRIVATE KEY-----` | PBES2 (RFC 8018): PBKDF2 or scrypt with AES or Triple-DES |
//! | PuTTY's, version 2 | `PuTTY-User-Key-File-2:` | SHA-1 with AES in CBC |
//! | PuTTY's, version 3 | `PuTTY-User-Key-File-3:` | Argon2 with AES in CBC |
//!
//! [`PrivateKeyFile::parse`] reads any of them, and [`PrivateKeyFile::decrypt`] gives the key. What comes out agrees
//! with itself: the public half is recomputed from the private one and compared with the file's. Line endings, text
//! around a key in PEM and blank lines don't matter. [`write_openssh`] writes OpenSSH's format, and
//! [`KeyLine`] the public key beside it; [`read_public_key`] reads that and other files of public keys.
//!
//! # Bounds
//!
//! A file from a stranger can't make its reader hang or run out of memory; what is over these bounds is refused as
//! [`KeyFileErrorKind::TooCostly`]. At a bound a decryption takes half a minute at most.
//!
//! | what | at most |
//! | --- | --- |
//! | the file | 1 MiB |
//! | rounds of bcrypt | 4096 |
//! | iterations of PBKDF2 | 10,000,000 |
//! | memory of scrypt | 256 MiB, and 4 GiB mixed in all lanes together |
//! | memory of Argon2 | 256 MiB, and 8 GiB filled in all passes together; 64 lanes |

mod cipher;
mod der;
mod error;
mod legacy_pem;
mod openssh;
mod pem;
mod pkcs8;
mod ppk;
mod private;
mod public;
mod scrypt;
mod write;

pub use error::{KeyFileError, KeyFileErrorKind};
pub(crate) use openssh::private_key as read_private_key;
pub use public::read_public_key;
pub use ssh_crypto::key::KeyLine;
pub use write::{DEFAULT_ROUNDS, write_openssh};

use pem::Block;
use ssh_crypto::{PrivateKey, PublicKey, on_wiped_stack};
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
    LegacyPem(legacy_pem::Encrypted),
    Pkcs8(pkcs8::Encrypted),
    Ppk(Box<ppk::Sealed>),
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
    /// `DSA PRIVATE KEY`.
    Dsa,
    /// `PRIVATE KEY` and `ENCRYPTED PRIVATE KEY`.
    Pkcs8,
    /// PuTTY's, version 2.
    Ppk2,
    /// PuTTY's, version 3.
    Ppk3,
}

impl PrivateKeyFile {
    /// Reads a file as far as it can be read without a passphrase.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyFileError> {
        if bytes.len() > MAX_FILE {
            return Err(KeyFileError::too_costly("file of more than 1 MiB"));
        }
        on_wiped_stack::<STACK, _>(|| Self::read(bytes))
    }

    fn read(bytes: &[u8]) -> Result<Self, KeyFileError> {
        if ppk::version(bytes).is_some() {
            return ppk::parse(bytes);
        }
        let Some(block) = Block::find(bytes, |label| format_of(label).is_some())? else {
            return Err(unknown(bytes));
        };
        match format_of(block.label) {
            None => Err(unknown(bytes)),
            Some(Format::OpenSsh) => openssh::parse(&block.data),
            Some(Format::Pkcs8) if block.label == ENCRYPTED_PKCS8 => {
                let encrypted = pkcs8::Encrypted::parse(&block.data)?;
                Ok(Self::opaque(Format::Pkcs8, Contents::Pkcs8(encrypted)))
            }
            Some(format) => match legacy_pem::Encrypted::of(&block, format)? {
                Some(encrypted) => Ok(Self::opaque(format, Contents::LegacyPem(encrypted))),
                None => {
                    let key = der::decode(format, &block.data)?;
                    let public = Some(key.public_key());
                    Ok(Self { format, public, comment: None, contents: Contents::Plain(key) })
                }
            },
        }
    }

    fn opaque(format: Format, contents: Contents) -> Self {
        Self { format, public: None, comment: None, contents }
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
        on_wiped_stack::<STACK, _>(|| self.open(passphrase))
    }

    fn open(&self, passphrase: Option<&[u8]>) -> Result<(PrivateKey, Option<String>), KeyFileError> {
        let passphrase = || passphrase.ok_or_else(KeyFileError::passphrase_needed);
        match &self.contents {
            Contents::Plain(key) => Ok((key.clone(), self.comment.clone())),
            Contents::OpenSsh(encrypted) => {
                let (key, comment) = encrypted.decrypt(passphrase()?)?;
                Ok((key, Some(comment)))
            }
            Contents::LegacyPem(encrypted) => Ok((encrypted.decrypt(passphrase()?)?, None)),
            Contents::Pkcs8(encrypted) => Ok((encrypted.decrypt(passphrase()?)?, None)),
            Contents::Ppk(sealed) => Ok((sealed.decrypt(passphrase()?)?, self.comment.clone())),
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
/// KiB of stack that is wiped after a file was read, opened or written, and already after each step that computes with the
/// passphrase or what is derived of it: the key that is read then lies where that was.
const STACK: usize = 64;

const ENCRYPTED_PKCS8: &str = "ENCRYPTED PRIVATE KEY";

fn format_of(label: &str) -> Option<Format> {
    match label {
        "OPENSSH PRIVATE KEY" => Some(Format::OpenSsh),
        "RSA PRIVATE KEY" => Some(Format::Pkcs1),
        "EC PRIVATE KEY" => Some(Format::Sec1),
        "DSA PRIVATE KEY" => Some(Format::Dsa),
        "PRIVATE KEY" | ENCRYPTED_PKCS8 => Some(Format::Pkcs8),
        _ => None,
    }
}

/// Says what the file is instead, if that can be seen.
fn unknown(bytes: &[u8]) -> KeyFileError {
    let kinds: [(&[u8], &str); 2] = [
        (b"SSH PRIVATE KEY FILE FORMAT 1.1", "key of SSH protocol 1"),
        (b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", "key in the format of ssh.com"),
    ];
    for (start, name) in kinds {
        if bytes.starts_with(start) {
            return KeyFileError::unsupported(name);
        }
    }
    KeyFileError::new(KeyFileErrorKind::UnknownFormat, "")
}
