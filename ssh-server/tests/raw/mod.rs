//! A client of the transport alone, which sends whatever it is told.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test target uses its own part, and a test fails by panicking"
)]

use ssh_kex::{Config, Event, Receiver, Transport};
use ssh_server::Signer;
use ssh_wire::{
    Encode, Message, PacketSink, Rest,
    message::{
        auth::UserauthRequest,
        connection::{
            ChannelData, ChannelExtendedData, ChannelOpen, ChannelRequest, Exec, GlobalRequest, TcpipForward,
        },
        transport::ServiceRequest,
    },
    number,
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Instant,
};

/// A client of the transport alone, which sends whatever it is told.
pub(crate) struct Raw<S> {
    pub(crate) stream: S,
    transport: Transport,
    receiver: Receiver,
    /// The reason that the server gave for the end.
    told: Option<u32>,
    /// The window of channels to come.
    pub(crate) window: u32,
}

impl<S: Read + Write> Raw<S> {
    /// Says who it is and offers algorithms, and does no more.
    pub(crate) fn greet(stream: S) -> Self {
        let (transport, receiver) = Transport::client(Config::default(), Instant::now()).unwrap();
        let mut raw = Self { stream, transport, receiver, told: None, window: WINDOW };
        raw.flush().unwrap();
        raw
    }

    /// Exchanges keys.
    pub(crate) fn start(stream: S) -> Self {
        let mut raw = Self::greet(stream);
        while !raw.transport.is_established() {
            raw.flush().unwrap();
            assert!(raw.receive().unwrap().is_none());
        }
        raw.flush().unwrap();
        raw
    }

    fn flush(&mut self) -> io::Result<()> {
        let output = std::mem::take(self.transport.output());
        self.stream.write_all(&output)
    }

    /// Handles what comes next, reading if need be; answers with a message for the layers above, if it is one.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(received) = self.receiver.decode().map_err(io::Error::other)? else {
            let n = self.stream.read(self.receiver.space())?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.receiver.filled(n);
            return Ok(None);
        };
        let payload = self.transport.handle(received, Instant::now());
        while let Some(event) = self.transport.poll_event() {
            match event {
                Event::HostKey { .. } => self.transport.accept_host_key(Instant::now()).unwrap(),
                Event::Disconnected(disconnected) => self.told = Some(disconnected.reason),
                _ => {}
            }
        }
        if let Some(open) = self.transport.take_open() {
            self.receiver.install(open);
        }
        payload.map(|payload| payload.map(|payload| payload.to_vec())).map_err(io::Error::other)
    }

    /// The next message for the layers above; signs of life that the server asks for are passed over.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        loop {
            match self.receive().unwrap() {
                Some(message) if message[0] != number::GLOBAL_REQUEST => return message,
                _ => {}
            }
        }
    }

    pub(crate) fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        while self.transport.packet().is_none() {
            self.flush()?;
            self.receive()?;
        }
        let packet = self.seal(payload);
        self.stream.write_all(&packet)
    }

    /// Sends a message, and answers with the next one that comes.
    pub(crate) fn ask(&mut self, payload: &[u8]) -> io::Result<Vec<u8>> {
        self.send(payload)?;
        loop {
            if let Some(message) = self.receive()? {
                return Ok(message);
            }
        }
    }

    /// A packet, for whoever sends it in the order in which they were sealed.
    pub(crate) fn seal(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = self.transport.packet().unwrap();
        packet.push(&Rest(payload));
        packet.send();
        std::mem::take(self.transport.output())
    }

    pub(crate) fn ask_for_service(&mut self) {
        self.send(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
        assert_eq!(self.message()[0], number::SERVICE_ACCEPT);
    }

    pub(crate) fn log_in(&mut self, user: &str, secret: &str) {
        self.ask_for_service();
        self.send(&password(user, secret)).unwrap();
        assert_eq!(self.message()[0], number::USERAUTH_SUCCESS);
    }

    /// Opens a channel, answers with the server's number of it, and starts a command there. The first one is number 0.
    pub(crate) fn exec(&mut self, command: &str) -> u32 {
        self.exec_prepared(command, &[])
    }

    /// The same behind other requests.
    pub(crate) fn exec_prepared(&mut self, command: &str, before: &[(&[u8], &[u8])]) -> u32 {
        self.send(&open_with(0, self.window)).unwrap();
        let confirmation = self.message();
        assert_eq!(confirmation[0], number::CHANNEL_OPEN_CONFIRMATION);
        let channel = u32::from_be_bytes(confirmation[5..9].try_into().unwrap());
        let mut data = Vec::new();
        Exec { command: command.as_bytes() }.encode(&mut data);
        for (name, data) in before.iter().copied().chain([(&b"exec"[..], &*data)]) {
            self.send(&request_on(channel, name, true, data)).unwrap();
            assert_eq!(self.message()[0], number::CHANNEL_SUCCESS);
        }
        channel
    }

    pub(crate) fn session_id(&self) -> Vec<u8> {
        self.transport.session_id().unwrap().to_vec()
    }

    /// Begins to renew the keys, and goes no further.
    pub(crate) fn begin_rekey(&mut self) {
        self.transport.rekey(Instant::now()).unwrap();
        self.flush().unwrap();
    }

    /// Reads to the end, and answers with the reason that was given for it; `None` if there was none.
    pub(crate) fn hear_the_end(&mut self) -> Option<u32> {
        while self.told.is_none() && self.receive().is_ok() {}
        self.told
    }
}

impl Raw<TcpStream> {
    /// Takes note of what has come, without waiting for more.
    pub(crate) fn read_what_is_there(&mut self) {
        self.stream.set_nonblocking(true).unwrap();
        while self.receive().is_ok() {}
        self.stream.set_nonblocking(false).unwrap();
    }
}

/// A request by a key: signed for the session of this id, or whether the key would do.
pub(crate) fn publickey(user: &str, key: &dyn Signer, session_id: Option<&[u8]>) -> Vec<u8> {
    let algorithm = "ssh-ed25519";
    let mut data = Vec::new();
    session_id.is_some().encode(&mut data);
    algorithm.as_bytes().encode(&mut data);
    key.public_key().encode(&mut data);
    let payload = |data: &[u8]| {
        let (user, service, method) = (user.as_bytes(), &b"ssh-connection"[..], &b"publickey"[..]);
        UserauthRequest { user, service, method, data: Rest(data) }.to_payload()
    };
    if let Some(id) = session_id {
        let mut signed = Vec::new();
        id.encode(&mut signed);
        signed.extend(payload(&data));
        key.sign(algorithm, &signed).unwrap().as_slice().encode(&mut data);
    }
    payload(&data)
}

pub(crate) fn password(user: &str, password: &str) -> Vec<u8> {
    let mut data = Vec::new();
    false.encode(&mut data);
    password.as_bytes().encode(&mut data);
    let (user, service, method) = (user.as_bytes(), &b"ssh-connection"[..], &b"password"[..]);
    UserauthRequest { user, service, method, data: Rest(&data) }.to_payload()
}

const WINDOW: u32 = 1 << 20;

pub(crate) fn open(sender: u32) -> Vec<u8> {
    open_with(sender, WINDOW)
}

fn open_with(sender: u32, window: u32) -> Vec<u8> {
    let max_packet = 32 << 10;
    ChannelOpen { channel_type: b"session", sender, window, max_packet, data: Rest(b"") }.to_payload()
}

/// A request on channel 0.
pub(crate) fn request(name: &[u8], want_reply: bool, data: &[u8]) -> Vec<u8> {
    request_on(0, name, want_reply, data)
}

fn request_on(recipient: u32, request: &[u8], want_reply: bool, data: &[u8]) -> Vec<u8> {
    ChannelRequest { recipient, request, want_reply, data: Rest(data) }.to_payload()
}

pub(crate) fn global(name: &[u8], want_reply: bool, data: &[u8]) -> Vec<u8> {
    GlobalRequest { name, want_reply, data: Rest(data) }.to_payload()
}

/// The data of a request to listen on a port that the server chooses.
pub(crate) fn any_port(address: &str) -> Vec<u8> {
    let mut data = Vec::new();
    TcpipForward { address: address.as_bytes(), port: 0 }.encode(&mut data);
    data
}

/// Data on channel 0.
pub(crate) fn data(data: &[u8]) -> Vec<u8> {
    ChannelData { recipient: 0, data }.to_payload()
}

/// Data on channel 0 of a kind that nobody knows.
pub(crate) fn extended_data(data: &[u8]) -> Vec<u8> {
    ChannelExtendedData { recipient: 0, code: 7, data }.to_payload()
}
