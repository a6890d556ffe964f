//! What ends an authentication early: a peer that breaks the protocol.

use ssh_wire::DecodeError;

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
            Cause::Service { .. } => ErrorKind::Service,
            Cause::Limit(_) => ErrorKind::Limit,
            Cause::TooManyAttempts => ErrorKind::TooManyAttempts,
            Cause::Usage(_) => ErrorKind::Usage,
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

    pub(crate) fn service(found: &[u8], expected: &str) -> Self {
        let found = String::from_utf8_lossy(&found[..found.len().min(64)]).into_owned();
        Cause::Service { found, expected: expected.to_owned() }.into()
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
    #[error("the peer means the service {found:?} where {expected:?} was expected")]
    Service { found: String, expected: String },
    #[error("the peer sent {0}")]
    Limit(&'static str),
    #[error("too many failed attempts")]
    TooManyAttempts,
    #[error("{0}")]
    Usage(&'static str),
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self { cause }
    }
}
