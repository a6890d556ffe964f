//! One request and its reply, in time or not at all.

use super::{AgentTimeouts, SessionBinding};
use crate::{Error, ErrorKind, Phase};
use ssh_auth::agent::{AgentClient, AgentError, Frames, Reply, Request, SESSION_BIND, SessionBind};
use ssh_crypto::Secret;
use ssh_wire::Encode;
use std::{
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// A connection to an agent, perhaps broken.
pub(super) struct Connection {
    link: Option<Link>,
    /// Where it can be made anew.
    path: Option<Arc<Path>>,
    /// What is said first on each connection: which session it is for.
    binding: Option<Binding>,
}

/// A session that connections are bound to.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) session: SessionBinding,
    pub(crate) is_forwarding: bool,
}

/// A stream, and what sets the time that a read or a write may take.
pub(super) struct Link {
    stream: Box<dyn ReadWrite>,
    set_timeout: Option<SetTimeout>,
}

type SetTimeout = Box<dyn Fn(Duration) -> io::Result<()> + Send>;

trait ReadWrite: Read + Write + Send {}

impl<T: Read + Write + Send> ReadWrite for T {}

impl Connection {
    /// One that is not made yet.
    pub(super) fn to(path: Arc<Path>) -> Self {
        Self { link: None, path: Some(path), binding: None }
    }

    pub(super) fn over(link: Link) -> Self {
        Self { link: Some(link), path: None, binding: None }
    }

    /// Makes it, if it is not there.
    pub(super) fn connect(&mut self, timeouts: AgentTimeouts) -> Result<(), Error> {
        self.link = Some(self.take_link(timeouts)?);
        Ok(())
    }

    /// A connection for this session.
    pub(super) fn bound(path: Arc<Path>, binding: &Binding, timeouts: AgentTimeouts) -> Result<Self, Error> {
        let mut link = connect(&path, timeouts.request)?;
        let link = bind(&mut link, binding, timeouts.request).then_some(link);
        Ok(Self { link, path: Some(path), binding: Some(binding.clone()) })
    }

    /// Binds this very connection.
    pub(super) fn bind(&mut self, binding: &Binding, timeouts: AgentTimeouts) {
        if let Some(mut link) = self.link.take() {
            self.link = bind(&mut link, binding, timeouts.request).then_some(link);
        }
    }

    /// Sends the request and waits for the reply: the one it asks for, or a refusal.
    pub(super) fn exchange(
        &mut self,
        request: &Request<'_>,
        timeouts: AgentTimeouts,
    ) -> Result<Reply, Error> {
        let mut client = start(request)?;
        let mut link = self.take_link(timeouts)?;
        let reply = link.exchange(&mut client, timeouts.of(request))?;
        // After an error a late reply could be taken for the next one's, so the connection is not used again.
        self.link = Some(link);
        Ok(reply)
    }

    /// The connection, made anew if it broke.
    fn take_link(&mut self, timeouts: AgentTimeouts) -> Result<Link, Error> {
        let path = match (self.link.take(), &self.path) {
            (Some(link), _) => return Ok(link),
            (None, Some(path)) => path,
            (None, None) => return Err(Error::closed("connection with the agent")),
        };
        let mut link = connect(path, timeouts.request)?;
        match &self.binding {
            Some(binding) if !bind(&mut link, binding, timeouts.request) => {
                Err(Error::new(ErrorKind::Agent, "connection with the agent broke while it was bound"))
            }
            _ => Ok(link),
        }
    }

    /// Passes a request on as it is, and gives the reply as it is: each without its length.
    pub(super) fn relay(&mut self, request: &[u8], timeout: Option<Duration>) -> Result<Secret, Error> {
        // A connection that was made anew would not know what was bound to the one before.
        let mut link = self.link.take().ok_or_else(|| Error::closed("connection with the agent"))?;
        let reply = link.relay(request, timeout)?;
        self.link = Some(link);
        Ok(reply)
    }
}

impl Link {
    pub(super) fn new(stream: impl Read + Write + Send + 'static) -> Self {
        Self { stream: Box::new(stream), set_timeout: None }
    }

    fn exchange(&mut self, client: &mut AgentClient, timeout: Option<Duration>) -> Result<Reply, Error> {
        let output = client.take_output();
        self.ask(&output, timeout, |bytes| {
            client.push(bytes);
            client.poll()
        })
    }

    fn relay(&mut self, request: &[u8], timeout: Option<Duration>) -> Result<Secret, Error> {
        let mut frames = Frames::new();
        self.ask(&framed(request), timeout, |bytes| {
            frames.push(bytes);
            frames.next_frame()
        })
    }

    /// Writes `output`, and reads until `take` has made a reply of what came.
    fn ask<T>(
        &mut self,
        output: &[u8],
        timeout: Option<Duration>,
        mut take: impl FnMut(&[u8]) -> Result<Option<T>, AgentError>,
    ) -> Result<T, Error> {
        let late = || Error::timeout(Phase::Agent, timeout.unwrap_or_default());
        let lost = |error: io::Error| match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => late(),
            _ => Error::with_source(ErrorKind::Agent, "connection with the agent", error),
        };
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut rest = output;
        while !rest.is_empty() {
            self.prepare(deadline).map_err(lost)?;
            match self.stream.write(rest) {
                Ok(0) => return Err(lost(io::ErrorKind::WriteZero.into())),
                Ok(n) => rest = &rest[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(error)),
            }
        }
        self.stream.flush().map_err(lost)?;
        let mut buffer = Zeroizing::new([0; 4096]);
        loop {
            self.prepare(deadline).map_err(lost)?;
            let n = match self.stream.read(&mut buffer[..]) {
                Ok(0) => return Err(Error::new(ErrorKind::Agent, "the agent closed the connection")),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(lost(error)),
            };
            let reply = take(&buffer[..n]).map_err(|error| {
                Error::with_source(ErrorKind::Agent, "the agent's reply can't be understood", error)
            })?;
            if let Some(reply) = reply {
                return Ok(reply);
            }
        }
    }

    /// Gives the next read or write the time that is left.
    fn prepare(&self, deadline: Option<Instant>) -> io::Result<()> {
        let (Some(set_timeout), Some(deadline)) = (&self.set_timeout, deadline) else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        set_timeout(left)
    }
}

/// Tells the agent what a connection is for. Whether the connection can still be used.
fn bind(link: &mut Link, binding: &Binding, timeout: Option<Duration>) -> bool {
    let data = bind_request(binding);
    let request = Request::Extension { name: SESSION_BIND, data: &data };
    is_bound(start(&request).and_then(|mut client| link.exchange(&mut client, timeout)))
}

/// What an agent is told about the session that a connection is for ([`SESSION_BIND`]).
pub(crate) fn bind_request(binding: &Binding) -> Vec<u8> {
    let mut data = Vec::new();
    let SessionBinding { host_key, session_id, signature } = &binding.session;
    let is_forwarding = binding.is_forwarding;
    SessionBind { host_key, session_id, signature, is_forwarding }.encode(&mut data);
    data
}

/// Whether the connection can be used after this answer to [`bind_request`]. Agents that do not know of it lose nothing
/// but keys that are limited to their destinations.
pub(crate) fn is_bound(reply: Result<Reply, Error>) -> bool {
    match reply {
        Ok(Reply::Success | Reply::Extension(_)) => log::debug!("the agent is bound to the session"),
        Ok(_) => log::debug!("the agent can't be bound to the session"),
        Err(error) => {
            log::debug!("the agent can't be bound to the session: {error}");
            return false;
        }
    }
    true
}

/// A conversation that begins, and ends, with this request.
pub(crate) fn start(request: &Request<'_>) -> Result<AgentClient, Error> {
    let mut client = AgentClient::new();
    client
        .send(request)
        .map_err(|error| Error::with_source(ErrorKind::Usage, "request to the agent", error))?;
    Ok(client)
}

/// With its length before it.
pub(crate) fn framed(payload: &[u8]) -> Secret {
    let mut frame = Vec::with_capacity(4 + payload.len());
    payload.encode(&mut frame);
    Secret::new(frame)
}

fn connect(path: &Path, timeout: Option<Duration>) -> Result<Link, Error> {
    open(path, timeout)
        .map_err(|error| Error::with_source(ErrorKind::Agent, format!("agent at {}", path.display()), error))
}

#[cfg(unix)]
fn open(path: &Path, timeout: Option<Duration>) -> io::Result<Link> {
    use socket2::{Domain, SockAddr, Socket, Type};
    use std::os::{fd::OwnedFd, unix::net::UnixStream};
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    match timeout {
        Some(timeout) => socket.connect_timeout(&address, timeout)?,
        None => socket.connect(&address)?,
    }
    let stream = UnixStream::from(OwnedFd::from(socket));
    let handle = stream.try_clone()?;
    let set_timeout = move |left| {
        handle.set_read_timeout(Some(left))?;
        handle.set_write_timeout(Some(left))
    };
    Ok(Link { stream: Box::new(stream), set_timeout: Some(Box::new(set_timeout)) })
}

/// A named pipe, which knows no timeouts.
#[cfg(not(unix))]
fn open(path: &Path, _timeout: Option<Duration>) -> io::Result<Link> {
    Ok(Link::new(std::fs::OpenOptions::new().read(true).write(true).open(path)?))
}
