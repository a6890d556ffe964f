//! Clients that want no good: they say what has no place, ask without end, and do not listen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use ssh_kex::{Config, Event, Receiver, Transport};
use ssh_server::{
    Error, ErrorKind, Fixed, Forwarding, Keepalive, KeyKind, KeyPair, Limits, Login, Phase, PrivateKey,
    Programs, Server, Settings,
    blocking::{NoSessions, Sessions, Start},
    default_provider,
};
use ssh_wire::{
    Encode, Message, PacketSink, Rest,
    message::{
        auth::{UserauthRequest, UserauthSuccess},
        connection::{ChannelOpen, ChannelRequest, Exec, GlobalRequest, TcpipForward},
        transport::ServiceRequest,
    },
    number,
};
use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const USER: &[u8] = b"alice";
const PASSWORD: &[u8] = b"secret";

/// A client of the transport alone, which sends whatever it is told.
struct Raw {
    stream: UnixStream,
    transport: Transport,
    receiver: Receiver,
}

impl Raw {
    /// Exchanges keys.
    fn start(stream: UnixStream) -> Self {
        let (transport, receiver) = Transport::client(Config::default(), Instant::now()).unwrap();
        let mut raw = Self { stream, transport, receiver };
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
    fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(received) = self.receiver.decode().unwrap() else {
            let n = self.stream.read(self.receiver.space())?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.receiver.filled(n);
            return Ok(None);
        };
        let payload = self.transport.handle(received, Instant::now());
        while let Some(event) = self.transport.poll_event() {
            if let Event::HostKey { .. } = event {
                self.transport.accept_host_key(Instant::now()).unwrap();
            }
        }
        if let Some(open) = self.transport.take_open() {
            self.receiver.install(open);
        }
        payload.map(|payload| payload.map(|payload| payload.to_vec())).map_err(io::Error::other)
    }

    /// The next message for the layers above.
    fn message(&mut self) -> Vec<u8> {
        loop {
            if let Some(message) = self.receive().unwrap() {
                return message;
            }
        }
    }

    fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        while self.transport.packet().is_none() {
            self.flush()?;
            self.receive()?;
        }
        let mut packet = self.transport.packet().unwrap();
        packet.push(&Rest(payload));
        packet.send();
        self.flush()
    }

    fn ask_for_service(&mut self) {
        self.send(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
        assert_eq!(self.message()[0], number::SERVICE_ACCEPT);
    }

    fn log_in(&mut self) {
        self.ask_for_service();
        self.send(&password(USER, PASSWORD)).unwrap();
        assert_eq!(self.message()[0], number::USERAUTH_SUCCESS);
    }

    /// Opens channel 0 and starts a command on it.
    fn exec(&mut self, command: &[u8]) {
        self.send(&open(0)).unwrap();
        assert_eq!(self.message()[0], number::CHANNEL_OPEN_CONFIRMATION);
        let mut data = Vec::new();
        Exec { command }.encode(&mut data);
        self.send(&request(b"exec", true, &data)).unwrap();
        assert_eq!(self.message()[0], number::CHANNEL_SUCCESS);
    }

    /// Reads to the end; whether it was said why.
    fn hear_the_end(&mut self) -> bool {
        loop {
            match self.receive() {
                Ok(_) if self.transport.is_closed() => return true,
                Ok(_) => {}
                // What the transport makes of a DISCONNECT.
                Err(error) => return error.kind() == io::ErrorKind::Other,
            }
        }
    }
}

fn password(user: &[u8], password: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    false.encode(&mut data);
    password.encode(&mut data);
    UserauthRequest { user, service: b"ssh-connection", method: b"password", data: Rest(&data) }.to_payload()
}

fn open(sender: u32) -> Vec<u8> {
    let (window, max_packet) = (1 << 20, 32 << 10);
    ChannelOpen { channel_type: b"session", sender, window, max_packet, data: Rest(b"") }.to_payload()
}

fn request(name: &[u8], want_reply: bool, data: &[u8]) -> Vec<u8> {
    ChannelRequest { recipient: 0, request: name, want_reply, data: Rest(data) }.to_payload()
}

fn global(name: &[u8], want_reply: bool, data: &[u8]) -> Vec<u8> {
    GlobalRequest { name, want_reply, data: Rest(data) }.to_payload()
}

/// Serves one session of the stream; how it ended is what the thread gives.
fn serve<H: Sessions>(
    handler: H,
    change: impl FnOnce(&mut Limits, &mut Settings),
    forwarding: impl Forwarding,
) -> (UnixStream, JoinHandle<Error>) {
    let (mut limits, mut settings) = (Limits::default(), Settings::new(Config::default()));
    limits.failure_delay = Duration::ZERO;
    change(&mut limits, &mut settings);
    let provider = default_provider();
    let key = PrivateKey::generate(KeyKind::Ed25519, provider.random).unwrap();
    let server = Server::builder()
        .host_key(Arc::new(KeyPair::new(&key, &provider).unwrap()))
        .auth(Fixed::new("alice").password(PASSWORD))
        .sessions(handler)
        .forwarding(forwarding)
        .limits(limits)
        .settings(settings)
        .build()
        .unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    (theirs, thread::spawn(move || server.serve_one(ours, None)))
}

fn serve_plainly() -> (UnixStream, JoinHandle<Error>) {
    serve(Programs::new(), |_, _| {}, ssh_server::NoForwarding)
}

#[track_caller]
fn assert_protocol(error: &Error, why: &str) {
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn nothing_is_done_before_the_login() {
    let answer = [&[number::USERAUTH_INFO_RESPONSE][..], &[0; 4]].concat();
    for payload in [
        open(0),
        request(b"exec", false, b""),
        global(b"tcpip-forward", true, b""),
        UserauthSuccess {}.to_payload(),
        answer,
        ServiceRequest { service: b"ssh-connection" }.to_payload(),
    ] {
        // With the service asked for or not.
        for asked in [false, true] {
            let (stream, server) = serve_plainly();
            let mut raw = Raw::start(stream);
            if asked {
                raw.ask_for_service();
            }
            raw.send(&payload).unwrap();
            assert!(raw.hear_the_end(), "message {}", payload[0]);
            assert_protocol(&server.join().unwrap(), "");
        }
    }
}

#[test]
fn guesses_come_to_an_end() {
    let (stream, server) = serve(Programs::new(), |limits, _| limits.attempts = 3, ssh_server::NoForwarding);
    let mut raw = Raw::start(stream);
    raw.ask_for_service();
    for _ in 0..2 {
        raw.send(&password(USER, b"wrong")).unwrap();
        assert_eq!(raw.message()[0], number::USERAUTH_FAILURE);
    }
    raw.send(&password(USER, b"wrong")).unwrap();
    assert!(raw.hear_the_end());
    assert_protocol(&server.join().unwrap(), "");
}

#[test]
fn a_name_is_not_changed_on_the_way() {
    let (stream, server) = serve_plainly();
    let mut raw = Raw::start(stream);
    raw.ask_for_service();
    raw.send(&password(b"bob", PASSWORD)).unwrap();
    assert_eq!(raw.message()[0], number::USERAUTH_FAILURE);
    raw.send(&password(USER, PASSWORD)).unwrap();
    assert!(raw.hear_the_end());
    assert_protocol(&server.join().unwrap(), "name");
}

#[test]
fn more_channels_than_there_are_places_for_are_refused() {
    let (stream, server) = serve(Programs::new(), |limits, _| limits.channels = 3, ssh_server::NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in();
    for sender in 0..200 {
        raw.send(&open(sender)).unwrap();
    }
    let answers: Vec<_> = (0..200).map(|_| raw.message()[0]).collect();
    let count = |wanted: u8| answers.iter().filter(|&&number| number == wanted).count();
    assert_eq!(count(number::CHANNEL_OPEN_CONFIRMATION), 3);
    assert_eq!(count(number::CHANNEL_OPEN_FAILURE), 197);
    // It goes on.
    raw.send(&global(b"keepalive@openssh.com", true, b"")).unwrap();
    assert_eq!(raw.message()[0], number::REQUEST_FAILURE);
    drop(raw);
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Io);
}

/// Runs something that never looks at what the client asks meanwhile.
struct Deaf;

impl Sessions for Deaf {
    fn start(&self, start: Start) {
        // An error is an end, too.
        let _ = start.accept().wait_closed(None);
    }
}

#[test]
fn requests_that_nobody_takes_come_to_an_end() {
    let (stream, server) = serve(Deaf, |_, _| {}, ssh_server::NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in();
    raw.exec(b"true");
    for _ in 0..1000 {
        if raw.send(&request(b"signal", false, b"")).is_err() {
            break;
        }
    }
    assert_protocol(&server.join().unwrap(), "too many requests wait on a channel");
}

/// A policy that takes its time, and grants what it is told to.
struct Slow(Mutex<mpsc::Receiver<bool>>);

impl Forwarding for Slow {
    fn may_listen(&self, _: &Login, _: &str, _: u16) -> bool {
        self.0.lock().unwrap().recv().unwrap_or_default()
    }
}

#[test]
fn global_requests_that_wait_come_to_an_end() {
    let (done, wait) = mpsc::channel();
    let (stream, server) = serve(NoSessions, |_, _| {}, Slow(Mutex::new(wait)));
    let mut raw = Raw::start(stream);
    raw.log_in();
    let mut data = Vec::new();
    TcpipForward { address: b"localhost", port: 0 }.encode(&mut data);
    for _ in 0..1000 {
        if raw.send(&global(b"tcpip-forward", false, &data)).is_err() {
            break;
        }
    }
    drop(done);
    assert_protocol(&server.join().unwrap(), "too many requests wait");
}

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let (grant, wait) = mpsc::channel();
    let (stream, server) = serve(NoSessions, |_, _| {}, Slow(Mutex::new(wait)));
    let mut raw = Raw::start(stream);
    raw.log_in();
    let mut data = Vec::new();
    TcpipForward { address: b"127.0.0.1", port: 0 }.encode(&mut data);
    // What is not served is refused at once, but not before what is still being decided.
    for name in [
        &b"keepalive@openssh.com"[..],
        b"tcpip-forward",
        b"keepalive@openssh.com",
        b"tcpip-forward",
        b"unknown",
    ] {
        raw.send(&global(name, true, &data)).unwrap();
    }
    assert_eq!(raw.message()[0], number::REQUEST_FAILURE);
    grant.send(true).unwrap();
    let granted = raw.message();
    assert_eq!((granted[0], granted.len()), (number::REQUEST_SUCCESS, 5));
    assert_eq!(raw.message()[0], number::REQUEST_FAILURE);
    grant.send(true).unwrap();
    assert_eq!(raw.message()[0], number::REQUEST_SUCCESS);
    assert_eq!(raw.message()[0], number::REQUEST_FAILURE);
    drop(raw);
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Io);
}

#[test]
fn answers_that_nobody_reads_come_to_an_end() {
    let small = |_: &mut Limits, settings: &mut Settings| settings.windows.max_queue = 4096;
    let (stream, server) = serve(NoSessions, small, ssh_server::NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in();
    let question = global(b"keepalive@openssh.com", true, b"");
    // It never reads, until the server takes no more of it.
    while raw.send(&question).is_ok() {}
    assert_protocol(&server.join().unwrap(), "");
}

#[test]
fn who_reads_nothing_is_given_up() {
    let impatient = |_: &mut Limits, settings: &mut Settings| {
        settings.keepalive = Some(Keepalive { interval: Duration::from_millis(100), count: 3 });
    };
    let (stream, server) = serve(Programs::new(), impatient, ssh_server::NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in();
    // It writes until nobody takes it any more, and is killed with the session: its thread is joined.
    raw.exec(b"yes");
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Timeout(Phase::Keepalive));
}

#[test]
fn data_without_a_program_is_bounded_by_the_window() {
    let (stream, server) =
        serve(Programs::new(), |limits, _| limits.unread = 1 << 20, ssh_server::NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in();
    raw.send(&open(0)).unwrap();
    let confirmation = raw.message();
    let window = u32::from_be_bytes(confirmation[9..13].try_into().unwrap());
    assert!(window <= 1 << 19, "{window}");
    let data = ssh_wire::message::connection::ChannelData { recipient: 0, data: &[0; 32 << 10] }.to_payload();
    while raw.send(&data).is_ok() {}
    assert_protocol(&server.join().unwrap(), "window");
}
