//! Sessions, and what limits them.

use crate::{
    Authenticator, Commands, Verdict,
    auth::Question,
    command::Start,
    startups::{Counts, Place},
};
use rustix::event::{PollFd, PollFlags, poll};
use ssh_auth::server::{ServerConfig, ServerEvent};
use ssh_crypto::{Provider, Signer};
use ssh_session::{
    Error, ErrorKind, Phase, Settings,
    blocking::{Channel, Connection, Decision, Incoming, Stream},
};
use std::{
    collections::HashMap,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What a server grants at most.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// From the connection to the end of the authentication (120 s).
    pub login_grace: Duration,
    /// Refusals until a client is sent away (6).
    pub attempts: u32,
    /// How long a refusal takes at least (500 ms): its time shall not tell why.
    pub failure_delay: Duration,
    /// Sessions at a time (256); further connections are cut.
    pub sessions: usize,
    /// Sessions at a time that are not authenticated yet (32).
    pub startups: usize,
    /// The same, from one address (8).
    pub startups_per_source: usize,
    /// Channels of a session at a time (10).
    pub channels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_grace: Duration::from_secs(120),
            attempts: 6,
            failure_delay: Duration::from_millis(500),
            sessions: 256,
            startups: 32,
            startups_per_source: 8,
            channels: 10,
        }
    }
}

/// A server: its keys, who may in and what is done for them.
pub struct Server {
    host_keys: Vec<Arc<dyn Signer>>,
    authenticator: Box<dyn Authenticator>,
    commands: Option<Arc<dyn Commands>>,
    settings: Settings,
    limits: Limits,
}

impl Server {
    /// Lets those in whom `authenticator` accepts, and does nothing for them yet.
    pub fn new(authenticator: impl Authenticator) -> Self {
        let mut settings = Settings::new(ssh_kex::Config::default());
        settings.channel_requests = true;
        Self {
            host_keys: Vec::new(),
            authenticator: Box::new(authenticator),
            commands: None,
            settings,
            limits: Limits::default(),
        }
    }

    /// Adds a host key.
    pub fn host_key(mut self, key: Arc<dyn Signer>) -> Self {
        self.host_keys.push(key);
        self
    }

    /// Lets clients run commands.
    pub fn commands(mut self, commands: impl Commands) -> Self {
        self.commands = Some(Arc::new(commands));
        self
    }

    /// Takes other limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes other settings: algorithms, rekeying, windows, keepalives. The number of channels comes from
    /// [`Limits::channels`].
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self.settings.channel_requests = true;
        self
    }

    /// The algorithms' implementations.
    pub fn provider(&self) -> &Arc<Provider> {
        &self.settings.kex.provider
    }

    /// Serves one session on this thread, to its end. How it ended is the answer: a client that goes away of its own
    /// accord is no other error than any.
    pub fn serve_one(&self, stream: impl Stream) -> Error {
        let connection = match self.start(stream) {
            Ok(connection) => connection,
            Err(error) => return error,
        };
        self.session(&connection, || {})
    }

    fn start(&self, stream: impl Stream) -> Result<Connection, Error> {
        let mut settings = self.settings.clone();
        settings.windows.max_channels = self.limits.channels;
        let mut auth = ServerConfig::new(self.provider().clone(), &self.authenticator.methods());
        auth.max_attempts = self.limits.attempts;
        Connection::server(stream, settings, self.host_keys.clone(), auth)
    }

    /// Runs a session; `started` is called when its user is authenticated.
    fn session(&self, connection: &Connection, started: impl FnOnce()) -> Error {
        // Before the login: a client may open a channel as soon as it is in.
        let error =
            match connection.incoming("session").and_then(|channels| Ok((channels, self.login(connection)?)))
            {
                Ok((channels, user)) => {
                    started();
                    self.channels(&channels, &user)
                }
                Err(error) => error,
            };
        // The client is told the reason, where there is one.
        connection.fail(error.clone());
        connection.close();
        error
    }

    /// Answers until a user is authenticated, and says who.
    fn login(&self, connection: &Connection) -> Result<String, Error> {
        let grace = self.limits.login_grace;
        let begin = Instant::now();
        loop {
            let left = grace.saturating_sub(begin.elapsed());
            let phase = if connection.is_established() { Phase::Authentication } else { Phase::Handshake };
            let decision = connection.next_decision(Some(left), phase);
            // A client that asks all the time gets no more of it.
            if left.is_zero() {
                return Err(Error::timeout(phase, grace));
            }
            let Decision::ServerAuth(event) = decision? else { continue };
            let asked = Instant::now();
            let Question { verdict, is_probe } = Question::put(&*self.authenticator, &event);
            if verdict == Verdict::Reject && !is_probe {
                thread::sleep(self.limits.failure_delay.saturating_sub(asked.elapsed()).min(left));
            }
            connection.server_auth(|auth| match verdict {
                Verdict::Accept => auth.accept(),
                Verdict::Partial(_) if is_probe => auth.accept(),
                Verdict::Partial(methods) => auth.partial(&methods),
                Verdict::Reject => auth.reject(),
            })?;
            if connection.is_authenticated() {
                return Ok(user(event));
            }
        }
    }

    /// Serves the channels of an authenticated user until the session ends.
    fn channels(&self, channels: &Incoming, user: &str) -> Error {
        thread::scope(|scope| {
            loop {
                let channel = match channels.accept(None) {
                    Ok((channel, _)) => channel,
                    Err(error) => return error,
                };
                let serve = move || {
                    self.serve_channel(&channel, user);
                    channel.close();
                };
                if let Err(error) =
                    thread::Builder::new().name("ssh-channel".to_owned()).spawn_scoped(scope, serve)
                {
                    // The channel went with the closure, which has closed it.
                    log::warn!("no thread for a channel: {error}");
                }
            }
        })
    }

    /// Refuses requests until one is a command, and runs that.
    fn serve_channel(&self, channel: &Channel, user: &str) {
        while let Ok(Some(request)) = channel.next_request(None) {
            let Some(commands) = &self.commands else { continue };
            if let Some(start) = Start::read(user, channel, request) {
                commands.run(start);
                break;
            }
        }
    }
}

/// The user that `event` is about.
fn user(event: ServerEvent) -> String {
    match event {
        ServerEvent::None { user }
        | ServerEvent::Password { user, .. }
        | ServerEvent::PasswordChange { user, .. }
        | ServerEvent::PublickeyProbe { user, .. }
        | ServerEvent::Publickey { user, .. }
        | ServerEvent::Hostbased { user, .. }
        | ServerEvent::Interactive { user, .. }
        | ServerEvent::Responses { user, .. } => user,
    }
}

/// A server at work. Dropping it stops it.
pub struct Serving {
    address: SocketAddr,
    bell: UnixStream,
    sessions: Arc<Sessions>,
    acceptor: Option<JoinHandle<()>>,
}

/// The sessions of a server at work.
#[derive(Default)]
struct Sessions(Mutex<Open>);

#[derive(Default)]
struct Open {
    stopped: bool,
    next: u64,
    connections: HashMap<u64, Connection>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the session be ended from outside; its number, or `None` if all are being stopped.
    fn add(&self, connection: &Connection) -> Option<u64> {
        let mut open = self.lock();
        if open.stopped {
            return None;
        }
        open.next += 1;
        let number = open.next;
        open.connections.insert(number, connection.clone());
        Some(number)
    }

    fn remove(&self, number: u64) {
        let connection = self.lock().connections.remove(&number);
        // Outside of the lock: its end may take a while.
        drop(connection);
    }

    fn stop(&self) {
        let mut open = self.lock();
        open.stopped = true;
        let connections: Vec<_> = open.connections.drain().collect();
        drop(open);
        for (_, connection) in connections {
            connection.fail(Error::new(ErrorKind::Closed, "server stops"));
        }
    }
}

impl Server {
    /// Accepts connections on a thread of its own, and serves each on another.
    ///
    /// # Errors
    /// The listener can't be used.
    pub fn serve(self, listener: TcpListener) -> io::Result<Serving> {
        // It may be gone between the poll and the accept.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (bell, stopped) = UnixStream::pair()?;
        let sessions = Arc::new(Sessions::default());
        let for_acceptor = sessions.clone();
        let acceptor = thread::Builder::new()
            .name("ssh-acceptor".to_owned())
            .spawn(move || Arc::new(self).accept(&listener, &stopped, &for_acceptor))?;
        Ok(Serving { address, bell, sessions, acceptor: Some(acceptor) })
    }

    fn accept(self: Arc<Self>, listener: &TcpListener, stopped: &UnixStream, sessions: &Arc<Sessions>) {
        let counts = Arc::new(Counts::default());
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        loop {
            let mut waits = [PollFd::new(listener, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
            if let Err(error) = rustix::io::retry_on_intr(|| poll(&mut waits, None)) {
                log::error!("no more connections are accepted: {error}");
                break;
            }
            if !waits[1].revents().is_empty() {
                break;
            }
            threads.retain(|thread| !thread.is_finished());
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => {
                    // Without descriptors, it would fail again at once.
                    log::warn!("connection not accepted: {error}");
                    thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            let Some(place) = counts.enter(peer.ip(), &self.limits) else {
                log::info!("too many sessions: {peer} is cut");
                continue;
            };
            let (server, sessions) = (self.clone(), sessions.clone());
            let serve = move || server.serve_counted(stream, peer, place, &sessions);
            match thread::Builder::new().name("ssh-session".to_owned()).spawn(serve) {
                Ok(thread) => threads.push(thread),
                Err(error) => log::warn!("no thread for {peer}: {error}"),
            }
        }
        sessions.stop();
        for thread in threads {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }

    fn serve_counted(&self, stream: impl Stream, peer: SocketAddr, mut place: Place, sessions: &Sessions) {
        let connection = match self.start(stream) {
            Ok(connection) => connection,
            Err(error) => return log::debug!("{peer}: {error}"),
        };
        let Some(number) = sessions.add(&connection) else { return };
        let error = self.session(&connection, || place.started());
        log::debug!("{peer}: {error}");
        sessions.remove(number);
    }
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for it to end by itself, which it does when the listener fails.
    pub fn wait(mut self) {
        self.join();
    }

    /// Accepts no more connections, ends all sessions, and waits for their threads.
    pub fn stop(self) {
        drop(self);
    }

    fn join(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            // A thread that panicked has nothing more to say.
            let _ = acceptor.join();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // If it fails, the acceptor has ended.
        let _ = self.bell.write_all(b"!");
        self.sessions.stop();
        self.join();
    }
}
