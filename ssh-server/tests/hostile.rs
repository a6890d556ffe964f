//! Clients that want no good: they say what has no place, ask without end, and do not listen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by test targets")]
mod driver;
mod raw;

use driver::{TaskSessions, serve_one};
use raw::{any_port, data, global, open, password, request};
use rustix::io::ioctl_fionread;
use ssh_kex::Config;
use ssh_server::{
    Error, ErrorKind, Fixed, Forwarding, Keepalive, KeyKind, KeyPair, Limits, Login, NoForwarding, Phase,
    PrivateKey, Programs, Server, Settings,
    blocking::{NoSessions, Sessions, Start},
    default_provider,
};
use ssh_wire::{
    Message, Rest,
    message::{
        auth::{UserauthRequest, UserauthSuccess},
        transport::ServiceRequest,
    },
    number::{
        self,
        disconnect::{BY_APPLICATION, NO_MORE_AUTH_METHODS_AVAILABLE, PROTOCOL_ERROR, SERVICE_NOT_AVAILABLE},
    },
};
use std::{
    io::Write,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const USER: &str = "alice";
const PASSWORD: &str = "secret";

type Raw = raw::Raw<UnixStream>;

/// Serves one session of the stream; how it ended is what the thread gives.
fn serve<H: Sessions + TaskSessions>(
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
        .auth(Fixed::new(USER).password(PASSWORD))
        .sessions(handler)
        .forwarding(forwarding)
        .limits(limits)
        .settings(settings)
        .build()
        .unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    (theirs, serve_one(server, ours))
}

fn serve_plainly() -> (UnixStream, JoinHandle<Error>) {
    serve(Programs::new(), |_, _| {}, NoForwarding)
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
    ] {
        // With the service asked for or not.
        for asked in [false, true] {
            let (stream, server) = serve_plainly();
            let mut raw = Raw::start(stream);
            if asked {
                raw.ask_for_service();
            }
            raw.send(&payload).unwrap();
            assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR), "message {}", payload[0]);
            assert_protocol(&server.join().unwrap(), "");
        }
    }
}

#[test]
fn guesses_come_to_an_end() {
    let (stream, server) = serve(Programs::new(), |limits, _| limits.attempts = 3, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.ask_for_service();
    for _ in 0..2 {
        raw.send(&password(USER, "wrong")).unwrap();
        assert_eq!(raw.message()[0], number::USERAUTH_FAILURE);
    }
    raw.send(&password(USER, "wrong")).unwrap();
    assert_eq!(raw.hear_the_end(), Some(NO_MORE_AUTH_METHODS_AVAILABLE));
    let error = server.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.to_string(), "too many failed attempts");
}

#[test]
fn a_service_that_is_not_there_is_refused() {
    let other = ServiceRequest { service: b"ssh-connection" }.to_payload();
    let (stream, server) = serve_plainly();
    let mut raw = Raw::start(stream);
    raw.send(&other).unwrap();
    assert_eq!(raw.hear_the_end(), Some(SERVICE_NOT_AVAILABLE));
    assert_protocol(&server.join().unwrap(), "no service \"ssh-connection\"");
    // One is enough: a second request has no place.
    let (stream, server) = serve_plainly();
    let mut raw = Raw::start(stream);
    raw.ask_for_service();
    raw.send(&other).unwrap();
    assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR));
    assert_protocol(&server.join().unwrap(), "");
    // A login to something else than a connection.
    let (stream, server) = serve_plainly();
    let mut raw = Raw::start(stream);
    raw.ask_for_service();
    let method = UserauthRequest { user: b"alice", service: b"other", method: b"none", data: Rest(b"") };
    raw.send(&method.to_payload()).unwrap();
    assert_eq!(raw.hear_the_end(), Some(SERVICE_NOT_AVAILABLE));
    assert_protocol(&server.join().unwrap(), "no service \"other\"");
}

#[test]
fn a_name_is_not_changed_on_the_way() {
    let (stream, server) = serve_plainly();
    let mut raw = Raw::start(stream);
    raw.ask_for_service();
    raw.send(&password("bob", PASSWORD)).unwrap();
    assert_eq!(raw.message()[0], number::USERAUTH_FAILURE);
    raw.send(&password(USER, PASSWORD)).unwrap();
    assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR));
    assert_protocol(&server.join().unwrap(), "name");
}

#[test]
fn more_channels_than_there_are_places_for_are_refused() {
    let (stream, server) = serve(Programs::new(), |limits, _| limits.channels = 3, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
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

/// Runs something that never looks at what the client asks meanwhile, and tells how it ended.
struct Deaf(mpsc::Sender<Error>);

impl Sessions for Deaf {
    fn start(&self, start: Start) {
        if let Err(error) = start.accept().wait_closed(None) {
            self.0.send(error).unwrap();
        }
    }
}

#[cfg(feature = "tokio")]
impl TaskSessions for Deaf {
    async fn start(&self, start: ssh_server::tokio::Start) {
        if let Err(error) = start.accept().wait_closed().await {
            self.0.send(error).unwrap();
        }
    }
}

fn deaf() -> (Deaf, mpsc::Receiver<Error>) {
    let (tell, told) = mpsc::channel();
    (Deaf(tell), told)
}

#[test]
fn requests_that_nobody_takes_come_to_an_end() {
    let (handler, _told) = deaf();
    let (stream, server) = serve(handler, |_, _| {}, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    raw.exec("true");
    for _ in 0..10_000 {
        if raw.send(&request(b"signal", false, b"")).is_err() {
            break;
        }
    }
    assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR));
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
    raw.log_in(USER, PASSWORD);
    for _ in 0..1000 {
        if raw.send(&global(b"tcpip-forward", false, &any_port("localhost"))).is_err() {
            break;
        }
    }
    // It is told at once, whatever is being decided.
    assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR));
    drop(done);
    assert_protocol(&server.join().unwrap(), "too many requests wait");
}

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let (grant, wait) = mpsc::channel();
    let (stream, server) = serve(NoSessions, |_, _| {}, Slow(Mutex::new(wait)));
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    // What is not served is refused at once, but not before what is still being decided.
    for name in [
        &b"keepalive@openssh.com"[..],
        b"tcpip-forward",
        b"keepalive@openssh.com",
        b"tcpip-forward",
        b"unknown",
    ] {
        raw.send(&global(name, true, &any_port("127.0.0.1"))).unwrap();
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

/// What makes the server say something in return, each without an end.
fn questions() -> [(&'static str, Vec<u8>); 4] {
    [
        ("keepalives", global(b"keepalive@openssh.com", true, b"")),
        ("channels", open(1)),
        ("pings", [&[number::PING, 0, 0, 4, 0][..], &[0; 1024]].concat()),
        ("messages that nobody knows", vec![number::PING + 8]),
    ]
}

/// Serves one who has a channel, and tells when the session is over for those who serve it, for what was written may
/// leave until `close` is over.
fn serve_a_channel(close: Duration) -> (Raw, JoinHandle<Error>, mpsc::Receiver<Error>) {
    let (handler, told) = deaf();
    let close = |_: &mut Limits, settings: &mut Settings| {
        settings.windows.max_queue = 256 << 10;
        settings.close_timeout = close;
    };
    let (stream, server) = serve(handler, close, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    raw.exec("true");
    (raw, server, told)
}

#[test]
fn answers_that_nobody_reads_come_to_an_end() {
    for (what, question) in questions() {
        let (mut raw, server, _told) = serve_a_channel(Duration::from_millis(50));
        // It never reads, until the server takes no more of it.
        while raw.send(&question).is_ok() {}
        let error = server.join().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{what}: {error}");
        // The reason would have come behind all the answers, for which there was no room.
        assert_eq!(raw.hear_the_end(), None, "{what}");
    }
}

/// Those to requests on a channel, whose command goes on meanwhile.
#[test]
fn refusals_that_nobody_reads_come_to_an_end() {
    let close = |_: &mut Limits, settings: &mut Settings| {
        settings.windows.max_queue = 256 << 10;
        settings.close_timeout = Duration::from_millis(50);
    };
    let (stream, server) = serve(Programs::new(), close, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    raw.exec("exec sleep 60");
    let question = request(b"unknown", true, b"");
    fill_with_answers(&mut raw, &question);
    while raw.send(&question).is_ok() {}
    assert_protocol(&server.join().unwrap(), "");
    assert_eq!(raw.hear_the_end(), None, "there was no room for the reason");
}

/// Asks until there is no room for answers. More questions at a time would have to wait for those, and their number is bounded.
fn fill_with_answers(raw: &mut Raw, question: &[u8]) {
    let waiting = |raw: &Raw| ioctl_fionread(&raw.stream).unwrap();
    loop {
        let before = waiting(raw);
        for _ in 0..100 {
            raw.send(question).unwrap();
        }
        let (mut seen, mut since) = (before, Instant::now());
        let patience = |seen| Duration::from_millis(if seen == before { 300 } else { 5 });
        while since.elapsed() < patience(seen) {
            thread::sleep(Duration::from_millis(1));
            if waiting(raw) != seen {
                (seen, since) = (waiting(raw), Instant::now());
            }
        }
        if seen == before {
            return;
        }
    }
}

#[test]
fn who_reads_the_answers_in_time_hears_the_reason() {
    for (what, question) in questions() {
        let (mut raw, server, told) = serve_a_channel(Duration::from_secs(60));
        let mut stream = raw.stream.try_clone().unwrap();
        let mut flood = Vec::new();
        while flood.len() < 8 << 20 {
            flood.extend(raw.seal(&question));
        }
        let writer = thread::spawn(move || stream.write_all(&flood));
        // Only when the server has given up.
        let error = told.recv().unwrap();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{what}: {error}");
        assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR), "{what}");
        assert_protocol(&server.join().unwrap(), "");
        // The server takes no more of it.
        writer.join().unwrap().unwrap_err();
    }
}

fn impatient(_: &mut Limits, settings: &mut Settings) {
    settings.keepalive = Some(Keepalive { interval: Duration::from_millis(100), count: 3 });
    settings.close_timeout = Duration::from_millis(50);
}

#[test]
fn who_reads_nothing_is_given_up() {
    let (stream, server) = serve(Programs::new(), impatient, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    // It writes until nobody takes it any more, and is killed with the session: its thread is joined.
    raw.exec("yes");
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Timeout(Phase::Keepalive));
    assert_eq!(raw.hear_the_end(), None, "there was no room for the reason");
}

#[test]
fn who_answers_nothing_is_told_so() {
    let (stream, server) = serve(Programs::new(), impatient, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    assert_eq!(raw.hear_the_end(), Some(BY_APPLICATION));
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Timeout(Phase::Keepalive));
}

#[test]
fn data_without_a_program_is_bounded_by_the_window() {
    let (stream, server) = serve(Programs::new(), |limits, _| limits.unread = 1 << 20, NoForwarding);
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    raw.send(&open(0)).unwrap();
    let confirmation = raw.message();
    let window = u32::from_be_bytes(confirmation[9..13].try_into().unwrap());
    assert!(window <= 1 << 19, "{window}");
    let data = data(&[0; 32 << 10]);
    while raw.send(&data).is_ok() {}
    assert_eq!(raw.hear_the_end(), Some(PROTOCOL_ERROR));
    assert_protocol(&server.join().unwrap(), "window");
}
