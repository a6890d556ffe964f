//! The three protocols of a client session as one engine without I/O, for the blocking and for the tokio driver.

use crate::{Config, Error, ErrorKind};
use bytes::Bytes;
use ssh_auth::client::{self as auth, ClientConfig, Method};
use ssh_connection::Mux;
use ssh_crypto::key::CertificateAlgorithm;
use ssh_kex::{NewOpen, Received, Receiver, Transport};
use ssh_wire::number;
use std::time::{Duration, Instant};

/// The engines of one session and the order in which messages go through them.
pub(crate) struct Engine {
    pub(crate) transport: Transport,
    pub(crate) auth: Option<auth::Client>,
    pub(crate) mux: Mux,
    authenticated: bool,
    /// See [`Engine::settle`].
    settled: bool,
    /// How long key exchanges after the first may take.
    rekey_timeout: Duration,
}

/// The server understands signatures that cover its host key (OpenSSH PROTOCOL §3.1), in this version of theirs.
const HOSTBOUND: (&str, &[u8]) = ("publickey-hostbound@openssh.com", b"0");

/// What the engines want the driver to know.
pub(crate) enum Event {
    Transport(ssh_kex::Event),
    Auth(auth::Event),
    Connection(ssh_connection::Event),
}

impl Engine {
    /// Starts a session: identification string and KEXINIT are in the output.
    pub(crate) fn new(
        config: &Config,
        known_types: &[String],
        now: Instant,
    ) -> Result<(Self, Receiver), Error> {
        let mut kex = ssh_kex::Config::new(config.provider.clone());
        kex.identification = config.identification.clone();
        kex.algorithms = config.algorithms.clone();
        prefer_known(&mut kex.algorithms.host_key, known_types, &config.provider);
        kex.rekey = config.rekey;
        // The first key exchange is a part of the handshake, whose time the driver minds as a whole.
        kex.kex_timeout = Duration::MAX;
        let (transport, receiver) = Transport::client(kex, now)?;
        let mux = Mux::new(config.windows.clone());
        Ok((
            Self {
                transport,
                auth: None,
                mux,
                authenticated: false,
                settled: false,
                rekey_timeout: config.timeouts.rekey,
            },
            receiver,
        ))
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
            number if number < number::GLOBAL_REQUEST => match &mut self.auth {
                Some(auth) => Ok(auth.handle(&payload)?),
                None => Err(misplaced(number)),
            },
            number => Err(misplaced(number)),
        }
    }

    /// The key that opens the peer's next packets, for the receiver.
    pub(crate) fn take_open(&mut self) -> Option<NewOpen> {
        self.transport.take_open()
    }

    /// Starts the authentication, or goes on with other methods after a failure; the first request leaves as soon as
    /// the key exchange allows.
    pub(crate) fn authenticate(&mut self, config: &Config, methods: Vec<Method>) {
        if let Some(auth) = &mut self.auth {
            return auth.resume(methods);
        }
        let mut settings = ClientConfig::new(&config.user, methods);
        settings.pipeline = config.pipeline;
        settings.attempts = config.password_attempts;
        let session_id = self.transport.session_id().unwrap_or_default().to_vec();
        self.auth = Some(auth::Client::new(settings, session_id));
        if self.settled {
            self.start_authentication();
        }
    }

    /// Everything that has arrived was handled. When that is so with the first keys in use, an authentication can
    /// begin: what the server says about it in EXT_INFO comes right behind its NEWKEYS (RFC 8308 §2.4), if at all, and
    /// signatures made before it was read could be of the wrong kind.
    pub(crate) fn settle(&mut self) {
        if !self.settled && self.transport.is_established() {
            self.settled = true;
            self.start_authentication();
        }
    }

    fn start_authentication(&mut self) {
        self.learn_extensions();
        if let Some(auth) = &mut self.auth {
            auth.start();
        }
    }

    fn learn_extensions(&mut self) {
        let Some(auth) = &mut self.auth else { return };
        auth.set_server_sig_algs(self.transport.server_sig_algs());
        let (name, version) = HOSTBOUND;
        let is_understood = self.transport.ext_info(name) == Some(version);
        auth.set_hostbound(self.transport.host_key().filter(|_| is_understood));
    }

    /// The next thing the driver should know.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.transport.poll_event() {
            match &event {
                ssh_kex::Event::ExtInfo => self.learn_extensions(),
                ssh_kex::Event::Established { rekey: false } => {
                    self.transport.set_kex_timeout(self.rekey_timeout);
                }
                // A keepalive that the server does not know is answered all the same.
                ssh_kex::Event::Unimplemented { seq } => self.mux.unimplemented(*seq),
                _ => {}
            }
            return Some(Event::Transport(event));
        }
        if let Some(event) = self.auth.as_mut().and_then(auth::Client::poll_event) {
            self.authenticated |= matches!(event, auth::Event::Success);
            return Some(Event::Auth(event));
        }
        self.mux.poll_event().map(Event::Connection)
    }

    /// Puts everything that is owed into the output, as far as the key exchange allows.
    pub(crate) fn flush(&mut self) {
        if let Some(auth) = &mut self.auth {
            auth.flush(&mut self.transport);
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
}

fn misplaced(number: u8) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("message {number} has no place before the authentication is over"),
    )
}

/// Puts the algorithms of key types that are known for the host first, so that the server shows a key to compare.
/// Where certificates are known, too, the names of those stand before all: one for each algorithm that is offered.
fn prefer_known(algorithms: &mut Vec<String>, known_types: &[String], provider: &ssh_crypto::Provider) {
    let knows = |key_type: &str| known_types.iter().any(|known| known == key_type);
    let is_known = |name: &String| provider.signature(name).is_some_and(|suite| knows(suite.key_type()));
    algorithms.sort_by_key(|name| !is_known(name));
    let certified = algorithms.iter().filter_map(|name| CertificateAlgorithm::from_signature(name));
    let mut first: Vec<String> = certified
        .filter(|algorithm| knows(algorithm.certificate.name))
        .map(|algorithm| algorithm.name.to_owned())
        .collect();
    if !first.is_empty() {
        algorithms.retain(|name| !first.contains(name));
        first.append(algorithms);
        *algorithms = first;
    }
}
