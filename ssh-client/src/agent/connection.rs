//! One request and its reply, in time or not at all.

use super::AgentTimeouts;
use crate::{Error, ErrorKind, Phase};
use ssh_auth::agent::{AgentClient, Reply, Request};
use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A connection to an agent, perhaps broken.
pub(super) struct Connection {
    pub(super) timeouts: AgentTimeouts,
    link: Option<Link>,
    /// Where it can be made anew.
    path: Option<PathBuf>,
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
        Ok(Self { timeouts, link: Some(link), path: Some(path) })
    }

    pub(super) fn over(link: Link) -> Self {
        Self { timeouts: AgentTimeouts::default(), link: Some(link), path: None }
    }

    /// Sends the request and waits for the reply: the one it asks for, or a refusal.
    pub(super) fn exchange(&mut self, request: &Request<'_>) -> Result<Reply, Error> {
        let mut client = AgentClient::new();
        client
            .send(request)
            .map_err(|error| Error::with_source(ErrorKind::Usage, "request to the agent", error))?;
        let timeout = match request {
            Request::Sign { .. } | Request::Add { .. } | Request::Extension { .. } => self.timeouts.person,
            _ => self.timeouts.request,
        };
        let mut link = match (self.link.take(), &self.path) {
            (Some(link), _) => link,
            (None, Some(path)) => connect(path, self.timeouts.request)?,
            (None, None) => return Err(Error::closed("connection with the agent")),
        };
        let reply = link.exchange(&mut client, timeout)?;
        // After an error a late reply could be taken for the next one's, so the connection is not used again.
        self.link = Some(link);
        Ok(reply)
    }
}

impl Link {
    pub(super) fn new(stream: impl Read + Write + Send + 'static) -> Self {
        Self { stream: Box::new(stream), set_timeout: None }
    }

    fn exchange(&mut self, client: &mut AgentClient, timeout: Option<Duration>) -> Result<Reply, Error> {
        let late = || Error::timeout(Phase::Agent, timeout.unwrap_or_default());
        let lost = |error: io::Error| match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => late(),
            _ => Error::with_source(ErrorKind::Agent, "connection with the agent", error),
        };
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let output = client.take_output();
        let mut rest = &output[..];
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
        let mut buffer = [0; 4096];
        loop {
            let reply = client.poll().map_err(|error| {
                Error::with_source(ErrorKind::Agent, "the agent's reply can't be understood", error)
            })?;
            if let Some(reply) = reply {
                return Ok(reply);
            }
            self.prepare(deadline).map_err(lost)?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(Error::new(ErrorKind::Agent, "the agent closed the connection")),
                Ok(n) => client.push(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(error)),
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
