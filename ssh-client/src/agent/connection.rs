//! One request and its reply, in time or not at all.

use super::{AgentTimeouts, SessionBinding};
use crate::{Error, ErrorKind, Phase};
use ssh_auth::agent::{AgentClient, AgentError, Frames, Reply, Request, SESSION_BIND, SessionBind};
use ssh_crypto::Secret;
use ssh_wire::Encode;
use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// A connection to an agent, perhaps broken.
pub(super) struct Connection {
    pub(super) timeouts: AgentTimeouts,
    link: Option<Link>,
    /// Where it can be made anew.
    path: Option<PathBuf>,
    /// What is said first on each connection: which session it is for.
    binding: Option<Binding>,
}

/// A session that connections are bound to.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) session: SessionBinding,
    pub(super) is_forwarding: bool,
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
    pub(super) fn to(path: PathBuf) -> Result<Self, Error> {
        let timeouts = AgentTimeouts::default();
        let link = connect(&path, timeouts.request)?;
        Ok(Self { timeouts, link: Some(link), path: Some(path), binding: None })
    }

    pub(super) fn over(link: Link) -> Self {
        Self { timeouts: AgentTimeouts::default(), link: Some(link), path: None, binding: None }
    }

    /// Another connection to the same agent, for this session; `None` if it can't be made.
    pub(super) fn another(&self, binding: &Binding) -> Option<Result<Self, Error>> {
        let path = self.path.clone()?;
        let connect = || {
            let mut link = connect(&path, self.timeouts.request)?;
            let link = bind(&mut link, binding, self.timeouts.request).then_some(link);
            let (timeouts, binding) = (self.timeouts, Some(binding.clone()));
            Ok(Self { timeouts, link, path: Some(path.clone()), binding })
        };
        Some(connect())
    }

    /// Binds this very connection.
    pub(super) fn bind(&mut self, binding: &Binding) {
        if let Some(mut link) = self.link.take() {
            self.link = bind(&mut link, binding, self.timeouts.request).then_some(link);
        }
    }

    /// Sends the request and waits for the reply: the one it asks for, or a refusal.
    pub(super) fn exchange(&mut self, request: &Request<'_>) -> Result<Reply, Error> {
        let mut client = AgentClient::new();
        client
            .send(request)
            .map_err(|error| Error::with_source(ErrorKind::Usage, "request to the agent", error))?;
        let timeout = match request {
            Request::Sign { .. }
            | Request::Add { .. }
            | Request::AddToken { .. }
            | Request::Extension { .. } => self.timeouts.person,
            _ => self.timeouts.request,
        };
        let mut link = self.take_link()?;
        let reply = link.exchange(&mut client, timeout)?;
        // After an error a late reply could be taken for the next one's, so the connection is not used again.
        self.link = Some(link);
        Ok(reply)
    }

    /// The connection, made anew if it broke.
    fn take_link(&mut self) -> Result<Link, Error> {
        let path = match (self.link.take(), &self.path) {
            (Some(link), _) => return Ok(link),
            (None, Some(path)) => path,
            (None, None) => return Err(Error::closed("connection with the agent")),
        };
        let mut link = connect(path, self.timeouts.request)?;
        match &self.binding {
            Some(binding) if !bind(&mut link, binding, self.timeouts.request) => {
                Err(Error::new(ErrorKind::Agent, "connection with the agent broke while it was bound"))
            }
            _ => Ok(link),
        }
    }

    /// Passes a request on as it is, and gives the reply as it is: each without its length.
    pub(super) fn relay(&mut self, request: &[u8]) -> Result<Secret, Error> {
        // A connection that was made anew would not know what was bound to the one before.
        let mut link = self.link.take().ok_or_else(|| Error::closed("connection with the agent"))?;
        let reply = link.relay(request, self.timeouts.person)?;
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

/// Tells the agent what a connection is for; agents that do not know of it lose nothing but keys that are limited to
/// their destinations. Whether the connection can still be used.
fn bind(link: &mut Link, binding: &Binding, timeout: Option<Duration>) -> bool {
    let mut data = Vec::new();
    let SessionBinding { host_key, session_id, signature } = &binding.session;
    let is_forwarding = binding.is_forwarding;
    SessionBind { host_key, session_id, signature, is_forwarding }.encode(&mut data);
    let mut client = AgentClient::new();
    let request = Request::Extension { name: SESSION_BIND, data: &data };
    let reply = match client.send(&request) {
        Ok(()) => link.exchange(&mut client, timeout),
        Err(error) => Err(Error::with_source(ErrorKind::Usage, "request to the agent", error)),
    };
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

fn framed(payload: &[u8]) -> Secret {
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
