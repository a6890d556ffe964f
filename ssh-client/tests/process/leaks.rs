//! Whichever way a session ends, each pending call ends with its error, and no thread, no task, no descriptor and no memory
//! stays behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod counted;
#[path = "../interop/support.rs"]
#[expect(dead_code, reason = "other scenarios use the rest")]
mod support;

use crate::driver::Session;
use counted::{Held, memory};
use ssh_client::{Config, Error, ErrorKind, Phase, Timeouts};
use std::{
    io::{self, Read, Write},
    iter,
    net::SocketAddr,
    sync::mpsc,
    thread,
    time::Duration,
};
use support::{PATIENCE, config_with_key};
use testing::{Cut, Direction, KeyKind, Proxy, Sshd};

const SHORT: Duration = Duration::from_millis(200);

/// How a session meets its end.
#[derive(Debug, Clone, Copy)]
enum End {
    Dropped,
    Closed,
    NetworkCut(Cut),
    NetworkDead,
    PeerStopsReading,
}

impl End {
    const ALL: [Self; 6] = [
        Self::Dropped,
        Self::Closed,
        Self::NetworkCut(Cut::Fin),
        Self::NetworkCut(Cut::Reset),
        Self::NetworkDead,
        Self::PeerStopsReading,
    ];

    /// The error of whatever waits.
    fn kind(self) -> ErrorKind {
        match self {
            Self::Dropped | Self::Closed => ErrorKind::Closed,
            Self::NetworkCut(_) => ErrorKind::Io,
            Self::NetworkDead | Self::PeerStopsReading => ErrorKind::Timeout(Phase::Keepalive),
        }
    }
}

/// What a call of its own thread ends with.
fn pending(call: impl FnOnce() -> Error + Send + 'static) -> mpsc::Receiver<Error> {
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(call()));
    end
}

fn of_io(error: io::Error) -> Error {
    error.downcast().unwrap()
}

/// What writing on and on ends with.
fn write_on(mut channel: impl Write) -> io::Error {
    iter::repeat_with(|| channel.write_all(&[0; 100_000])).find_map(Result::err).unwrap()
}

fn live_and_die(sshd: &Sshd, config: &Config, end: End) {
    let proxy = Proxy::start(sshd.addr());
    let session = Session::connect(("127.0.0.1", proxy.port()), config).unwrap();
    let channel = session.open_session().unwrap();
    channel.exec("exec cat /dev/zero").unwrap();
    (&channel).read_exact(&mut vec![0; 1 << 20]).unwrap();
    let idle = session.open_session().unwrap();
    idle.exec("exec sleep 1000").unwrap();
    if matches!(end, End::Dropped) {
        // What is dropped has no call that waits: these were given up.
        channel.set_write_timeout(Some(SHORT));
        assert_eq!(write_on(&channel).kind(), io::ErrorKind::TimedOut);
        assert_eq!(idle.wait(Some(SHORT)).unwrap_err().kind(), ErrorKind::Timeout(Phase::Wait));
        return;
    }
    // Some that wait, each for another thing.
    let write = pending({
        let channel = channel.clone();
        move || of_io(write_on(&channel))
    });
    let exit = pending({
        let idle = idle.clone();
        move || idle.wait(None).unwrap_err()
    });
    let read = pending(move || of_io((&idle).read(&mut [0; 10]).unwrap_err()));
    let ended = pending({
        let session = session.clone();
        move || session.wait(None).unwrap()
    });
    match end {
        End::Dropped => {}
        End::Closed => session.close(),
        End::NetworkCut(how) => proxy.cut(how),
        End::NetworkDead => proxy.stall(Direction::ToClient),
        End::PeerStopsReading => {
            proxy.stall(Direction::ToServer);
            proxy.stall(Direction::ToClient);
        }
    }
    for (what, call) in [("write", write), ("exit status", exit), ("read", read), ("session", ended)] {
        let error = call.recv_timeout(PATIENCE).unwrap();
        assert_eq!(error.kind(), end.kind(), "{end:?}: {what}: {error}");
    }
    assert_eq!(session.open_session().unwrap_err().kind(), end.kind(), "{end:?}");
}

/// The end of a connection before a session is there: what one side sends goes so far.
#[derive(Debug, Clone, Copy)]
struct Break {
    direction: Direction,
    /// In bytes.
    at: u64,
    /// The peer stays, and says nothing more.
    silent: bool,
}

impl Break {
    /// In the greeting, in the key exchange, in the login.
    fn all() -> impl Iterator<Item = Self> {
        let directions = [Direction::ToClient, Direction::ToServer];
        directions.into_iter().flat_map(|direction| {
            [0, 10, 500, 1500, 2200]
                .into_iter()
                .flat_map(move |at| [true, false].map(|silent| Self { direction, at, silent }))
        })
    }

    fn proxy(self, server: SocketAddr) -> Proxy {
        let proxy = Proxy::start(server);
        match self.silent {
            true => proxy.stall_after(self.direction, self.at),
            false => proxy.cut_after(self.direction, self.at, Cut::Reset),
        }
        proxy
    }

    /// Whether the session may be there before.
    fn may_be_late(self) -> bool {
        self.at > 1000
    }
}

#[test]
fn nothing_stays_behind() {
    let at_first = Held::now();
    let Some(sshd) = Sshd::start_or_skip("nothing_stays_behind") else { return };
    let timeouts = Timeouts { close: SHORT, ..Timeouts::default() };
    let config = config_with_key(&sshd, KeyKind::Ed25519).timeouts(timeouts).keepalive(SHORT, 2);
    // What is made once and kept is there from here on.
    let before = Held::now();
    live_and_die(&sshd, &config, End::Closed);
    before.settle("the first");
    let mut after_round = Vec::new();
    for _ in 0..4 {
        for end in End::ALL {
            live_and_die(&sshd, &config, end);
            before.settle(&format!("{end:?}"));
        }
        after_round.push(memory());
    }
    // Each session had more than this in its inbox and its output.
    let grown = after_round[3].saturating_sub(after_round[1]);
    assert!(grown < 2 * End::ALL.len() * 1024, "{after_round:?} KiB after each round");

    let timeouts = Timeouts { handshake: Some(SHORT), authentication: Some(SHORT), ..timeouts };
    let hasty = config.clone().timeouts(timeouts);
    for end in Break::all() {
        let proxy = end.proxy(sshd.addr());
        let result = Session::connect(("127.0.0.1", proxy.port()), &hasty);
        assert!(result.is_err() || end.may_be_late(), "{end:?}");
        drop((result, proxy));
        before.settle(&format!("{end:?}"));
    }

    // The peer is killed.
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).unwrap();
    let waiting: Vec<_> = iter::repeat_with(|| session.clone())
        .take(8)
        .map(|session| pending(move || session.command("exec sleep 1000").output().unwrap_err()))
        .collect();
    session.ping().unwrap();
    drop(sshd);
    for call in waiting {
        call.recv_timeout(PATIENCE).unwrap();
    }
    drop(session);
    at_first.settle("the peer is killed");
}
