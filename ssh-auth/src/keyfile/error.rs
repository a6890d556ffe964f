//! Why a private key file could not be read or written.

use std::{borrow::Cow, fmt};

/// Why a private key file could not be read or written; [`KeyFileError::kind`] is for programs, the text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFileError {
    kind: KeyFileErrorKind,
    detail: Cow<'static, str>,
}

/// What a [`KeyFileError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFileErrorKind {
    /// The passphrase does not open the file. Where the format has no checksum over what is encrypted, damage there
    /// can't be told from a wrong passphrase and is reported so, too.
    WrongPassphrase,
    /// The file is encrypted and no passphrase was given.
    PassphraseNeeded,
    /// The file is of a known format, but broken; the text says where.
    Damaged,
    /// The bytes are no private key file of any format known here.
    UnknownFormat,
    /// An algorithm, key type or variant that is not supported; the text names it.
    Unsupported,
    /// Opening the file would cost more time or memory than the bounds in the module's documentation allow.
    TooCostly,
    /// The source of random bytes failed while a file was written.
    Random,
}

impl KeyFileError {
    /// What the error is about.
    pub fn kind(&self) -> KeyFileErrorKind {
        self.kind
    }

    pub(super) fn new(kind: KeyFileErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) fn damaged(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyFileErrorKind::Damaged, detail)
    }

    pub(super) fn unsupported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyFileErrorKind::Unsupported, detail)
    }

    pub(super) fn too_costly(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyFileErrorKind::TooCostly, detail)
    }

    pub(super) fn wrong_passphrase() -> Self {
        Self::new(KeyFileErrorKind::WrongPassphrase, "")
    }

    pub(super) fn passphrase_needed() -> Self {
        Self::new(KeyFileErrorKind::PassphraseNeeded, "")
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            KeyFileErrorKind::WrongPassphrase => "wrong passphrase for private key",
            KeyFileErrorKind::PassphraseNeeded => "private key is encrypted and needs a passphrase",
            KeyFileErrorKind::Damaged => "private key file is damaged",
            KeyFileErrorKind::UnknownFormat => "not a private key file",
            KeyFileErrorKind::Unsupported => "private key file not supported",
            KeyFileErrorKind::TooCostly => "private key file asks for too much work",
            KeyFileErrorKind::Random => "no random bytes to write a private key file",
        })?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl std::error::Error for KeyFileError {}
