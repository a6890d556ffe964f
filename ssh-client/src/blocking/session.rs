//! A session: authenticated, with channels to open.

use super::{
    Channel, Command, Stream,
    connect::{self, Unverified},
    driver::{Shared, Threads},
    inbox::Inbox,
};
use crate::{Config, Error, ErrorKind, Phase};
use bytes::Bytes;
use ssh_kex::Negotiated;
use ssh_wire::{Encode, ident::Identification, message::connection::DirectTcpip};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// An authenticated connection to a server. It is a handle: clones are the same session, and threads may share it.
///
/// The session ends when the last handle, those of its channels included, is dropped.
///
/// ```no_run
/// use ssh_client::{Config, blocking::Session, host_key::Known, known_hosts::KnownHosts};
///
/// let known = KnownHosts::load("/home/alice/.ssh/known_hosts")?;
/// let config = Config::new("alice").password("correct horse").host_key(Known(known));
/// let session = Session::connect(("example.com", 22), &config)?;
/// let output = session.command("uname -a").output()?;
/// println!("{}", String::from_utf8_lossy(&output.stdout));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Session {
    handle: Arc<Handle>,
}

/// What all handles of a session share; dropping it ends the session.
pub(super) struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
    config: Config,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>, threads: Threads, config: Config) -> Self {
        Self { shared, threads: Mutex::new(threads), config }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn global_request(
        &self,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
    ) -> Result<(bool, Bytes), Error> {
        self.shared.global_request(name, want_reply, data, self.config.timeouts.request)
    }

    fn close(&self) {
        self.shared.close();
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).join();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl Session {
    /// Connects, checks the host key and authenticates, with everything prepared in `config`.
    ///
    /// `address` is a host name or an IP address with a port. All its addresses are tried in order.
    pub fn connect<'a>(address: impl Into<(&'a str, u16)>, config: &Config) -> Result<Self, Error> {
        let (host, port) = address.into();
        let stream = connect::dial(host, port, config.timeouts.connect)?;
        Self::connect_over(stream, host, port, config)
    }

    /// The same over a stream the caller has: a socket, a process's pipes, a [`Channel`] of a session to a jump host.
    /// `host` and `port` are what the host key is looked up by.
    pub fn connect_over(stream: impl Stream, host: &str, port: u16, config: &Config) -> Result<Self, Error> {
        Self::handshake(stream, host, port, config)?.verify()?.authenticate()
    }

    /// The first of the steps that [`Session::connect_over`] takes in one: the key exchange, up to the point where
    /// the host key has to be accepted.
    pub fn handshake(
        stream: impl Stream,
        host: &str,
        port: u16,
        config: &Config,
    ) -> Result<Unverified, Error> {
        Unverified::start(stream, host, port, config)
    }

    pub(super) fn from_handle(handle: Arc<Handle>) -> Self {
        Self { handle }
    }

    pub(super) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Opens a channel of type `session`, on which one command, shell or subsystem can be started (RFC 4254 §6.1).
    pub fn open_session(&self) -> Result<Channel, Error> {
        self.open("session", &[])
    }

    /// Lets the server connect to `host` and `port`, as it sees them (RFC 4254 §7.2). `originator` is told to the
    /// server as the one who asks.
    pub fn direct_tcpip(&self, host: &str, port: u16, originator: (&str, u16)) -> Result<Channel, Error> {
        let mut data = Vec::new();
        DirectTcpip {
            host: host.as_bytes(),
            port: port.into(),
            originator: originator.0.as_bytes(),
            originator_port: originator.1.into(),
        }
        .encode(&mut data);
        self.open("direct-tcpip", &data)
    }

    /// Opens a channel of any type; `data` is what the type adds to the request, encoded.
    pub fn open(&self, channel_type: &str, data: &[u8]) -> Result<Channel, Error> {
        let shared = self.handle.shared();
        let mut core = shared.lock();
        core.check()?;
        let id = core.engine.mux.open(channel_type.as_bytes(), data)?;
        let inbox = Arc::new(Inbox::default());
        core.channels.insert(id, inbox.clone());
        // From here on the channel closes itself when something fails.
        let channel = Channel::new(self.handle.clone(), id, inbox.clone());
        shared.send(core);
        inbox.opened(self.handle.config().timeouts.open)?;
        Ok(channel)
    }

    /// A command to run on a channel of its own, in the manner of [`std::process::Command`].
    pub fn command(&self, command: impl Into<Vec<u8>>) -> Command {
        Command::new(self.clone(), command.into())
    }

    /// Sends a global request and waits for the answer if one is wanted: whether it succeeded, and its data.
    pub fn global_request(&self, name: &str, want_reply: bool, data: &[u8]) -> Result<(bool, Bytes), Error> {
        self.handle.global_request(name.as_bytes(), want_reply, data)
    }

    /// Asks the server for a sign of life and waits for it; any answer is one.
    pub fn ping(&self) -> Result<(), Error> {
        self.global_request("keepalive@openssh.com", true, &[]).map(drop)
    }

    /// Starts a key exchange now. Data goes on flowing as soon as it is over.
    pub fn rekey(&self) -> Result<(), Error> {
        let shared = self.handle.shared();
        let mut core = shared.lock();
        core.check()?;
        core.engine.transport.rekey(Instant::now())?;
        shared.send(core);
        Ok(())
    }

    /// Whether the session is usable.
    pub fn is_active(&self) -> bool {
        self.handle.shared().lock().failure.is_none()
    }

    /// Waits until the session ends, and answers how.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Error, Error> {
        let shared = self.handle.shared();
        shared.wait(timeout, Phase::Wait, |core| core.failure.clone())
    }

    /// What was negotiated in the last key exchange.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.handle.shared().lock().engine.transport.negotiated().cloned()
    }

    /// The server's identification string.
    pub fn server(&self) -> Option<Identification> {
        self.handle.shared().lock().engine.transport.peer_identification().cloned()
    }

    /// The session identifier: the exchange hash of the first key exchange (RFC 4253 §7.2).
    pub fn session_id(&self) -> Vec<u8> {
        self.handle.shared().lock().engine.transport.session_id().unwrap_or_default().to_vec()
    }

    /// Who is logged in.
    pub fn user(&self) -> &str {
        self.handle.config().user()
    }

    /// Ends the session for all handles: what was written leaves if the server takes it in time, and its threads are
    /// joined. Calls that wait end with an error of kind [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.handle.close();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.handle.shared().lock().failure {
            None => "active".to_owned(),
            Some(error) if error.kind() == ErrorKind::Closed => "closed".to_owned(),
            Some(error) => error.to_string(),
        };
        f.debug_struct("Session").field("user", &self.user()).field("state", &state).finish()
    }
}
