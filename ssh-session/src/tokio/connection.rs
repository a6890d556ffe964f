//! A session as its owner sees it, whichever its role.

use super::{Channel, Driver, shared::Shared};
use crate::{
    Decision, Error, ErrorKind, Phase, Settings,
    core::{Core, Signals},
    engine::{Auth, Engine},
};
use bytes::Bytes;
use ssh_auth::{client, server};
use ssh_crypto::Signer;
use ssh_kex::{Negotiated, Receiver};
use ssh_wire::{Encode, ident::Identification, message::connection::DirectTcpip};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// A session of either role, from the first byte on. It is a handle: clones are the same session, and tasks may share
/// it.
///
/// What has to be decided before the connection protocol begins is asked by
/// [`next_decision`](Connection::next_decision), and answered by a method. The session ends when the last handle,
/// those of its channels included, is dropped; its [`Driver`] then sends what was written, and ends, too.
#[derive(Clone)]
pub struct Connection {
    handle: Arc<Handle>,
}

/// What all handles of a session share; dropping it ends the session.
struct Handle {
    shared: Arc<Shared>,
    /// Those of the [`Settings`], which are large.
    open_timeout: Option<Duration>,
    request_timeout: Option<Duration>,
}

impl Handle {
    fn close(&self) {
        self.shared.fail(self.shared.lock(), Error::closed("session"));
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
    pub fn client<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        stream: S,
        settings: Settings,
    ) -> Result<(Self, Driver<S>), Error> {
        Self::start(stream, settings, |kex, windows| Engine::client(kex, windows, Instant::now()))
    }

    /// Starts a server over `stream` that owns `host_keys`. Decisions follow: those of the authentication.
    pub fn server<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        stream: S,
        settings: Settings,
        host_keys: Vec<Arc<dyn Signer>>,
        auth: server::ServerConfig,
    ) -> Result<(Self, Driver<S>), Error> {
        Self::start(stream, settings, |kex, windows| {
            Engine::server(kex, windows, host_keys, auth, Instant::now())
        })
    }

    fn start<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        stream: S,
        settings: Settings,
        start: impl FnOnce(ssh_kex::Config, ssh_connection::Config) -> Result<(Engine, Receiver), Error>,
    ) -> Result<(Self, Driver<S>), Error> {
        let Settings { open_timeout, request_timeout, close_timeout, .. } = settings;
        let (engine, receiver) = start(settings.kex.clone(), settings.windows.clone())?;
        let signals = Arc::<Signals>::default();
        let core = Core::new(engine, &settings, signals.clone());
        let shared = Arc::new(Shared::new(core, signals));
        let driver = Driver::new(shared.clone(), stream, receiver, close_timeout);
        let handle = Handle { shared, open_timeout, request_timeout };
        // Large; the engines have what they need.
        drop(settings);
        Ok((Self { handle: Arc::new(handle) }, driver))
    }

    /// Waits for the next thing to be decided; the time counts from the first poll. Cancel safe.
    pub async fn next_decision(&self, timeout: Option<Duration>, phase: Phase) -> Result<Decision, Error> {
        self.shared().wait_for(timeout, phase, |core| core.decisions.pop_front()).await
    }

    /// Client: the host key is the right one. Nothing goes on without this call.
    pub fn accept_host_key(&self) -> Result<(), Error> {
        self.decide(|core| Ok(core.engine.transport.accept_host_key(Instant::now())?))
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

    /// Acts on the engines, tells what they have to say, and sends what is due.
    fn decide<T>(&self, act: impl FnOnce(&mut Core) -> Result<T, Error>) -> Result<T, Error> {
        let mut core = self.shared().lock();
        core.check()?;
        let result = act(&mut core)?;
        core.dispatch()?;
        self.shared().send(core);
        Ok(result)
    }
}

/// What a session can be asked and told once it is authenticated.
impl Connection {
    /// Opens a channel of type `session`, on which one command, shell or subsystem can be started (RFC 4254 §6.1).
    ///
    /// Dropping the future closes the channel.
    pub async fn open_session(&self) -> Result<Channel, Error> {
        self.open("session", &[]).await
    }

    /// Lets the server connect to `host` and `port`, as it sees them (RFC 4254 §7.2). `originator` is told to the
    /// server as the one who asks.
    ///
    /// Dropping the future closes the channel.
    pub async fn direct_tcpip(
        &self,
        host: &str,
        port: u16,
        originator: (&str, u16),
    ) -> Result<Channel, Error> {
        let mut data = Vec::new();
        DirectTcpip {
            host: host.as_bytes(),
            port: port.into(),
            originator: originator.0.as_bytes(),
            originator_port: originator.1.into(),
        }
        .encode(&mut data);
        self.open("direct-tcpip", &data).await
    }

    /// Opens a channel of any type; `data` is what the type adds to the request, encoded.
    ///
    /// Dropping the future closes the channel.
    pub async fn open(&self, channel_type: &str, data: &[u8]) -> Result<Channel, Error> {
        let channel = {
            let mut core = self.shared().lock();
            core.check()?;
            let id = core.engine.mux.open(channel_type.as_bytes(), data)?;
            let inbox = core.new_inbox();
            core.channels.insert(id, inbox.clone());
            // From here on the channel closes itself when something fails.
            let channel = Channel::new(self.clone(), id, inbox);
            self.shared().send(core);
            channel
        };
        channel.opened(self.handle.open_timeout).await?;
        Ok(channel)
    }

    /// Sends a global request and waits for the answer if one is wanted: whether it succeeded, and its data.
    ///
    /// The request is sent at the first poll; dropping the future later gives up the answer only.
    pub async fn global_request(
        &self,
        name: &str,
        want_reply: bool,
        data: &[u8],
    ) -> Result<(bool, Bytes), Error> {
        self.global_request_with(name, want_reply, data, |_, _| {}).await
    }

    /// The same; `sent` learns the number of the request, if it has one, before any answer can come.
    pub(super) async fn global_request_with(
        &self,
        name: &str,
        want_reply: bool,
        data: &[u8],
        sent: impl FnOnce(&mut Core, u64),
    ) -> Result<(bool, Bytes), Error> {
        let number = self.send_global(name, want_reply, data, sent)?;
        let Some(number) = number else { return Ok((true, Bytes::new())) };
        let answer = Answer { shared: self.shared(), number };
        let timeout = self.request_timeout();
        self.shared()
            .wait_for(timeout, Phase::Request, |core| core.global_replies.remove(&answer.number))
            .await
    }

    pub(super) fn send_global(
        &self,
        name: &str,
        want_reply: bool,
        data: &[u8],
        sent: impl FnOnce(&mut Core, u64),
    ) -> Result<Option<u64>, Error> {
        let mut core = self.shared().lock();
        let number = core.global_request(name.as_bytes(), want_reply, data)?;
        if let Some(number) = number {
            sent(&mut core, number);
        }
        self.shared().send(core);
        Ok(number)
    }

    /// Asks the peer for a sign of life and waits for it; any answer is one. Cancel safe.
    pub async fn ping(&self) -> Result<(), Error> {
        self.global_request("keepalive@openssh.com", true, &[]).await.map(drop)
    }

    /// Starts a key exchange now. Data goes on flowing as soon as it is over.
    pub fn rekey(&self) -> Result<(), Error> {
        let mut core = self.shared().lock();
        core.check()?;
        core.engine.transport.rekey(Instant::now())?;
        self.shared().send(core);
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

    /// Waits until the session ends, and answers how. Cancel safe.
    pub async fn wait(&self) -> Error {
        // Ending wakes it as an error does.
        match self.shared().wait_for(None, Phase::Wait, |core| core.failure.clone()).await {
            Ok(error) | Err(error) => error,
        }
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
        self.shared().fail(self.shared().lock(), error);
    }

    /// Ends the session for all handles, and waits until its driver has sent what was written, if the peer takes it in
    /// time, and has let go of the stream. Calls that wait end with an error of kind [`ErrorKind::Closed`].
    ///
    /// The session ends at the first poll; dropping the future later gives up the wait only.
    pub async fn close(&self) {
        self.handle.close();
        self.shared().wait_finished().await;
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    pub(super) fn request_timeout(&self) -> Option<Duration> {
        self.handle.request_timeout
    }
}

/// The answer to a global request, which nobody fetches once this is dropped.
struct Answer<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        self.shared.lock().forget_global(self.number);
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
