//! Why a connection's transport failed.

use crate::{Disconnected, negotiate::NothingInCommon, text};
use ssh_crypto::{KexError, KeyError, RandomError, SignError};
use ssh_wire::{DecodeError, PacketError, ident::IdentError, number::disconnect};
use std::{fmt, time::Duration};

/// Why the transport failed. What the peer said in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Cause>);

/// Whose fault an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer is no SSH server or client, or of another version.
    Identification,
    /// The peer broke the protocol.
    Protocol,
    /// Both sides have no algorithm of some kind in common; see [`Error::nothing_in_common`].
    NothingInCommon,
    /// The host key or its signature does not hold, it changed during the session, or it was rejected.
    HostKey,
    /// A packet was changed on the way, or a key exchange was tampered with.
    Integrity,
    /// The caller's mistake: a configuration that can't work, or a call out of order.
    Usage,
    /// One of the sides sent DISCONNECT.
    Disconnected,
    /// The key exchange took too long.
    Timeout,
    /// A cryptographic operation or the source of random bytes failed on this side.
    Crypto,
}

impl Error {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Cause::Identification(_) => ErrorKind::Identification,
            Cause::Decode { .. }
            | Cause::Unexpected { .. }
            | Cause::Flood(_)
            | Cause::Early(_)
            | Cause::NoKex => ErrorKind::Protocol,
            Cause::Corrupt(_) | Cause::Strict(_) => ErrorKind::Integrity,
            Cause::Packet(_) => ErrorKind::Protocol,
            Cause::NothingInCommon(_) => ErrorKind::NothingInCommon,
            Cause::Kex { error: KexError::Random(_) | KexError::Internal(_), .. } => ErrorKind::Crypto,
            Cause::Kex { .. } => ErrorKind::Protocol,
            Cause::HostKey(_) | Cause::Signature(_) | Cause::HostKeyChanged | Cause::HostKeyRejected => {
                ErrorKind::HostKey
            }
            Cause::Usage(_) => ErrorKind::Usage,
            Cause::Disconnected(_) | Cause::Closed => ErrorKind::Disconnected,
            Cause::Timeout { .. } => ErrorKind::Timeout,
            Cause::Sign(_) | Cause::Random(_) => ErrorKind::Crypto,
        }
    }

    /// What each side has, if that is what failed.
    pub fn nothing_in_common(&self) -> Option<&NothingInCommon> {
        match &*self.0 {
            Cause::NothingInCommon(lists) => Some(lists),
            _ => None,
        }
    }

    /// What the peer said when it ended the session, if that is what happened.
    pub fn disconnected(&self) -> Option<&Disconnected> {
        match &*self.0 {
            Cause::Disconnected(disconnected) => Some(disconnected),
            _ => None,
        }
    }

    /// The reason code (RFC 4253 §11.1) that tells the peer of this error, or `None` if it need not be told.
    pub fn disconnect_reason(&self) -> Option<u32> {
        match (&*self.0, self.kind()) {
            (Cause::Identification(IdentError::Version(_)), _) => {
                Some(disconnect::PROTOCOL_VERSION_NOT_SUPPORTED)
            }
            (Cause::Identification(_) | Cause::Closed | Cause::Disconnected(_), _) => None,
            (Cause::Packet(PacketError::Decompress(_)), _) => Some(disconnect::COMPRESSION_ERROR),
            (Cause::Strict(_), _) => Some(disconnect::KEY_EXCHANGE_FAILED),
            (_, ErrorKind::Integrity) => Some(disconnect::MAC_ERROR),
            (_, ErrorKind::HostKey) => Some(disconnect::HOST_KEY_NOT_VERIFIABLE),
            (_, ErrorKind::NothingInCommon | ErrorKind::Crypto | ErrorKind::Timeout) => {
                Some(disconnect::KEY_EXCHANGE_FAILED)
            }
            (Cause::Kex { .. }, _) => Some(disconnect::KEY_EXCHANGE_FAILED),
            _ => Some(disconnect::PROTOCOL_ERROR),
        }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Cause::Usage(text.into()).into()
    }

    pub(crate) fn decode(message: &'static str, error: DecodeError) -> Self {
        Cause::Decode { message, error }.into()
    }

    pub(crate) fn unexpected(number: u8, state: &'static str) -> Self {
        Cause::Unexpected { number, state }.into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// What happened, in this crate's own terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Cause {
    #[error(transparent)]
    Identification(#[from] IdentError),
    #[error("peer broke the protocol: {0}")]
    Packet(PacketError),
    #[error("the connection garbles data, or somebody changes them on the way: {0}")]
    Corrupt(PacketError),
    #[error("peer broke the protocol: {message}: {error}")]
    Decode { message: &'static str, error: DecodeError },
    #[error("peer broke the protocol: message {number} has no place {state}")]
    Unexpected { number: u8, state: &'static str },
    #[error("peer broke the protocol: {0} before its identification string")]
    Early(&'static str),
    #[error("peer sends {0} without end while it reads no answers")]
    Flood(&'static str),
    #[error(
        "peer takes no key exchange now; OpenSSH takes none between the first and the end of the authentication"
    )]
    NoKex,
    #[error("strict key exchange: {0}; somebody may be changing the packets on the way")]
    Strict(&'static str),
    #[error("{0}")]
    NothingInCommon(NothingInCommon),
    #[error("key exchange {method}: {error}")]
    Kex { method: &'static str, error: KexError },
    #[error("host key: {0}")]
    HostKey(KeyError),
    #[error("the host does not prove that it owns its key: {0}")]
    Signature(SignError),
    #[error("the host key changed during the session")]
    HostKeyChanged,
    #[error("the host key was not accepted")]
    HostKeyRejected,
    #[error("{0}")]
    Usage(String),
    #[error("peer disconnected: {0}")]
    Disconnected(Disconnected),
    #[error("the session is closed")]
    Closed,
    #[error("{what} took longer than {limit:?}")]
    Timeout { what: &'static str, limit: Duration },
    #[error("host key: {0}")]
    Sign(SignError),
    #[error(transparent)]
    Random(RandomError),
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self(Box::new(cause))
    }
}

impl From<IdentError> for Error {
    fn from(error: IdentError) -> Self {
        Cause::Identification(error).into()
    }
}

impl From<RandomError> for Error {
    fn from(error: RandomError) -> Self {
        Cause::Random(error).into()
    }
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description.is_empty() {
            true => write!(f, "reason {}", self.reason),
            false => write!(f, "{} (reason {})", self.description, self.reason),
        }
    }
}

impl Disconnected {
    pub(crate) fn new(reason: u32, description: &[u8]) -> Self {
        Self { reason, description: text::printable(description) }
    }
}
