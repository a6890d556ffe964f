//! The steps of connecting, each a type: what can't be done yet can't be called.

use super::{
    Session,
    tasks::{Tasks, while_alive},
};
use crate::{
    Config, Credential, Error, ErrorKind, Phase,
    agent::SessionBinding,
    awaited::Run,
    dialogue::Dialogue,
    host_key::{HostKey, Policy},
    preference,
};
use ssh_auth::client::Event;
use ssh_session::tokio::{Connection, Decision};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time,
};

/// Resolves `host` and connects to the first of its addresses that answers, all within the time set.
pub(super) async fn dial(host: &str, port: u16, config: &Config) -> Result<TcpStream, Error> {
    let (timeout, family) = (config.timeouts.connect, config.address_family);
    let failed =
        |error| Error::with_source(ErrorKind::Connect, format!("connect to {host} port {port}"), error);
    let timed_out = || Error::timeout(Phase::Connect, timeout.unwrap_or_default());
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let lookup = async { io::Result::Ok(lookup_host((host, port)).await?.collect::<Vec<_>>()) };
    let mut addresses = within(left(), lookup).await.ok_or_else(timed_out)?.map_err(failed)?;
    addresses.retain(|address| family.includes(address));
    let mut last = None;
    for (at, address) in addresses.iter().enumerate() {
        // One that never answers leaves their share to those behind it.
        let behind = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match within(left().map(|left| left / behind), connect(*address)).await {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => {
                log::debug!("{address}: {error}");
                last = Some(failed(error));
            }
            None => last = Some(timed_out()),
        }
    }
    let none = || Error::new(ErrorKind::Connect, format!("{host} has no {}", family.name()));
    Err(last.unwrap_or_else(none))
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    log::debug!("connecting to {address}");
    let stream = TcpStream::connect(address).await?;
    // The session puts together itself what belongs together.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// `None` when time is up.
async fn within<T>(timeout: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match timeout {
        Some(timeout) => time::timeout(timeout, future).await.ok(),
        None => Some(future.await),
    }
}

/// A connection whose host key has yet to be accepted. Dropping it ends the connection.
#[derive(Debug)]
pub struct Unverified {
    connection: Connection,
    config: Config,
    host_key: HostKey,
}

/// A connection to a server that is who it should be, and that has to be told who you are. Dropping it ends the
/// connection.
#[derive(Debug)]
pub struct Login {
    connection: Connection,
    config: Config,
    host_key: Arc<HostKey>,
}

impl Unverified {
    pub(super) async fn start<S>(stream: S, host: &str, port: u16, config: &Config) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let config = config.clone();
        let (name, port) = config.known_as(host, port);
        let name = name.to_owned();
        let settings = match &config.host_key {
            // It may read files.
            Policy::Blocking(_) => {
                let (config, name) = (config.clone(), name.clone());
                Tasks::unblock(move || preference::settings(&config, &name, port)).await?
            }
            Policy::Async(_) => preference::settings(&config, &name, port),
        };
        let (connection, driver) = Connection::client(stream, settings)?;
        tokio::spawn(driver);
        match connection.next_decision(config.timeouts.handshake, Phase::Handshake).await? {
            Decision::HostKey { blob, algorithm } => {
                let host_key = HostKey::new(&name, port, algorithm, &blob, &config)?;
                Ok(Self { connection, config, host_key })
            }
            _ => Err(Error::new(ErrorKind::Protocol, "server did not show a host key")),
        }
    }

    /// The key the server has proved to own.
    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// Asks the configured policy; an error ends the connection, and so does dropping the future. A connection that ends
    /// meanwhile ends the asking.
    pub async fn verify(self) -> Result<Login, Error> {
        let check = self.config.host_key.check::<Tasks>(&self.host_key);
        match while_alive(&self.connection, check).await? {
            Ok(()) => self.accept().await,
            Err(refused) => {
                let error = Error::from(refused);
                // The server is told why.
                self.connection.fail(error.clone());
                Err(error)
            }
        }
    }

    /// Accepts the key by the caller's own decision. Dropping the future ends the connection.
    pub async fn accept(self) -> Result<Login, Error> {
        let Self { connection, config, host_key } = self;
        connection.accept_host_key()?;
        let host_key = Arc::new(host_key);
        if config.memory.is_some() {
            let negotiated = connection.negotiated();
            let remember = {
                let (config, host_key) = (config.clone(), host_key.clone());
                move || preference::remember(&config, &host_key.host, host_key.port, negotiated.as_ref())
            };
            match &config.host_key {
                Policy::Blocking(_) => Tasks::unblock(remember).await?,
                Policy::Async(_) => remember(),
            }
        }
        Ok(Login { connection, config, host_key })
    }
}

impl Login {
    /// Authenticates with the configured credentials. Dropping the future ends the connection.
    pub async fn authenticate(mut self) -> Result<Session, Error> {
        let credentials = self.config.credentials.clone();
        self.authenticate_with(&credentials).await
    }

    /// Authenticates with other credentials; after an error of kind [`ErrorKind::Authentication`] more may be tried.
    /// Any other error ends the connection, and so does dropping the future.
    pub async fn authenticate_with(&mut self, credentials: &[Credential]) -> Result<Session, Error> {
        let mut end = EndUnlessOver { connection: &self.connection, is_over: false };
        let result = self.dialogue(credentials).await;
        match &result {
            Err(error) if error.kind() != ErrorKind::Authentication => self.connection.fail(error.clone()),
            _ => {}
        }
        end.is_over = true;
        drop(end);
        result.map(|()| Session::new(self.connection.clone(), &self.config.user, self.host_key.clone()))
    }

    /// What binds an agent's connection to this session, for keys that are asked for by hand: [`Credential::Agent`]
    /// does without. `None` if the session has ended already.
    pub fn binding(&self) -> Option<SessionBinding> {
        SessionBinding::of_tasks(&self.connection)
    }

    async fn dialogue(&self, credentials: &[Credential]) -> Result<(), Error> {
        let Self { connection, config, .. } = self;
        let (server, binding) = (connection.peer_identification(), self.binding());
        let prepare = Dialogue::new::<Tasks>(config, credentials, server.as_ref(), binding.as_ref());
        let (mut dialogue, client) = while_alive(connection, async { Ok(prepare.await) }).await?;
        if connection.is_authenticated() {
            return connection.failure().map_or(Ok(()), Err);
        }
        connection.authenticate(client)?;
        loop {
            let (phase, timeout) = config.authentication_step(connection.is_established());
            let event = match connection.next_decision(timeout, phase).await? {
                Decision::ClientAuth(event) => event,
                _ => continue,
            };
            match event {
                Event::Success => return Ok(()),
                Event::Failed => {
                    let attempts = connection.client_auth(|auth| auth.attempts().to_vec())?;
                    return Err(dialogue.failed(&attempts));
                }
                // Shown to the end, whatever comes of the session: it may tell why that ends.
                event @ (Event::Banner(_) | Event::Notice { .. }) => {
                    dialogue.answer::<Tasks>(event).await?;
                }
                event => {
                    if let Some(answer) = while_alive(connection, dialogue.answer::<Tasks>(event)).await? {
                        connection.client_auth(|auth| answer.give(auth))?;
                    }
                }
            }
        }
    }
}

/// Ends a connection whose authentication is given up: a question may be open that another attempt's answers would not
/// fit.
struct EndUnlessOver<'a> {
    connection: &'a Connection,
    is_over: bool,
}

impl Drop for EndUnlessOver<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.fail(Error::closed("connection"));
        }
    }
}
