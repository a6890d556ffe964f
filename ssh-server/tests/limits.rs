//! What a server grants at most: sessions, start-ups, time and guesses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod raw;

use common::{Fixture, PASSWORD, PATIENCE, USER, plan};
use raw::{password, publickey};
use ssh_server::{
    Authenticator, Client, Credential, Fixed, KeyKind, KeyPair, Method, PrivateKey, Signer, Verdict,
    default_provider,
};
use ssh_wire::number::{self, disconnect::BY_APPLICATION};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

type Raw = raw::Raw<TcpStream>;

fn connect(fixture: &Fixture) -> TcpStream {
    TcpStream::connect(fixture.serving.address()).unwrap()
}

/// Connects from another address of this machine's own.
#[cfg(target_os = "linux")]
fn connect_from(source: [u8; 4], fixture: &Fixture) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&fixture.serving.address().into()).unwrap();
    socket.into()
}

/// Whether the server speaks, or cuts the connection at once.
fn is_served(stream: &TcpStream) -> bool {
    let mut greeting = [0; 8];
    // It is left to be read. A reset is a cut, too.
    while let Ok(n) = stream.peek(&mut greeting)
        && n > 0
    {
        if greeting == *b"SSH-2.0-" {
            return true;
        }
    }
    false
}

/// Waits until the server serves one more.
fn place(connect: impl Fn() -> TcpStream) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stream = connect();
        if is_served(&stream) {
            return stream;
        }
        assert!(Instant::now() < deadline, "no place is given back");
        thread::sleep(Duration::from_millis(5));
    }
}

fn logged_in(stream: TcpStream) -> Raw {
    let mut raw = Raw::start(stream);
    raw.log_in(USER, PASSWORD);
    raw
}

#[test]
fn sessions_are_limited() {
    let mut plan = plan();
    plan.limits.sessions = 2;
    let fixture = plan.start();
    let (one, two) = (fixture.session(), fixture.session());
    assert!(!is_served(&connect(&fixture)));
    // Those who are in do not notice.
    one.ping().unwrap();
    two.ping().unwrap();
    drop(one);
    logged_in(place(|| connect(&fixture)));
}

#[test]
fn start_ups_are_limited() {
    let mut plan = plan();
    plan.limits.startups = 2;
    let fixture = plan.start();
    let (first, second) = (connect(&fixture), connect(&fixture));
    assert!(is_served(&second));
    assert!(!is_served(&connect(&fixture)));
    // Whoever comes from elsewhere finds no place either.
    #[cfg(target_os = "linux")]
    assert!(!is_served(&connect_from([127, 0, 0, 2], &fixture)));
    // One who is in does not count any more.
    let _first = logged_in(first);
    let third = place(|| connect(&fixture));
    assert!(!is_served(&connect(&fixture)));
    // Nor does one who is gone, or was sent away.
    drop(second);
    let mut refused = Raw::start(place(|| connect(&fixture)));
    assert!(!is_served(&connect(&fixture)));
    refused.ask_for_service();
    while refused.ask(&password(USER, "wrong")).is_ok() {}
    assert!(is_served(&place(|| connect(&fixture))));
    assert!(is_served(&third));
}

#[cfg(target_os = "linux")]
#[test]
fn start_ups_of_one_source_leave_room_for_others() {
    let mut plan = plan();
    plan.limits.startups_per_source = 1;
    let fixture = plan.start();
    let elsewhere = || connect_from([127, 0, 0, 2], &fixture);
    let first = connect(&fixture);
    assert!(is_served(&first));
    assert!(!is_served(&connect(&fixture)));
    let other = elsewhere();
    assert!(is_served(&other));
    assert!(!is_served(&elsewhere()));
    drop(other);
    assert!(is_served(&place(elsewhere)));
    // Those who are in are not counted by their source.
    let _first = logged_in(first);
    let _others = [(), (), ()].map(|()| logged_in(place(|| connect(&fixture))));
}

/// A server that gives clients a moment to log in, and one of them.
fn start_for_a_moment() -> (Fixture, Raw) {
    let mut plan = plan();
    plan.limits.login_grace = Duration::from_millis(500);
    let fixture = plan.start();
    let mut raw = Raw::start(connect(&fixture));
    raw.ask_for_service();
    (fixture, raw)
}

#[test]
fn who_asks_without_end_is_sent_away_in_time() {
    let (fixture, mut raw) = start_for_a_moment();
    // That it would do is no refusal, of which there may be some only.
    let question = publickey(USER, &*fixture.signer(), None);
    while let Ok(answer) = raw.ask(&question) {
        assert_eq!(answer[0], number::USERAUTH_PK_OK);
    }
    assert_eq!(raw.hear_the_end(), Some(BY_APPLICATION));
}

#[test]
fn who_keeps_the_server_busy_is_sent_away_in_time() {
    let mut plan = plan();
    plan.limits.login_grace = Duration::from_millis(300);
    let fixture = plan.start();
    let mut stream = connect(&fixture);
    stream.write_all(b"SSH-2.0-busy\r\n").unwrap();
    // As long as keys were not spoken about, anybody can write IGNORE faster than it is read.
    let nothing = [0, 0, 0, 12, 6, number::IGNORE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(4096);
    while stream.write_all(&nothing).is_ok() {}
    let mut heard = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut heard);
    let told = [number::DISCONNECT, 0, 0, 0, BY_APPLICATION as u8];
    assert!(heard.windows(told.len()).any(|window| window == told), "{}", heard.escape_ascii());
}

/// Knows at once whom it does not know, and thinks about the others.
struct Thinking(Fixed);

const THOUGHT: Duration = Duration::from_millis(100);

impl Authenticator for Thinking {
    fn methods(&self) -> Vec<Method> {
        self.0.methods()
    }

    fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
        if client.user == USER {
            thread::sleep(THOUGHT);
        }
        self.0.check(client, credential)
    }
}

#[test]
fn refusals_tell_nothing_by_their_time() {
    const DELAY: Duration = Duration::from_millis(300);
    let mut plan = plan().auth(|key| Thinking(Fixed::new(USER).password(PASSWORD).key(key)));
    plan.limits.failure_delay = DELAY;
    plan.limits.probe_delay = DELAY;
    let fixture = plan.start();
    let provider = default_provider();
    let unknown = PrivateKey::generate(KeyKind::Ed25519, provider.random).unwrap();
    let unknown: Arc<dyn Signer> = Arc::new(KeyPair::new(&unknown, &provider).unwrap());
    let known = fixture.signer();
    type Ask<'a> = Box<dyn Fn(&Raw) -> Vec<u8> + Send + 'a>;
    let refused: [(&str, Ask<'_>); 7] = [
        ("a wrong password", Box::new(|_| password(USER, "wrong"))),
        ("a wrong password of nobody", Box::new(|_| password("nobody", "wrong"))),
        ("somebody's password of nobody", Box::new(|_| password("nobody", PASSWORD))),
        ("an unknown key", Box::new(|raw| publickey(USER, &*unknown, Some(&raw.session_id())))),
        ("somebody's key of nobody", Box::new(|raw| publickey("nobody", &*known, Some(&raw.session_id())))),
        ("whether an unknown key would do", Box::new(|_| publickey(USER, &*unknown, None))),
        ("whether somebody's key would do for nobody", Box::new(|_| publickey("nobody", &*known, None))),
    ];
    // All answers are the same, and none comes before its time.
    thread::scope(|scope| {
        for (what, ask) in refused {
            let fixture = &fixture;
            scope.spawn(move || {
                let mut raw = Raw::start(connect(fixture));
                raw.ask_for_service();
                let question = ask(&raw);
                let asked = Instant::now();
                raw.send(&question).unwrap();
                let answer = raw.message();
                let took = asked.elapsed();
                assert_eq!(answer[0], number::USERAUTH_FAILURE, "{what}");
                assert!(answer[5..].starts_with(b"publickey,password\0"), "{what}: {answer:?}");
                assert!(took >= DELAY, "{what}: {took:?}");
            });
        }
    });
    // The same keys and passwords in their places are in.
    for question in [&(|_: &Raw| password(USER, PASSWORD)) as &dyn Fn(&Raw) -> Vec<u8>, &|raw| {
        publickey(USER, &*known, Some(&raw.session_id()))
    }] {
        let mut raw = Raw::start(connect(&fixture));
        raw.ask_for_service();
        let question = question(&raw);
        raw.send(&question).unwrap();
        assert_eq!(raw.message()[0], number::USERAUTH_SUCCESS);
    }
}
