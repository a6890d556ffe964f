//! The three protocols of a session as one engine without I/O, for either role and every driver.

use crate::{Error, ErrorKind};
use bytes::Bytes;
use ssh_auth::{client, server};
use ssh_connection::Mux;
use ssh_crypto::Signer;
use ssh_kex::{NewOpen, Received, Receiver, Role, Transport};
use ssh_wire::number;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use zeroize::Zeroize;

/// The engines of one session and the order in which messages go through them.
pub(crate) struct Engine {
    pub(crate) transport: Transport,
    pub(crate) auth: Auth,
    pub(crate) mux: Mux,
    authenticated: bool,
    /// See [`Engine::settle`].
    settled: bool,
    /// How long key exchanges after the first may take.
    rekey_timeout: Duration,
}

/// The authentication, by role.
pub(crate) enum Auth {
    /// A client that was not told yet how to authenticate.
    Absent,
    /// A server before the first keys are there.
    Waiting(server::ServerConfig),
    Client(client::Client),
    Server(server::Server),
}

/// What the engines want the driver to know.
pub(crate) enum Event {
    Transport(ssh_kex::Event),
    ClientAuth(client::Event),
    ServerAuth(server::ServerEvent),
    Connection(ssh_connection::Event),
}

/// The server understands signatures that cover its host key (OpenSSH PROTOCOL §3.1), in this version of theirs.
const HOSTBOUND: (&str, &[u8]) = ("publickey-hostbound@openssh.com", b"0");

impl Engine {
    /// Starts a client: identification string and KEXINIT are in the output.
    pub(crate) fn client(
        kex: ssh_kex::Config,
        windows: ssh_connection::Config,
        now: Instant,
    ) -> Result<(Self, Receiver), Error> {
        Self::new(kex, windows, Auth::Absent, |kex| Transport::client(kex, now))
    }

    /// Starts a server that owns `host_keys` and authenticates by `auth`: identification string and KEXINIT are in the
    /// output.
    pub(crate) fn server(
        kex: ssh_kex::Config,
        windows: ssh_connection::Config,
        host_keys: Vec<Arc<dyn Signer>>,
        auth: server::ServerConfig,
        now: Instant,
    ) -> Result<(Self, Receiver), Error> {
        Self::new(kex, windows, Auth::Waiting(auth), |kex| Transport::server(kex, host_keys, now))
    }

    fn new(
        mut kex: ssh_kex::Config,
        windows: ssh_connection::Config,
        auth: Auth,
        start: impl FnOnce(ssh_kex::Config) -> Result<(Transport, Receiver), ssh_kex::Error>,
    ) -> Result<(Self, Receiver), Error> {
        // The first key exchange is a part of the handshake, whose time the driver minds as a whole.
        let rekey_timeout = std::mem::replace(&mut kex.kex_timeout, Duration::MAX);
        let (transport, receiver) = start(kex)?;
        let mut mux = Mux::new(windows);
        mux.set_name(transport.role().name());
        let engine = Self { transport, auth, mux, authenticated: false, settled: false, rekey_timeout };
        Ok((engine, receiver))
    }

    /// Takes what the receiver decoded.
    pub(crate) fn handle(&mut self, received: Received, now: Instant) -> Result<(), Error> {
        let seq = match &received {
            Received::Packet(packet) => packet.seq,
            _ => 0,
        };
        match self.transport.handle(received, now)? {
            Some(payload) => self.handle_message(seq, payload, now),
            None => Ok(()),
        }
    }

    fn handle_message(&mut self, seq: u32, payload: Bytes, now: Instant) -> Result<(), Error> {
        match payload.first().copied().unwrap_or_default() {
            number if Mux::understands(number) && self.authenticated => Ok(self.mux.handle(payload, now)?),
            number if number >= number::GLOBAL_REQUEST && self.authenticated => {
                self.transport.unimplemented(seq);
                Ok(())
            }
            number if number < number::GLOBAL_REQUEST => {
                let handled = match &mut self.auth {
                    Auth::Client(auth) => auth.handle(&payload).map_err(Error::from),
                    Auth::Server(auth) => auth.handle(&payload).map_err(Error::from),
                    Auth::Absent | Auth::Waiting(_) => Err(misplaced(number)),
                };
                wipe(payload);
                handled
            }
            number => Err(misplaced(number)),
        }
    }

    /// The key that opens the peer's next packets, for the receiver.
    pub(crate) fn take_open(&mut self) -> Option<NewOpen> {
        self.transport.take_open()
    }

    /// Whether [`Engine::take_open`] has one.
    pub(crate) fn has_open(&self) -> bool {
        self.transport.has_open()
    }

    /// Client: starts the authentication, or goes on with the methods of `config` after a failure; the first request
    /// leaves as soon as the key exchange allows.
    pub(crate) fn authenticate(&mut self, config: client::ClientConfig) {
        if let Auth::Client(auth) = &mut self.auth {
            return auth.resume(config.methods);
        }
        self.auth = Auth::Client(client::Client::new(config, self.session_id()));
        if self.settled {
            self.start_authentication();
        }
    }

    /// The first keys are there. A client's first request may lie right behind its NEWKEYS.
    fn established(&mut self) {
        self.transport.set_kex_timeout(self.rekey_timeout);
        if let Auth::Waiting(config) = &self.auth {
            let mut config = config.clone();
            config.host_key = self.transport.host_key().map(<[u8]>::to_vec);
            self.auth = Auth::Server(server::Server::new(config, self.session_id()));
        }
    }

    fn session_id(&self) -> Vec<u8> {
        self.transport.session_id().unwrap_or_default().to_vec()
    }

    /// Everything that has arrived was handled. When that is so with the first keys in use, a client's authentication
    /// can begin: what the server says about it in EXT_INFO comes right behind its NEWKEYS (RFC 8308 §2.4), if at all,
    /// and signatures made before it was read could be of the wrong kind.
    pub(crate) fn settle(&mut self) {
        if !self.settled && self.transport.is_established() {
            self.settled = true;
            self.start_authentication();
        }
    }

    fn start_authentication(&mut self) {
        self.learn_extensions();
        // It may still be on its way. It is there when the service is granted: that answer stands behind it.
        let is_awaited = self.transport.server_sig_algs().is_none() && self.announces_extensions();
        if let Auth::Client(auth) = &mut self.auth {
            if is_awaited {
                auth.set_pipeline(false);
            }
            auth.start();
        }
    }

    /// Whether the server is one that always sends EXT_INFO, but for versions of before 2016.
    fn announces_extensions(&self) -> bool {
        let peer = self.transport.peer_identification();
        peer.is_some_and(|peer| peer.software().starts_with("OpenSSH_"))
    }

    fn learn_extensions(&mut self) {
        let Auth::Client(auth) = &mut self.auth else { return };
        auth.set_server_sig_algs(self.transport.server_sig_algs().as_deref());
        let (name, version) = HOSTBOUND;
        let is_understood = self.transport.ext_info(name) == Some(version);
        auth.set_hostbound(self.transport.host_key().filter(|_| is_understood));
    }

    /// The next thing the driver should know.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.transport.poll_event() {
            match &event {
                ssh_kex::Event::ExtInfo => self.learn_extensions(),
                ssh_kex::Event::Established { rekey: false } => self.established(),
                // A keepalive that the peer does not know is answered all the same.
                ssh_kex::Event::Unimplemented { seq } => self.mux.unimplemented(*seq),
                _ => {}
            }
            return Some(Event::Transport(event));
        }
        let asked = match &mut self.auth {
            Auth::Absent | Auth::Waiting(_) => None,
            Auth::Client(auth) => auth.poll_event().map(Event::ClientAuth),
            Auth::Server(auth) => auth.poll_event().map(Event::ServerAuth),
        };
        if let Some(event) = asked {
            self.authenticated |= matches!(event, Event::ClientAuth(client::Event::Success));
            return Some(event);
        }
        self.mux.poll_event().map(Event::Connection)
    }

    /// Puts everything that is owed into the output, as far as the key exchange allows.
    pub(crate) fn flush(&mut self) {
        match &mut self.auth {
            Auth::Absent | Auth::Waiting(_) => {}
            Auth::Client(auth) => auth.flush(&mut self.transport),
            Auth::Server(auth) => {
                auth.flush(&mut self.transport);
                self.authenticated |= auth.is_authenticated();
            }
        }
        if self.authenticated {
            self.mux.flush(&mut self.transport);
        }
    }

    /// When [`Engine::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.transport.poll_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        Ok(self.transport.handle_timeout(now)?)
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// What the other side is called in messages.
    pub(crate) fn peer(&self) -> &'static str {
        match self.transport.role() {
            Role::Client => "server",
            Role::Server => "client",
        }
    }
}

/// What asks for a login, or is an answer to prompts, may hold a password.
fn wipe(payload: Bytes) {
    if let Ok(mut payload) = payload.try_into_mut() {
        payload.zeroize();
    }
}

fn misplaced(number: u8) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("message {number} has no place before the authentication is over"),
    )
}
