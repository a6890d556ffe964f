//! The steps of connecting, each a type: what can't be done yet can't be called.

use super::{Session, Stream};
use crate::{
    Config, Credential, Error, ErrorKind, Phase,
    agent::SessionBinding,
    awaited::{Here, block_on},
    dialogue::Dialogue,
    host_key::HostKey,
    preference,
};
use ssh_auth::client::Event;
use ssh_session::blocking::{Connection, Decision};
use std::{
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Resolves `host` and connects to the first of its addresses that answers, all within the time set.
pub(super) fn dial(host: &str, port: u16, config: &Config) -> Result<TcpStream, Error> {
    let (timeout, family) = (config.timeouts.connect, config.address_family);
    let failed =
        |error| Error::with_source(ErrorKind::Connect, format!("connect to {host} port {port}"), error);
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut last = None;
    let mut addresses = resolve(host, port, timeout)?.map_err(failed)?;
    addresses.retain(|address| family.includes(address));
    for (at, address) in addresses.iter().enumerate() {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Error::timeout(Phase::Connect, timeout.unwrap_or_default()));
        }
        // One that never answers leaves their share to those behind it.
        let behind = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match connect(address, left.map(|left| left / behind)) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                log::debug!("{address}: {error}");
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if error.kind() == std::io::ErrorKind::TimedOut && timeout.is_some() => {
            Err(Error::timeout(Phase::Connect, timeout.unwrap_or_default()))
        }
        Some(error) => Err(failed(error)),
        None => Err(Error::new(ErrorKind::Connect, format!("{host} has no {}", family.name()))),
    }
}

/// Looks the name up. The system's resolver can't be told to stop: when time is up, its thread is left to its end.
fn resolve(
    host: &str,
    port: u16,
    timeout: Option<Duration>,
) -> Result<std::io::Result<Vec<SocketAddr>>, Error> {
    let lookup = move |host: &str| Ok((host, port).to_socket_addrs()?.collect());
    let Some(timeout) = timeout.filter(|_| host.parse::<IpAddr>().is_err()) else {
        return Ok(lookup(host));
    };
    let (found, answer) = mpsc::channel();
    let name = host.to_owned();
    // Whoever asked may have given up.
    let run = move || drop(found.send(lookup(&name)));
    let spawned = thread::Builder::new().name("ssh-resolver".to_owned()).spawn(run);
    spawned.map_err(|error| Error::with_source(ErrorKind::Io, "no thread to resolve the name", error))?;
    answer.recv_timeout(timeout).map_err(|_| Error::timeout(Phase::Connect, timeout))
}

fn connect(address: &SocketAddr, timeout: Option<Duration>) -> std::io::Result<TcpStream> {
    log::debug!("connecting to {address}");
    match timeout {
        Some(timeout) => TcpStream::connect_timeout(address, timeout),
        None => TcpStream::connect(address),
    }
}

/// A connection whose host key has yet to be accepted. Dropping it ends the connection.
pub struct Unverified {
    connection: Connection,
    config: Config,
    host_key: HostKey,
}

/// A connection to a server that is who it should be, and that has to be told who you are. Dropping it ends the
/// connection.
pub struct Login {
    connection: Connection,
    config: Config,
    host_key: Arc<HostKey>,
}

impl Unverified {
    pub(super) fn start(stream: impl Stream, host: &str, port: u16, config: &Config) -> Result<Self, Error> {
        let (name, port) = config.known_as(host, port);
        let connection = Connection::client(stream, preference::settings(config, name, port))?;
        match connection.next_decision(config.timeouts.handshake, Phase::Handshake)? {
            Decision::HostKey { blob, algorithm } => {
                let host_key = HostKey::new(name, port, algorithm, &blob, config)?;
                Ok(Self { connection, config: config.clone(), host_key })
            }
            _ => Err(Error::new(ErrorKind::Protocol, "server did not show a host key")),
        }
    }

    /// The key the server has proved to own.
    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// Asks the configured policy; an error ends the connection.
    pub fn verify(self) -> Result<Login, Error> {
        match block_on(self.config.host_key.check::<Here>(&self.host_key))? {
            Ok(()) => self.accept(),
            Err(refused) => {
                let error = Error::from(refused);
                // The server is told why.
                self.connection.fail(error.clone());
                Err(error)
            }
        }
    }

    /// Accepts the key by the caller's own decision.
    pub fn accept(self) -> Result<Login, Error> {
        self.connection.accept_host_key()?;
        let HostKey { host, port, .. } = &self.host_key;
        preference::remember(&self.config, host, *port, self.connection.negotiated().as_ref());
        let Self { connection, config, host_key } = self;
        Ok(Login { connection, config, host_key: Arc::new(host_key) })
    }
}

impl Login {
    /// Authenticates with the configured credentials.
    pub fn authenticate(self) -> Result<Session, Error> {
        self.try_credentials(&self.config.credentials)
    }

    /// Authenticates with other credentials; after an error of kind [`ErrorKind::Authentication`] more may be tried.
    /// Any other error ends the connection.
    pub fn authenticate_with(&mut self, credentials: &[Credential]) -> Result<Session, Error> {
        self.try_credentials(credentials)
    }

    /// What binds an agent's connection to this session, for keys that are asked for by hand: [`Credential::Agent`]
    /// does without. `None` if the session has ended already.
    ///
    /// [`Credential::Agent`]: crate::Credential::Agent
    pub fn binding(&self) -> Option<SessionBinding> {
        SessionBinding::of(&self.connection)
    }

    fn try_credentials(&self, credentials: &[Credential]) -> Result<Session, Error> {
        let result = self.dialogue(credentials);
        if let Err(error) = &result
            && error.kind() != ErrorKind::Authentication
        {
            // A question may be open that another attempt's answers would not fit.
            self.connection.fail(error.clone());
        }
        result.map(|()| Session::new(self.connection.clone(), &self.config.user, self.host_key.clone()))
    }

    fn dialogue(&self, credentials: &[Credential]) -> Result<(), Error> {
        let Self { connection, config, .. } = self;
        let server = connection.peer_identification();
        let binding = self.binding();
        let dialogue = Dialogue::new::<Here>(config, credentials, server.as_ref(), binding.as_ref());
        let (mut dialogue, client) = block_on(dialogue);
        if connection.is_authenticated() {
            return connection.failure().map_or(Ok(()), Err);
        }
        connection.authenticate(client)?;
        loop {
            let (phase, timeout) = config.authentication_step(connection.is_established());
            let event = match connection.next_decision(timeout, phase)? {
                Decision::ClientAuth(event) => event,
                _ => continue,
            };
            match event {
                Event::Success => return Ok(()),
                Event::Failed => {
                    let attempts = connection.client_auth(|auth| auth.attempts().to_vec())?;
                    return Err(dialogue.failed(&attempts));
                }
                event => {
                    if let Some(answer) = block_on(dialogue.answer::<Here>(event))? {
                        connection.client_auth(|auth| answer.give(auth))?;
                    }
                }
            }
        }
    }
}
