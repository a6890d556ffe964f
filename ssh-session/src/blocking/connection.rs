//! A session as its owner sees it, whichever its role.

use super::{
    Channel, Stream,
    driver::{self, Shared, Threads},
};
use crate::{
    Decision, Error, ErrorKind, Phase, Settings,
    core::Core,
    engine::{Auth, Engine},
};
use bytes::Bytes;
use ssh_auth::{client, server};
use ssh_crypto::Signer;
use ssh_kex::{Negotiated, Receiver};
use ssh_wire::{Encode, ident::Identification, message::connection::DirectTcpip};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A session of either role, from the first byte on. It is a handle: clones are the same session, and threads may
/// share it.
///
/// What has to be decided before the connection protocol begins is asked by
/// [`next_decision`](Connection::next_decision), and answered by a method. The session ends when the last handle,
/// those of its channels included, is dropped.
#[derive(Clone)]
pub struct Connection {
    handle: Arc<Handle>,
}

/// What all handles of a session share; dropping it ends the session.
struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
    settings: Settings,
}

impl Handle {
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

/// How a session begins.
impl Connection {
    /// Starts a client over `stream`. Decisions follow: the host key, then, once [`Connection::authenticate`] was
    /// called, those of the authentication.
    pub fn client(stream: impl Stream, settings: Settings) -> Result<Self, Error> {
        let (kex, windows) = (settings.kex.clone(), settings.windows.clone());
        Self::start(stream, settings, Engine::client(kex, windows, Instant::now()))
    }

    /// Starts a server over `stream` that owns `host_keys`. Decisions follow: those of the authentication.
    pub fn server(
        stream: impl Stream,
        settings: Settings,
        host_keys: Vec<Arc<dyn Signer>>,
        auth: server::ServerConfig,
    ) -> Result<Self, Error> {
        let (kex, windows) = (settings.kex.clone(), settings.windows.clone());
        Self::start(stream, settings, Engine::server(kex, windows, host_keys, auth, Instant::now()))
    }

    fn start(
        stream: impl Stream,
        settings: Settings,
        engines: Result<(Engine, Receiver), Error>,
    ) -> Result<Self, Error> {
        let (engine, receiver) = engines?;
        let lost = |error| Error::with_source(ErrorKind::Io, "stream can't be used", error);
        let halves = stream.split().map_err(lost)?;
        let (shared, threads) = driver::start(halves, engine, receiver, &settings)?;
        let handle = Handle { shared, threads: Mutex::new(threads), settings };
        Ok(Self { handle: Arc::new(handle) })
    }

    /// Waits for the next thing to be decided; the time counts from the call.
    pub fn next_decision(&self, timeout: Option<Duration>, phase: Phase) -> Result<Decision, Error> {
        self.shared().decision(timeout, phase)
    }

    /// Client: the host key is the right one. Nothing goes on without this call.
    pub fn accept_host_key(&self) -> Result<(), Error> {
        let shared = self.shared();
        let mut core = shared.lock();
        core.check()?;
        core.engine.transport.accept_host_key(Instant::now())?;
        shared.send_soon(core);
        shared.notify_changed();
        Ok(())
    }

    /// Client: starts the authentication, or goes on with the methods of `config` after a failure.
    pub fn authenticate(&self, config: client::ClientConfig) -> Result<(), Error> {
        self.decide(|core| {
            core.engine.authenticate(config);
            Ok(())
        })
    }

    /// Client: answers what the authentication asked, or looks at its attempts.
    pub fn client_auth<T>(&self, act: impl FnOnce(&mut client::Client) -> T) -> Result<T, Error> {
        self.decide(|core| match &mut core.engine.auth {
            Auth::Client(auth) => Ok(act(auth)),
            _ => Err(Error::new(ErrorKind::Usage, "the authentication has not begun")),
        })
    }

    /// Server: answers what the authentication asked.
    pub fn server_auth<T>(
        &self,
        act: impl FnOnce(&mut server::Server) -> Result<T, ssh_auth::Error>,
    ) -> Result<T, Error> {
        self.decide(|core| match &mut core.engine.auth {
            Auth::Server(auth) => Ok(act(auth)?),
            _ => Err(Error::new(ErrorKind::Usage, "the authentication has not begun")),
        })
    }

    /// Acts on the engines, tells what they have to say, and sends what is due before the next wait.
    fn decide<T>(&self, act: impl FnOnce(&mut Core) -> Result<T, Error>) -> Result<T, Error> {
        let shared = self.shared();
        let mut core = shared.lock();
        core.check()?;
        let result = act(&mut core)?;
        core.dispatch()?;
        shared.send_soon(core);
        Ok(result)
    }
}

/// What a session can be asked and told once it is authenticated.
impl Connection {
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
        let shared = self.shared();
        let mut core = shared.lock();
        core.check()?;
        let id = core.engine.mux.open(channel_type.as_bytes(), data)?;
        let inbox = core.new_inbox();
        core.channels.insert(id, inbox.clone());
        // From here on the channel closes itself when something fails.
        let channel = Channel::new(self.clone(), id, inbox.clone());
        shared.send(core);
        inbox.opened(shared, self.settings().open_timeout)?;
        Ok(channel)
    }

    /// Sends a global request and waits for the answer if one is wanted: whether it succeeded, and its data.
    pub fn global_request(&self, name: &str, want_reply: bool, data: &[u8]) -> Result<(bool, Bytes), Error> {
        self.shared().global_request(name.as_bytes(), want_reply, data, self.settings().request_timeout)
    }

    /// Asks the peer for a sign of life and waits for it; any answer is one.
    pub fn ping(&self) -> Result<(), Error> {
        self.global_request("keepalive@openssh.com", true, &[]).map(drop)
    }

    /// Starts a key exchange now. Data goes on flowing as soon as it is over.
    pub fn rekey(&self) -> Result<(), Error> {
        let shared = self.shared();
        let mut core = shared.lock();
        core.check()?;
        core.engine.transport.rekey(Instant::now())?;
        shared.send(core);
        Ok(())
    }

    /// Whether the session is usable.
    pub fn is_active(&self) -> bool {
        self.shared().lock().check().is_ok()
    }

    /// Whether the authentication is over.
    pub fn is_authenticated(&self) -> bool {
        self.shared().lock().engine.is_authenticated()
    }

    /// Why the session has ended, if it has.
    pub fn failure(&self) -> Option<Error> {
        self.shared().lock().failure.clone()
    }

    /// Waits until the session ends, and answers how.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Error, Error> {
        self.shared().wait(timeout, Phase::Wait, |core| core.failure.clone())
    }

    /// Whether the first key exchange is over.
    pub fn is_established(&self) -> bool {
        self.shared().lock().engine.transport.is_established()
    }

    /// What was negotiated in the last key exchange.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.shared().lock().engine.transport.negotiated().cloned()
    }

    /// The peer's identification string.
    pub fn peer_identification(&self) -> Option<Identification> {
        self.shared().lock().engine.transport.peer_identification().cloned()
    }

    /// The session identifier: the exchange hash of the first key exchange (RFC 4253 §7.2).
    pub fn session_id(&self) -> Vec<u8> {
        self.shared().lock().engine.transport.session_id().unwrap_or_default().to_vec()
    }

    /// The server's host key, or its certificate, once it is accepted.
    pub fn host_key(&self) -> Option<Vec<u8>> {
        self.shared().lock().engine.transport.host_key().map(<[u8]>::to_vec)
    }

    /// Client: the host's signature of the first exchange hash, which is the session identifier.
    pub fn host_signature(&self) -> Option<Vec<u8>> {
        self.shared().lock().engine.transport.host_signature().map(<[u8]>::to_vec)
    }

    /// Ends the session with an error that all its calls answer from now on; the peer is told the fitting reason.
    pub fn fail(&self, error: Error) {
        let shared = self.shared();
        shared.fail(shared.lock(), error);
    }

    /// Ends the session for all handles: what was written leaves if the peer takes it in time, and its threads are
    /// joined. Calls that wait end with an error of kind [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.handle.close();
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.handle.settings
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.failure() {
            None => "active".to_owned(),
            Some(error) if error.kind() == ErrorKind::Closed => "closed".to_owned(),
            Some(error) => error.to_string(),
        };
        write!(f, "Connection({state})")
    }
}
