//! What ends an authentication early: a peer that breaks the protocol.

use ssh_wire::{DecodeError, number::disconnect};

/// The peer broke the protocol or went beyond a bound, or the caller answered what was not asked. The engine that
/// returned it is over, unless it is of the kind [`ErrorKind::Usage`].
///
/// An authentication that merely did not succeed is no error but an event; each attempt tells why it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Error {
    cause: Cause,
}

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A message that can't be decoded or that the state does not allow.
    Protocol,
    /// The peer asks for a service that is not there, or starts another than was asked for.
    Service,
    /// The peer sent more than anyone needs: banners, prompts, rounds, requests.
    Limit,
    /// A server's client failed too often.
    TooManyAttempts,
    /// The caller answered a question that is not open.
    Usage,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self.cause {
            Cause::Decode(..) | Cause::Unexpected { .. } | Cause::Violation(_) => ErrorKind::Protocol,
            Cause::NoService { .. } | Cause::OtherService { .. } => ErrorKind::Service,
            Cause::Limit(_) => ErrorKind::Limit,
            Cause::TooManyAttempts => ErrorKind::TooManyAttempts,
            Cause::Usage(_) => ErrorKind::Usage,
        }
    }

    /// The reason code (RFC 4253 §11.1) that tells the peer of this error, or `None` if it is none of the peer's.
    pub fn disconnect_reason(&self) -> Option<u32> {
        match self.cause {
            // RFC 4253 §10, RFC 4252 §5.
            Cause::NoService { .. } => Some(disconnect::SERVICE_NOT_AVAILABLE),
            // RFC 4252 §4 has the client sent away. It broke no rule.
            Cause::TooManyAttempts => Some(disconnect::NO_MORE_AUTH_METHODS_AVAILABLE),
            Cause::Usage(_) => None,
            _ => Some(disconnect::PROTOCOL_ERROR),
        }
    }

    pub(crate) fn decode(message: &'static str) -> impl FnOnce(DecodeError) -> Self {
        move |error| Cause::Decode(message, error).into()
    }

    pub(crate) fn unexpected(number: u8, state: &'static str) -> Self {
        Cause::Unexpected { number, state }.into()
    }

    pub(crate) fn violation(what: &'static str) -> Self {
        Cause::Violation(what).into()
    }

    pub(crate) fn no_service(found: &[u8], only: &str) -> Self {
        Cause::NoService { found: name(found), only: only.to_owned() }.into()
    }

    pub(crate) fn other_service(found: &[u8], asked: &str) -> Self {
        Cause::OtherService { found: name(found), asked: asked.to_owned() }.into()
    }

    pub(crate) fn limit(what: &'static str) -> Self {
        Cause::Limit(what).into()
    }

    pub(crate) fn usage(what: &'static str) -> Self {
        Cause::Usage(what).into()
    }

    pub(crate) fn too_many_attempts() -> Self {
        Cause::TooManyAttempts.into()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Cause {
    #[error("{0} from the peer can't be decoded: {1}")]
    Decode(&'static str, DecodeError),
    #[error("message {number} from the peer {state}")]
    Unexpected { number: u8, state: &'static str },
    #[error("{0}")]
    Violation(&'static str),
    #[error("there is no service {found:?}, but {only:?} alone")]
    NoService { found: String, only: String },
    #[error("the peer starts the service {found:?} where {asked:?} was asked for")]
    OtherService { found: String, asked: String },
    #[error("the peer sent {0}")]
    Limit(&'static str),
    #[error("too many failed attempts")]
    TooManyAttempts,
    #[error("{0}")]
    Usage(&'static str),
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned()
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self { cause }
    }
}
