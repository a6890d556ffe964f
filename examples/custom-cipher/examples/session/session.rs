//! Two machines in one process: each has the engines of three layers, and bytes are carried from one to the other.

use bytes::Bytes;
use ssh_auth::{Client, ClientConfig, KeyMethod, Method, Server, ServerConfig, ServerEvent};
use ssh_connection::{Exit, Mux, Written};
use ssh_crypto::{KeyKind, KeyPair, PrivateKey, Provider, Signer};
use ssh_kex::{Config, Event, Negotiated, Receiver, Transport};
use ssh_wire::{
    Encode, Rest,
    message::connection::{Exec, ExitStatus},
    number,
};
use std::{error::Error, sync::Arc, time::Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What came of a session.
#[derive(Debug)]
pub(crate) struct Session {
    /// What both sides agreed on.
    pub(crate) negotiated: Option<Negotiated>,
    /// What the command wrote.
    pub(crate) output: Vec<u8>,
    /// How the command ended.
    pub(crate) exit: Option<Exit>,
}

/// Logs in with a new key and runs `command`; the server answers any command with its text.
pub(crate) fn run(provider: Provider, command: &[u8]) -> Result<Session> {
    let config = Config::new(Arc::new(provider));
    let (host_key, user_key) = (generate(&config.provider)?, generate(&config.provider)?);
    let mut client = ClientSide {
        link: Link::new(Transport::client(config.clone(), Instant::now())?, host_key.public_key()),
        key: user_key.clone(),
        auth: None,
        command: command.to_vec(),
        output: Vec::new(),
        exit: None,
    };
    let mut server = ServerSide {
        provider: config.provider.clone(),
        link: Link::new(Transport::server(config, vec![host_key], Instant::now())?, &[]),
        user: user_key.public_key().to_vec(),
        auth: None,
    };
    loop {
        let (up, down) = (client.link.output(), server.link.output());
        if up.is_empty() && down.is_empty() {
            break;
        }
        server.receive(&up)?;
        client.receive(&down)?;
    }
    let negotiated = client.link.transport.negotiated().cloned();
    Ok(Session { negotiated, output: client.output, exit: client.exit })
}

fn generate(provider: &Provider) -> Result<Arc<KeyPair>> {
    let key = PrivateKey::generate(KeyKind::Ed25519, provider.random)?;
    Ok(Arc::new(KeyPair::new(&key, provider)?))
}

/// What both sides have: the transport with its receiver, and the channels.
struct Link {
    transport: Transport,
    receiver: Receiver,
    mux: Mux,
    /// The one host key that a client accepts.
    host_key: Vec<u8>,
}

impl Link {
    fn new((transport, receiver): (Transport, Receiver), host_key: &[u8]) -> Self {
        Self { transport, receiver, mux: Mux::new(Default::default()), host_key: host_key.to_vec() }
    }

    fn output(&mut self) -> Vec<u8> {
        std::mem::take(self.transport.output())
    }

    fn session_id(&self) -> Vec<u8> {
        self.transport.session_id().unwrap_or_default().to_vec()
    }

    /// Decodes the next message for the layers above.
    fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(received) = self.receiver.decode()? {
            let payload = self.transport.handle(received, Instant::now())?;
            while let Some(event) = self.transport.poll_event() {
                match event {
                    Event::HostKey { key, .. } if key == self.host_key => {
                        self.transport.accept_host_key(Instant::now())?;
                    }
                    Event::HostKey { .. } => return Err(self.transport.reject_host_key().into()),
                    _ => {}
                }
            }
            if let Some(open) = self.transport.take_open() {
                self.receiver.install(open);
            }
            if payload.is_some() {
                return Ok(payload);
            }
        }
        Ok(None)
    }
}

struct ClientSide {
    link: Link,
    key: Arc<KeyPair>,
    auth: Option<Client>,
    command: Vec<u8>,
    output: Vec<u8>,
    exit: Option<Exit>,
}

impl ClientSide {
    fn receive(&mut self, bytes: &[u8]) -> Result<()> {
        self.link.receiver.push(bytes);
        while let Some(payload) = self.link.next()? {
            match &mut self.auth {
                Some(auth) if payload[0] < number::GLOBAL_REQUEST => auth.handle(&payload)?,
                _ => self.link.mux.handle(payload, Instant::now())?,
            }
        }
        if self.link.transport.is_established() && self.auth.is_none() {
            self.log_in();
        }
        self.authenticate()?;
        self.take_events();
        self.link.mux.flush(&mut self.link.transport);
        Ok(())
    }

    fn log_in(&mut self) {
        let key = KeyMethod {
            public_key: self.key.public_key().to_vec(),
            algorithms: vec!["ssh-ed25519".to_owned()],
            probe: false,
            id: 0,
        };
        let config = ClientConfig::new("alice", vec![Method::Publickey(key)]);
        self.auth.insert(Client::new(config, self.link.session_id())).start();
    }

    fn authenticate(&mut self) -> Result<()> {
        let Some(auth) = &mut self.auth else { return Ok(()) };
        while let Some(event) = auth.poll_event() {
            match event {
                ssh_auth::Event::Sign { algorithm, data, .. } => {
                    auth.signature(self.key.sign(&algorithm, &data));
                }
                ssh_auth::Event::Success => {
                    let channel = self.link.mux.open(b"session", b"")?;
                    let mut command = Vec::new();
                    Exec { command: &self.command }.encode(&mut command);
                    self.link.mux.request(channel, b"exec", true, &command)?;
                }
                other => return Err(format!("{other:?}: {:?}", auth.attempts()).into()),
            }
        }
        auth.flush(&mut self.link.transport);
        Ok(())
    }

    fn take_events(&mut self) {
        while let Some(event) = self.link.mux.poll_event() {
            match event {
                ssh_connection::Event::Data { channel, data } => {
                    self.output.extend_from_slice(&data);
                    self.link.mux.consumed(channel, data.len(), Instant::now());
                }
                ssh_connection::Event::Request { name, data, .. } => self.exit = Exit::parse(&name, &data),
                _ => {}
            }
        }
    }
}

struct ServerSide {
    link: Link,
    /// Verifies signatures.
    provider: Arc<Provider>,
    /// The one key that may log in.
    user: Vec<u8>,
    auth: Option<Server>,
}

impl ServerSide {
    fn receive(&mut self, bytes: &[u8]) -> Result<()> {
        self.link.receiver.push(bytes);
        while let Some(payload) = self.link.next()? {
            match payload[0] {
                number if number < number::GLOBAL_REQUEST => self.authenticate(&payload)?,
                _ => self.link.mux.handle(payload, Instant::now())?,
            }
        }
        self.serve()?;
        self.link.mux.flush(&mut self.link.transport);
        Ok(())
    }

    fn authenticate(&mut self, payload: &[u8]) -> Result<()> {
        let auth = self.auth.get_or_insert_with(|| {
            let config = ServerConfig::new(self.provider.clone(), &["publickey"]);
            Server::new(config, self.link.session_id())
        });
        auth.handle(payload)?;
        match auth.poll_event() {
            // Its signature was verified.
            Some(ServerEvent::Publickey { public_key, .. }) if public_key == self.user => auth.accept()?,
            Some(_) => auth.reject()?,
            None => {}
        }
        auth.flush(&mut self.link.transport);
        Ok(())
    }

    fn serve(&mut self) -> Result<()> {
        let mux = &mut self.link.mux;
        while let Some(event) = mux.poll_event() {
            match event {
                ssh_connection::Event::Incoming { channel, .. } => mux.accept(channel)?,
                ssh_connection::Event::Request { channel, name, data, .. } if &name[..] == b"exec" => {
                    mux.reply(channel, true);
                    mux.flush(&mut self.link.transport);
                    let Exec { command } = Rest(&data).parse()?;
                    match mux.write(channel, command, &mut self.link.transport)? {
                        Written::Bytes(written) if written == command.len() => {}
                        other => return Err(format!("the answer is too long: {other:?}").into()),
                    }
                    let mut status = Vec::new();
                    ExitStatus { status: 0 }.encode(&mut status);
                    mux.request(channel, b"exit-status", false, &status)?;
                    mux.close(channel);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
