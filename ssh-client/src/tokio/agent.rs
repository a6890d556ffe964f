//! The agent as tasks speak to it: no thread waits.

use crate::{
    Error, ErrorKind, Phase,
    agent::{
        self, AddedKey, AgentTimeouts, Binding, Constraint, Identity, SessionBinding, bind_request, is_bound,
        start,
    },
    awaited::Awaited,
    credential::AsyncSigner,
};
use ssh_auth::{
    agent::{AgentError, Frames, Reply, Request, SESSION_BIND, sign_flags},
    method::publickey::signature_algorithm,
};
use ssh_crypto::{Secret, SignError};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UnixStream,
    sync::Mutex,
    time,
};
use zeroize::Zeroizing;

/// A connection to an agent, as [`agent::Agent`](crate::agent::Agent) is for threads. It is a handle: clones share the
/// connection, and requests of several tasks follow each other.
///
/// A connection that failed is made anew by the next request, and so is one whose request was given up: any future may
/// be dropped, and a reply that comes later is nobody's. Whether the agent has done by then what it was asked for (to
/// add, remove, lock) is not known.
///
/// To log in with its keys takes none of this: [`Credential::agent`](crate::Credential::agent) of a configuration is
/// asked the same way, over a connection of its own.
#[derive(Clone)]
pub struct Agent {
    connection: Arc<Mutex<Connection>>,
    path: Arc<Path>,
    timeouts: AgentTimeouts,
}

/// A connection, perhaps broken, and what is said first on each: which session it is for.
struct Connection {
    link: Option<UnixStream>,
    binding: Option<Binding>,
}

/// How there is one.
impl Agent {
    /// The agent that the environment names in [`SOCKET_VARIABLE`](agent::SOCKET_VARIABLE).
    pub async fn connect() -> Result<Self, Error> {
        Self::connect_to(agent::named_by_environment()?).await
    }

    /// The agent at this socket.
    pub async fn connect_to(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let agent = Self::new(path.into().into(), AgentTimeouts::default(), None, None);
        let link = connect(&agent.path, agent.timeouts.request).await?;
        agent.connection.lock().await.link = Some(link);
        Ok(agent)
    }

    /// The one that `agent` is connected to, over a connection of its own; `None` where that can't be made.
    pub(super) fn beside(agent: &agent::Agent) -> Option<Self> {
        Some(Self::new(agent.path()?.clone(), *agent.timeouts(), None, None))
    }

    fn new(
        path: Arc<Path>,
        timeouts: AgentTimeouts,
        link: Option<UnixStream>,
        binding: Option<Binding>,
    ) -> Self {
        Self { connection: Arc::new(Mutex::new(Connection { link, binding })), path, timeouts }
    }

    /// Sets how long the agent may take, for this handle and those made of it.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: AgentTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Another connection to the same agent, over which keys log in to this session's server, as
    /// [`agent::Agent::bound_to`](crate::agent::Agent::bound_to) makes it.
    pub async fn bound_to(&self, session: &SessionBinding) -> Result<Self, Error> {
        self.bind(Binding { session: session.clone(), is_forwarding: false }).await
    }

    /// Another connection to the same agent, which is passed on to this session's server. See [`Agent::relay`].
    pub async fn forwarded_to(&self, session: &SessionBinding) -> Result<Self, Error> {
        self.bind(Binding { session: session.clone(), is_forwarding: true }).await
    }

    async fn bind(&self, binding: Binding) -> Result<Self, Error> {
        let mut link = connect(&self.path, self.timeouts.request).await?;
        let link = bind(&mut link, &binding, self.timeouts.request).await.then_some(link);
        Ok(Self::new(self.path.clone(), self.timeouts, link, Some(binding)))
    }
}

/// What it is asked.
impl Agent {
    /// The keys and certificates it keeps, in its order; none while it is locked.
    pub async fn list(&self) -> Result<Vec<Identity>, Error> {
        agent::identities(self.exchange(&Request::Identities).await?)
    }

    /// A signature blob over `data`, made by the key with this blob (or that of its certificate) under `algorithm`:
    /// `rsa-sha2-512`, or its name for a certificate.
    pub async fn sign(&self, public_key: &[u8], algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        let algorithm = signature_algorithm(algorithm);
        let request = Request::Sign { public_key, data, flags: sign_flags(&algorithm) };
        agent::signature(self.exchange(&request).await?, &algorithm)
    }

    /// Lets it keep a key, as limited as `constraints` say. An agent that does not know a constraint refuses the key.
    pub async fn add(&self, key: AddedKey, comment: &str, constraints: &[Constraint]) -> Result<(), Error> {
        let (key, constraints) = (Box::new(key), constraints.to_vec());
        self.done(&Request::Add { key, comment: comment.as_bytes(), constraints }, "the key").await
    }

    /// Lets it forget the key or certificate with this blob.
    pub async fn remove(&self, public_key: &[u8]) -> Result<(), Error> {
        self.done(&Request::Remove { public_key }, "to remove the key").await
    }

    /// Lets it forget all keys.
    pub async fn remove_all(&self) -> Result<(), Error> {
        self.done(&Request::RemoveAll, "to remove its keys").await
    }

    /// Locks it: until it is unlocked with the same passphrase, it lists nothing and signs nothing.
    pub async fn lock(&self, passphrase: &[u8]) -> Result<(), Error> {
        self.done(&Request::Lock { passphrase }, "to be locked").await
    }

    /// Ends a lock.
    pub async fn unlock(&self, passphrase: &[u8]) -> Result<(), Error> {
        self.done(&Request::Unlock { passphrase }, "to be unlocked").await
    }

    /// Sends an extension's request, `data` being its fields, and answers with what comes back, if there is anything.
    pub async fn extension(&self, name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        let request = Request::Extension { name: name.as_bytes(), data };
        agent::extension(self.exchange(&request).await?, name)
    }

    async fn done(&self, request: &Request<'_>, what: &str) -> Result<(), Error> {
        agent::done(&self.exchange(request).await?, what)
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let client = start(request)?;
        let mut connection = self.connection.lock().await;
        // It is put back with the reply only: a late one could be taken for the next one's.
        let mut link = match (connection.link.take(), &connection.binding) {
            (Some(link), _) => link,
            (None, binding) => {
                let mut link = connect(&self.path, self.timeouts.request).await?;
                if let Some(binding) = binding
                    && !bind(&mut link, binding, self.timeouts.request).await
                {
                    let message = "connection with the agent broke while it was bound";
                    return Err(Error::new(ErrorKind::Agent, message));
                }
                link
            }
        };
        let reply = converse(&mut link, client, self.timeouts.of(request)).await?;
        connection.link = Some(link);
        Ok(reply)
    }

    /// Passes requests that come from `stream` on to the agent, and its replies back, until the stream ends. So an agent
    /// is forwarded: each channel that a server opens for it gets a connection of its own, from
    /// [`Agent::forwarded_to`]. Dropping the future ends both.
    ///
    /// # Errors
    /// The stream fails, or the agent.
    pub async fn relay(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), Error> {
        let lost = |error| Error::with_source(ErrorKind::Io, "forwarded connection with the agent", error);
        let mut frames = Frames::new();
        let mut buffer = Zeroizing::new([0; 4096]);
        loop {
            let request = frames.next_frame().map_err(|error| {
                Error::with_source(ErrorKind::Protocol, "forwarded request to the agent", error)
            })?;
            if let Some(request) = request {
                let reply = self.pass_on(&request).await?;
                stream.write_all(&agent::framed(&reply)).await.map_err(lost)?;
                stream.flush().await.map_err(lost)?;
                continue;
            }
            match stream.read(&mut buffer[..]).await.map_err(lost)? {
                0 => return Ok(()),
                n => frames.push(&buffer[..n]),
            }
        }
    }

    /// A request as it is, and the reply as it is: each without its length.
    async fn pass_on(&self, request: &[u8]) -> Result<Secret, Error> {
        let mut connection = self.connection.lock().await;
        // A connection that was made anew would not know what was bound to the one before.
        let mut link = connection.link.take().ok_or_else(|| Error::closed("connection with the agent"))?;
        let mut frames = Frames::new();
        let reply = ask(&mut link, &agent::framed(request), self.timeouts.person, |bytes| {
            frames.push(bytes);
            frames.next_frame()
        })
        .await?;
        connection.link = Some(link);
        Ok(reply)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.path.display())
    }
}

async fn connect(path: &Path, timeout: Option<Duration>) -> Result<UnixStream, Error> {
    within(timeout, UnixStream::connect(path))
        .await
        .map_err(|error| Error::with_source(ErrorKind::Agent, format!("agent at {}", path.display()), error))
}

/// Tells the agent what a connection is for. Whether the connection can still be used.
async fn bind(link: &mut UnixStream, binding: &Binding, timeout: Option<Duration>) -> bool {
    let data = bind_request(binding);
    is_bound(match start(&Request::Extension { name: SESSION_BIND, data: &data }) {
        Ok(client) => converse(link, client, timeout).await,
        Err(error) => Err(error),
    })
}

async fn converse(
    link: &mut UnixStream,
    mut client: ssh_auth::agent::AgentClient,
    timeout: Option<Duration>,
) -> Result<Reply, Error> {
    let output = client.take_output();
    ask(link, &output, timeout, |bytes| {
        client.push(bytes);
        client.poll()
    })
    .await
}

/// Writes `output`, and reads until `take` has made a reply of what came.
async fn ask<T>(
    link: &mut UnixStream,
    output: &[u8],
    timeout: Option<Duration>,
    mut take: impl FnMut(&[u8]) -> Result<Option<T>, AgentError>,
) -> Result<T, Error> {
    let exchange = async {
        link.write_all(output).await?;
        let mut buffer = Zeroizing::new([0; 4096]);
        loop {
            match link.read(&mut buffer[..]).await? {
                0 => return Ok(Err(Error::new(ErrorKind::Agent, "the agent closed the connection"))),
                n => match take(&buffer[..n]) {
                    Ok(Some(reply)) => return Ok(Ok(reply)),
                    Ok(None) => {}
                    Err(error) => {
                        let message = "the agent's reply can't be understood";
                        return Ok(Err(Error::with_source(ErrorKind::Agent, message, error)));
                    }
                },
            }
        }
    };
    within(timeout, exchange).await.unwrap_or_else(|error| {
        Err(match error.kind() {
            io::ErrorKind::TimedOut => Error::timeout(Phase::Agent, timeout.unwrap_or_default()),
            _ => Error::with_source(ErrorKind::Agent, "connection with the agent", error),
        })
    })
}

async fn within<T>(timeout: Option<Duration>, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout {
        Some(timeout) => time::timeout(timeout, future).await?,
        None => future.await,
    }
}

/// A key or certificate that an agent keeps.
pub(super) struct AgentSigner {
    agent: Agent,
    identity: Identity,
    algorithms: Vec<String>,
}

impl AgentSigner {
    pub(super) fn new(agent: Agent, identity: Identity) -> Self {
        let algorithms = agent::algorithms(agent::key_type(&identity.blob), false);
        Self { agent, identity, algorithms }
    }
}

impl AsyncSigner for AgentSigner {
    fn public_key(&self) -> &[u8] {
        &self.identity.blob
    }

    fn algorithms(&self) -> Vec<&str> {
        self.algorithms.iter().map(String::as_str).collect()
    }

    fn sign<'a>(&'a self, algorithm: &'a str, message: &'a [u8]) -> Awaited<'a, Result<Vec<u8>, SignError>> {
        Box::pin(async move {
            let signed = self.agent.sign(&self.identity.blob, algorithm, message).await;
            signed.map_err(|error| SignError::Failed(error.to_string()))
        })
    }
}
