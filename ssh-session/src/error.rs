//! What can go wrong, sorted by who can mend it.

use ssh_auth::client::Attempt;
use ssh_wire::number::disconnect;
use std::{fmt, io, sync::Arc, time::Duration};

/// An error of a session, or of what leads to one. It is cheap to clone: a session that ends tells every waiting call the same.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    attempts: Vec<Attempt>,
    /// What the peer is told, if not what fits the kind.
    reason: Option<u32>,
}

impl Inner {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None, attempts: Vec::new(), reason: None }
    }
}

impl From<Inner> for Error {
    fn from(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name could not be resolved, or no address of it answered.
    Connect,
    /// The time set for a phase is over.
    Timeout(Phase),
    /// The network failed, or the peer went away without a word.
    Io,
    /// The peer is no SSH server, or broke the protocol.
    Protocol,
    /// A packet was damaged or forged.
    Integrity,
    /// Peer and configuration have no algorithm in common.
    NothingInCommon,
    /// The host key was not accepted.
    HostKey,
    /// No credential was enough: see [`Error::attempts`]. Server: too many were not.
    Authentication,
    /// The peer ended the session and said why.
    Disconnected,
    /// The session or the channel was closed from this side, or is used up.
    Closed,
    /// The peer refused to open a channel.
    ChannelRefused,
    /// The peer refused a request.
    RequestRefused,
    /// The configuration or a call can't be right.
    Usage,
    /// A file could not be read or used.
    File,
    /// The cryptographic library failed.
    Crypto,
    /// The agent can't be reached, refused, or can't be understood.
    Agent,
    /// Nothing can be read or written now, and the call was not to wait.
    WouldBlock,
}

/// What was going on when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Resolving and connecting.
    Connect,
    /// The identification strings and the first key exchange.
    Handshake,
    /// The server's answer to an authentication request.
    Authentication,
    /// The answer to the request to open a channel.
    Open,
    /// A channel that the peer opens, or another thing that it asks for.
    Accept,
    /// The answer to a request.
    Request,
    /// Data to read.
    Read,
    /// Room to write.
    Write,
    /// The end of a command.
    Wait,
    /// A later key exchange.
    Rekey,
    /// Any sign of life: keepalives were not answered.
    Keepalive,
    /// The agent's answer.
    Agent,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Handshake => "waiting for the peer's part of the key exchange",
            Self::Authentication => "waiting for the server's answer to the authentication",
            Self::Open => "waiting for the channel to open",
            Self::Accept => "waiting for the peer to ask for something",
            Self::Request => "waiting for the answer to a request",
            Self::Read => "waiting for data",
            Self::Write => "waiting for room to write",
            Self::Wait => "waiting for the command to end",
            Self::Rekey => "exchanging new keys",
            Self::Keepalive => "waiting for the peer to answer keepalives",
            Self::Agent => "waiting for the agent",
        })
    }
}

impl Error {
    /// An error of one kind, told by `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Inner::new(kind, message).into()
    }

    /// The same, caused by `source`, which is shown behind the message.
    pub fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        let source: Option<Box<dyn std::error::Error + Send + Sync>> = Some(Box::new(source));
        Inner { source, ..Inner::new(kind, message) }.into()
    }

    /// The time set for `phase` is over.
    pub fn timeout(phase: Phase, after: Duration) -> Self {
        // Nobody wants to read nanoseconds.
        let after = Duration::from_millis(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        Self::new(ErrorKind::Timeout(phase), format!("timed out after {after:?} {phase}"))
    }

    /// `what` is closed.
    pub fn closed(what: &str) -> Self {
        Self::new(ErrorKind::Closed, format!("{what} is closed"))
    }

    /// None of the attempts was enough to log `user` in; `notes` tell what could not even be tried.
    pub fn authentication(user: &str, attempts: &[Attempt], notes: &[String]) -> Self {
        let mut message = format!("authentication of {user:?} failed");
        if attempts.is_empty() {
            message.push_str(": no credential was given that could be tried");
        }
        for attempt in attempts {
            message.push_str("\n  ");
            message.push_str(&attempt.to_string());
        }
        for note in notes {
            message.push_str("\n  ");
            message.push_str(note);
        }
        Inner { attempts: attempts.to_vec(), ..Inner::new(ErrorKind::Authentication, message) }.into()
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What caused this error, if it was another one: the message tells it, too, which is why
    /// [`source`](std::error::Error::source) does not.
    pub fn get_ref(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.inner.source.as_deref()
    }

    /// Every authentication attempt, in order, with the server's answer; empty for other kinds of errors.
    pub fn attempts(&self) -> &[Attempt] {
        &self.inner.attempts
    }

    /// The reason code (RFC 4253 §11.1) and the text that tell the peer of this error, if it is to be told.
    pub(crate) fn disconnect(&self) -> Option<(u32, String)> {
        let reason = self.inner.reason.or(match self.kind() {
            ErrorKind::Protocol => Some(disconnect::PROTOCOL_ERROR),
            ErrorKind::Integrity => Some(disconnect::MAC_ERROR),
            ErrorKind::NothingInCommon | ErrorKind::Crypto => Some(disconnect::KEY_EXCHANGE_FAILED),
            ErrorKind::HostKey => Some(disconnect::HOST_KEY_NOT_VERIFIABLE),
            ErrorKind::Authentication => Some(disconnect::NO_MORE_AUTH_METHODS_AVAILABLE),
            ErrorKind::Closed | ErrorKind::Timeout(_) => Some(disconnect::BY_APPLICATION),
            _ => None,
        })?;
        // What the peer did, or did not do. Other errors may name what is this side's own business.
        let is_told = matches!(self.kind(), ErrorKind::Protocol | ErrorKind::Timeout(_));
        let text = if is_told || self.inner.reason.is_some() { self.to_string() } else { String::new() };
        Some((reason, text))
    }

    /// Whether the time set for a phase is over.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(source) = &self.inner.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Timeout(_) => io::ErrorKind::TimedOut,
            ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::Closed => io::ErrorKind::NotConnected,
            ErrorKind::Disconnected => io::ErrorKind::ConnectionAborted,
            ErrorKind::Io => io::ErrorKind::ConnectionReset,
            ErrorKind::HostKey | ErrorKind::Authentication => io::ErrorKind::PermissionDenied,
            ErrorKind::ChannelRefused | ErrorKind::RequestRefused => io::ErrorKind::ConnectionRefused,
            ErrorKind::Usage => io::ErrorKind::InvalidInput,
            ErrorKind::Protocol | ErrorKind::Integrity => io::ErrorKind::InvalidData,
            _ => {
                let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Self>());
                cause.map_or(io::ErrorKind::Other, Self::kind)
            }
        };
        Self::new(kind, error)
    }
}

impl From<ssh_kex::Error> for Error {
    fn from(error: ssh_kex::Error) -> Self {
        use ssh_kex::ErrorKind as Kex;
        let kind = match error.kind() {
            Kex::Protocol | Kex::Identification => ErrorKind::Protocol,
            Kex::NothingInCommon => ErrorKind::NothingInCommon,
            Kex::HostKey => ErrorKind::HostKey,
            Kex::Integrity => ErrorKind::Integrity,
            Kex::Usage => ErrorKind::Usage,
            Kex::Disconnected => ErrorKind::Disconnected,
            Kex::Timeout => ErrorKind::Timeout(Phase::Rekey),
            _ => ErrorKind::Crypto,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ssh_auth::Error> for Error {
    fn from(error: ssh_auth::Error) -> Self {
        let kind = match error.kind() {
            ssh_auth::ErrorKind::TooManyAttempts => ErrorKind::Authentication,
            ssh_auth::ErrorKind::Usage => ErrorKind::Usage,
            _ => ErrorKind::Protocol,
        };
        Inner { reason: error.disconnect_reason(), ..Inner::new(kind, error.to_string()) }.into()
    }
}

impl From<ssh_connection::Error> for Error {
    fn from(error: ssh_connection::Error) -> Self {
        let kind = match error.kind() {
            ssh_connection::ErrorKind::Usage | ssh_connection::ErrorKind::Limit => ErrorKind::Usage,
            ssh_connection::ErrorKind::Closed => ErrorKind::Closed,
            _ => ErrorKind::Protocol,
        };
        Self::new(kind, error.to_string())
    }
}
