//! The agent that keeps a user's keys: to list, use, add, remove and lock them (draft-ietf-sshm-ssh-agent).
//!
//! ```no_run
//! use ssh_client::{Config, Credential, agent::{Agent, AgentKeys}};
//!
//! let agent = Agent::connect()?;
//! for identity in agent.list()? {
//!     println!("{}", identity.comment);
//! }
//! // All its keys, one after the other:
//! let config = Config::new("alice").credential(Credential::agent(agent.clone()));
//! // Those that are named only:
//! let line = std::fs::read_to_string("/home/alice/.ssh/id_ed25519.pub")?;
//! let (key, _) = ssh_client::PublicKey::from_line(&line)?;
//! let config = Config::new("alice").credential(AgentKeys::new(agent).only(&[key]).into());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All calls wait for the agent's answer on the calling thread, each with a [timeout](Agent::set_timeouts). Tasks that log
//! in with its keys wait for it without a thread, over a connection of their own to the same socket.

mod connection;
mod keys;
mod signer;

pub(crate) use connection::Binding;
#[cfg(all(unix, feature = "tokio"))]
pub(crate) use connection::{bind_request, framed, is_bound, start};
pub use keys::AgentKeys;
pub use signer::AgentSigner;
#[cfg(all(unix, feature = "tokio"))]
pub(crate) use signer::algorithms;
pub(crate) use signer::key_type;
pub use ssh_auth::agent::{AddedKey, Constraint, Destination, HopHost, Identity};

use crate::{Error, ErrorKind};
use connection::{Connection, Link};
use ssh_auth::{
    agent::{Frames, Reply, Request, sign_flags},
    method::publickey::signature_algorithm,
};
use ssh_crypto::Signer;
use ssh_session::blocking;
use ssh_wire::Reader;
use std::{
    fmt,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use zeroize::Zeroizing;

/// The environment variable that names the agent's socket.
pub const SOCKET_VARIABLE: &str = "SSH_AUTH_SOCK";

/// A connection to an agent. It is a handle: clones share the connection, and so do the signers it gives; requests of
/// several threads follow each other.
///
/// A connection that failed is made anew by the next request, unless it was [given](Agent::over) by the caller. Errors
/// are of the kind [`ErrorKind::Agent`] where the agent refuses or can't be understood.
#[derive(Clone)]
pub struct Agent {
    connection: Arc<Mutex<Connection>>,
    /// Beside the connection, which is locked for as long as a person takes.
    timeouts: Arc<Mutex<AgentTimeouts>>,
    /// Where it listens, if a connection can be made there.
    path: Option<Arc<Path>>,
}

/// Which server a session goes to, proved by that server: an agent that learns it lets keys be used that are limited to
/// their destinations (`ssh-add -h`). [`Login::binding`](crate::blocking::Login::binding) gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionBinding {
    /// The server's host key blob.
    pub host_key: Vec<u8>,
    /// The session identifier.
    pub session_id: Vec<u8>,
    /// The server's signature over it.
    pub signature: Vec<u8>,
}

impl SessionBinding {
    pub(crate) fn of(session: &blocking::Connection) -> Option<Self> {
        Some(Self {
            host_key: session.host_key()?,
            session_id: session.session_id(),
            signature: session.host_signature()?,
        })
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn of_tasks(session: &ssh_session::tokio::Connection) -> Option<Self> {
        Some(Self {
            host_key: session.host_key()?,
            session_id: session.session_id(),
            signature: session.host_signature()?,
        })
    }
}

/// How long an agent may take to answer; `None` waits for ever. Streams that the caller [gives](Agent::over) keep the
/// time themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentTimeouts {
    /// Requests that need nobody's attention.
    pub request: Option<Duration>,
    /// Signatures, and what else may wait for a person: a confirmation, a touch, a PIN.
    pub person: Option<Duration>,
}

impl AgentTimeouts {
    pub(crate) fn of(&self, request: &Request<'_>) -> Option<Duration> {
        match request {
            Request::Sign { .. }
            | Request::Add { .. }
            | Request::AddToken { .. }
            | Request::Extension { .. } => self.person,
            _ => self.request,
        }
    }
}

impl Default for AgentTimeouts {
    fn default() -> Self {
        Self { request: Some(Duration::from_secs(10)), person: Some(Duration::from_secs(120)) }
    }
}

impl Agent {
    /// The agent that the environment names in [`SOCKET_VARIABLE`]; on Windows without it the one of the system.
    pub fn connect() -> Result<Self, Error> {
        Self::connect_to(named_by_environment()?)
    }

    /// The agent at this socket, or named pipe of Windows.
    pub fn connect_to(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let agent = Self::at(path);
        let timeouts = *agent.timeouts();
        agent.connection().connect(timeouts)?;
        Ok(agent)
    }

    /// The same, connected to by the first request only: for tasks, which must not wait here.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path: Arc<Path> = path.into().into();
        Self::new(Connection::to(path.clone()), AgentTimeouts::default(), Some(path))
    }

    /// The agent at the other end of a stream, whose timeouts hold.
    pub fn over(stream: impl Read + Write + Send + 'static) -> Self {
        Self::new(Connection::over(Link::new(stream)), AgentTimeouts::default(), None)
    }

    fn new(connection: Connection, timeouts: AgentTimeouts, path: Option<Arc<Path>>) -> Self {
        let (connection, timeouts) = (Arc::new(Mutex::new(connection)), Arc::new(Mutex::new(timeouts)));
        Self { connection, timeouts, path }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the reply, in time.
    fn exchange(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let timeouts = *self.timeouts();
        self.connection().exchange(request, timeouts)
    }

    pub(crate) fn timeouts(&self) -> MutexGuard<'_, AgentTimeouts> {
        self.timeouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens, if a connection can be made there.
    #[cfg(all(unix, feature = "tokio"))]
    pub(crate) fn path(&self) -> Option<&Arc<Path>> {
        self.path.as_ref()
    }

    /// Sets how long the agent may take.
    pub fn set_timeouts(&self, timeouts: AgentTimeouts) {
        *self.timeouts() = timeouts;
    }

    /// Another connection to the same agent, over which keys log in to this session's server (`session-bind@openssh.com`,
    /// OpenSSH PROTOCOL.agent §1): keys that are limited to other destinations are not shown there, and those limited
    /// to this one sign. [`Credential::Agent`](crate::Credential::Agent) does this by itself.
    ///
    /// A connection that was [given](Agent::over) can't be doubled: it is bound itself, and can serve no other session.
    /// With agents that do not know of sessions nothing changes.
    pub fn bound_to(&self, session: &SessionBinding) -> Result<Self, Error> {
        self.bind(&Binding { session: session.clone(), is_forwarding: false })
    }

    /// Another connection to the same agent, which is passed on to this session's server: as [`Agent::bound_to`], but
    /// keys are used there as if that server's host asked. See [`Agent::relay`].
    pub fn forwarded_to(&self, session: &SessionBinding) -> Result<Self, Error> {
        self.bind(&Binding { session: session.clone(), is_forwarding: true })
    }

    fn bind(&self, binding: &Binding) -> Result<Self, Error> {
        let timeouts = *self.timeouts();
        let Some(path) = &self.path else {
            self.connection().bind(binding, timeouts);
            return Ok(self.clone());
        };
        let another = Connection::bound(path.clone(), binding, timeouts)?;
        Ok(Self::new(another, timeouts, Some(path.clone())))
    }

    /// Passes requests that come from `stream` on to the agent, and its replies back, until the stream ends. So an agent
    /// is forwarded: each channel that a server opens for it gets a connection of its own, from
    /// [`Agent::forwarded_to`].
    ///
    /// # Errors
    /// The stream fails, or the agent.
    pub fn relay(&self, mut stream: impl Read + Write) -> Result<(), Error> {
        let lost = |error| Error::with_source(ErrorKind::Io, "forwarded connection with the agent", error);
        let mut frames = Frames::new();
        let mut buffer = Zeroizing::new([0; 4096]);
        loop {
            let request = frames.next_frame().map_err(|error| {
                Error::with_source(ErrorKind::Protocol, "forwarded request to the agent", error)
            })?;
            if let Some(request) = request {
                let person = self.timeouts().person;
                let reply = self.connection().relay(&request, person)?;
                let length = u32::try_from(reply.len()).unwrap_or(u32::MAX).to_be_bytes();
                stream.write_all(&length).and_then(|()| stream.write_all(&reply)).map_err(lost)?;
                stream.flush().map_err(lost)?;
                continue;
            }
            match stream.read(&mut buffer[..]) {
                Ok(0) => return Ok(()),
                Ok(n) => frames.push(&buffer[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }

    /// The keys and certificates it keeps, in its order; none while it is locked.
    pub fn list(&self) -> Result<Vec<Identity>, Error> {
        identities(self.exchange(&Request::Identities)?)
    }

    /// A signature blob over `data`, made by the key with this blob (or that of its certificate) under `algorithm`:
    /// `rsa-sha2-512`, or its name for a certificate.
    pub fn sign(&self, public_key: &[u8], algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        let algorithm = signature_algorithm(algorithm);
        let request = Request::Sign { public_key, data, flags: sign_flags(&algorithm) };
        signature(self.exchange(&request)?, &algorithm)
    }

    /// Lets it keep a key, as limited as `constraints` say. An agent that does not know a constraint refuses the key.
    pub fn add(&self, key: AddedKey, comment: &str, constraints: &[Constraint]) -> Result<(), Error> {
        let (key, constraints) = (Box::new(key), constraints.to_vec());
        self.done(&Request::Add { key, comment: comment.as_bytes(), constraints }, "the key")
    }

    /// Lets it forget the key or certificate with this blob.
    pub fn remove(&self, public_key: &[u8]) -> Result<(), Error> {
        self.done(&Request::Remove { public_key }, "to remove the key")
    }

    /// Lets it forget all keys.
    pub fn remove_all(&self) -> Result<(), Error> {
        self.done(&Request::RemoveAll, "to remove its keys")
    }

    /// Lets it use the keys on a token, through the PKCS#11 library at this path. Agents accept libraries of few
    /// directories only (`ssh-agent -P`).
    pub fn add_token(&self, provider: &str, pin: &[u8], constraints: &[Constraint]) -> Result<(), Error> {
        let (provider, constraints) = (provider.as_bytes(), constraints.to_vec());
        self.done(&Request::AddToken { provider, pin, constraints }, "the token")
    }

    /// Lets it forget the keys on a token.
    pub fn remove_token(&self, provider: &str) -> Result<(), Error> {
        self.done(&Request::RemoveToken { provider: provider.as_bytes(), pin: b"" }, "to remove the token")
    }

    /// Locks it: until it is unlocked with the same passphrase, it lists nothing and signs nothing.
    pub fn lock(&self, passphrase: &[u8]) -> Result<(), Error> {
        self.done(&Request::Lock { passphrase }, "to be locked")
    }

    /// Ends a lock.
    pub fn unlock(&self, passphrase: &[u8]) -> Result<(), Error> {
        self.done(&Request::Unlock { passphrase }, "to be unlocked")
    }

    /// Sends an extension's request, `data` being its fields, and answers with what comes back, if there is anything.
    pub fn extension(&self, name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        extension(self.exchange(&Request::Extension { name: name.as_bytes(), data })?, name)
    }

    fn done(&self, request: &Request<'_>, what: &str) -> Result<(), Error> {
        done(&self.exchange(request)?, what)
    }

    /// One signer for each key that can be used without legacy algorithms, in the agent's order.
    pub fn signers(&self) -> Result<Vec<Arc<dyn Signer>>, Error> {
        let signers = self.list()?.into_iter().map(|identity| AgentSigner::new(self.clone(), identity));
        let usable = signers.filter(|signer| !signer.algorithms().is_empty());
        Ok(usable.map(|signer| Arc::new(signer) as Arc<dyn Signer>).collect())
    }
}

/// The socket that the environment names.
pub(crate) fn named_by_environment() -> Result<PathBuf, Error> {
    let path = std::env::var_os(SOCKET_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = path.or_else(|| cfg!(windows).then(|| PathBuf::from(r"\\.\pipe\openssh-ssh-agent")));
    path.ok_or_else(|| Error::new(ErrorKind::Agent, format!("no agent: {SOCKET_VARIABLE} is not set")))
}

pub(crate) fn identities(reply: Reply) -> Result<Vec<Identity>, Error> {
    match reply {
        Reply::Identities(identities) => Ok(identities),
        _ => Err(refused("to list its keys")),
    }
}

/// The signature that was asked for under `algorithm`.
pub(crate) fn signature(reply: Reply, algorithm: &str) -> Result<Vec<u8>, Error> {
    let Reply::Signature(signature) = reply else { return Err(refused("to sign")) };
    // Old agents pass over the flags and sign with SHA-1.
    match Reader::new(&signature).string() {
        Ok(found) if found == algorithm.as_bytes() => Ok(signature),
        Ok(found) => {
            let found = found[..found.len().min(64)].escape_ascii();
            let message = format!("the agent signed by {found}, where {algorithm} was asked for");
            Err(Error::new(ErrorKind::Agent, message))
        }
        Err(_) => Err(Error::new(ErrorKind::Agent, "the agent's signature can't be decoded")),
    }
}

pub(crate) fn extension(reply: Reply, name: &str) -> Result<Vec<u8>, Error> {
    match reply {
        Reply::Extension(data) => Ok(data),
        Reply::Success => Ok(Vec::new()),
        Reply::ExtensionFailure => Err(Error::new(ErrorKind::Agent, format!("the agent failed at {name}"))),
        _ => Err(refused(name)),
    }
}

pub(crate) fn done(reply: &Reply, what: &str) -> Result<(), Error> {
    match reply {
        Reply::Success => Ok(()),
        _ => Err(refused(what)),
    }
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::Agent, format!("the agent refuses {what}"))
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agent")
    }
}
