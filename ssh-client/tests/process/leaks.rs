//! Whichever way a session ends, each pending call ends with its error, and no thread, no descriptor and no memory stays
//! behind. A file of its own, for it counts those of the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod counted;

use counted::{Break, descriptors, memory};
use ssh_client::{
    Config, Credential, Error, ErrorKind, Phase, Timeouts, blocking::Session, host_key::InsecureAcceptAny,
};
use std::{
    fs,
    io::{Read, Write},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use testing::{Cut, Direction, KeyKind, Proxy, Sshd};

const PATIENCE: Duration = Duration::from_secs(60);

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

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// What a call of its own thread ends with.
fn pending(call: impl FnOnce() -> Error + Send + 'static) -> mpsc::Receiver<Error> {
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(call()));
    end
}

fn of_io(error: std::io::Error) -> Error {
    error.downcast().unwrap()
}

fn live_and_die(sshd: &Sshd, config: &Config, end: End) {
    let proxy = Proxy::start(sshd.addr());
    let session = Session::connect(("127.0.0.1", proxy.port()), config).unwrap();
    let channel = session.open_session().unwrap();
    channel.exec("exec cat /dev/zero").unwrap();
    (&channel).read_exact(&mut vec![0; 1 << 20]).unwrap();
    if matches!(end, End::Dropped) {
        return;
    }
    // Some that wait, each for another thing.
    let write = pending({
        let channel = channel.clone();
        move || {
            of_io(
                std::iter::repeat_with(|| (&channel).write_all(&[0; 100_000])).find_map(Result::err).unwrap(),
            )
        }
    });
    let idle = session.open_session().unwrap();
    idle.exec("exec sleep 1000").unwrap();
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

/// Waits until threads and descriptors are as many as they were: those of the proxy end by themselves.
fn settle(what: &str, before: (usize, usize)) {
    let start = Instant::now();
    while (threads(), descriptors()) != before {
        let now = (threads(), descriptors());
        assert!(start.elapsed() < PATIENCE, "{what}: {now:?} threads and descriptors, not {before:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nothing_stays_behind() {
    let Some(sshd) = Sshd::start_or_skip("nothing_stays_behind") else { return };
    let timeouts = Timeouts { close: Duration::from_millis(200), ..Timeouts::default() };
    let base = Config::new(sshd.user()).host_key(InsecureAcceptAny).timeouts(timeouts);
    let base = base.keepalive(Duration::from_millis(200), 2);
    let path = sshd.user_key_path(KeyKind::Ed25519);
    let config = base.clone().credential(Credential::key_file(path, None, base.provider()).unwrap());
    // What is made once and kept is there from here on.
    let before = (threads(), descriptors());
    live_and_die(&sshd, &config, End::Closed);
    settle("the first", before);
    let mut after_round = Vec::new();
    for _ in 0..4 {
        for end in End::ALL {
            live_and_die(&sshd, &config, end);
            settle(&format!("{end:?}"), before);
        }
        after_round.push(memory());
    }
    // Each session had more than this in its inbox and its output.
    let grown = after_round[3].saturating_sub(after_round[1]);
    assert!(grown < 4 * End::ALL.len() * 1024, "{after_round:?} KiB after each round");

    let short = Some(Duration::from_millis(200));
    let timeouts = Timeouts { handshake: short, authentication: short, ..timeouts };
    let hasty = config.clone().timeouts(timeouts);
    for end in Break::all() {
        let proxy = end.proxy(sshd.addr());
        let result = Session::connect(("127.0.0.1", proxy.port()), &hasty);
        assert!(result.is_err() || end.may_be_late(), "{end:?}");
        drop((result, proxy));
        settle(&format!("{end:?}"), before);
    }

    // The peer is killed.
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).unwrap();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let session = session.clone();
            pending(move || session.command("exec sleep 1000").output().unwrap_err())
        })
        .collect();
    session.ping().unwrap();
    drop(sshd);
    for call in waiting {
        call.recv_timeout(PATIENCE).unwrap();
    }
    drop(session);
    let start = Instant::now();
    while threads() > before.0 || descriptors() > before.1 {
        assert!(start.elapsed() < PATIENCE, "{} threads, {} descriptors", threads(), descriptors());
        thread::sleep(Duration::from_millis(5));
    }
}
