//! However a client goes, and whenever: no thread, no task, no descriptor, no process and no memory stays behind. A file of its
//! own, for it counts those of the test process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod common;
mod raw;

use common::{Fixture, PASSWORD, PATIENCE, USER, plan};
use peak_alloc::PeakAlloc;
use raw::{any_port, data, global, password};
use socket2::SockRef;
use ssh_server::{
    Error, ErrorKind, Keepalive, Programs,
    blocking::{Sessions, Start},
    request::Program,
};
use ssh_wire::{
    Encode, Message, Rest,
    message::connection::{ChannelOpen, DirectTcpip, PtyReq, TerminalSize},
    number,
};
use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

type Raw = raw::Raw<TcpStream>;

/// Counts what Rust code has allocated.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What is counted belongs to the process, and so to one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What serving clients costs this process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cost {
    threads: Vec<String>,
    tasks: usize,
    children: Vec<String>,
    descriptors: usize,
}

impl Cost {
    fn now(fixture: &Fixture) -> Self {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
        let mut threads: Vec<_> = names.filter(|name| name.starts_with("ssh-")).collect();
        threads.sort();
        let (tasks, children) = (fixture.serving.tasks(), children());
        // Behind the others: what these had is closed with them.
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
        Self { threads, tasks, children, descriptors }
    }

    /// Waits until it is as it was.
    fn settle(&self, fixture: &Fixture, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = Self::now(fixture);
            if now == *self {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {now:?}, and not {self:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The processes that this one has started and not reaped.
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").unwrap();
    let stats = processes.filter_map(|process| fs::read_to_string(process.ok()?.path().join("stat")).ok());
    // The state and the parent stand behind the name, which may hold anything.
    let is_ours = |stat: &str| {
        let behind = stat.rsplit(')').next();
        behind.and_then(|behind| behind.split_whitespace().nth(1)).is_some_and(|parent| parent == own)
    };
    stats.filter(|stat| is_ours(stat)).map(|stat| stat.split(") ").next().unwrap().to_owned()).collect()
}

/// Waits for the client in one way, by the name of the command, and tells what comes of it. Other commands are run.
struct Waiting {
    programs: Programs,
    tell: Sender<(Vec<u8>, ErrorKind)>,
}

const WAITS: [&str; 4] = ["to read", "for requests", "for the end", "to write"];

impl Waiting {
    fn new() -> (Self, Receiver<(Vec<u8>, ErrorKind)>) {
        let (tell, told) = channel();
        (Self { programs: Programs::new(), tell }, told)
    }

    fn tell(&self, name: Vec<u8>, error: &Error) {
        self.tell.send((name, error.kind())).unwrap();
    }
}

/// What lies in an error of a write.
fn inner(error: io::Error) -> Error {
    error.downcast().unwrap()
}

fn name(program: &Program) -> Vec<u8> {
    let Program::Command(name) = program else { return Vec::new() };
    name.clone()
}

impl Sessions for Waiting {
    fn accepts(&self, _: &ssh_server::Login, _: &ssh_server::request::SessionRequest) -> bool {
        true
    }

    fn start(&self, start: Start) {
        let name = name(start.program());
        let error = match &*name {
            b"to read" => start.accept().recv().unwrap_err(),
            b"for requests" => start.accept().next_request(None).unwrap_err(),
            b"for the end" => start.accept().wait_closed(None).unwrap_err(),
            b"to write" => inner(io::copy(&mut io::repeat(0), &mut start.accept()).unwrap_err()),
            _ => return self.programs.start(start),
        };
        self.tell(name, &error);
    }
}

#[cfg(feature = "tokio")]
impl ssh_server::tokio::Sessions for Waiting {
    fn accepts(&self, _: &ssh_server::Login, _: &ssh_server::request::SessionRequest) -> bool {
        true
    }

    async fn start(&self, start: ssh_server::tokio::Start) {
        let name = name(start.program());
        let error = match &*name {
            b"to read" => start.accept().recv().await.unwrap_err(),
            b"for requests" => start.accept().next_request().await.unwrap_err(),
            b"for the end" => start.accept().wait_closed().await.unwrap_err(),
            b"to write" => {
                inner(tokio::io::copy(&mut tokio::io::repeat(0), &mut start.accept()).await.unwrap_err())
            }
            _ => return ssh_server::tokio::Sessions::start(&self.programs, start).await,
        };
        self.tell(name, &error);
    }
}

/// A server that gives up clients which do not answer, or one that waits for them longer than any test.
fn start(is_patient: bool) -> (Fixture, Receiver<(Vec<u8>, ErrorKind)>) {
    let (handler, told) = Waiting::new();
    let mut plan = plan().sessions(handler);
    plan.limits.failure_delay = Duration::from_millis(200);
    plan.limits.hang_up = Duration::from_millis(200);
    plan.limits.startups_per_source = 32;
    plan.settings.close_timeout = Duration::from_millis(200);
    if !is_patient {
        plan.limits.login_grace = Duration::from_secs(2);
        plan.settings.keepalive = Some(Keepalive { interval: Duration::from_millis(500), count: 3 });
    }
    (plan.start(), told)
}

/// When a client goes.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Connected,
    WithinTheIdentification,
    WithinTheKeyExchange,
    KeysExchanged,
    Refused,
    ServerWaits,
    KeysRenewed,
    DataFlows,
    ProgramWrites,
    ProgramRuns,
    ProgramHasATerminal,
    ProgramWantsToStay,
    ConnectionsForwarded,
}

const MOMENTS: [Moment; 13] = [
    Moment::Connected,
    Moment::WithinTheIdentification,
    Moment::WithinTheKeyExchange,
    Moment::KeysExchanged,
    Moment::Refused,
    Moment::ServerWaits,
    Moment::KeysRenewed,
    Moment::DataFlows,
    Moment::ProgramWrites,
    Moment::ProgramRuns,
    Moment::ProgramHasATerminal,
    Moment::ProgramWantsToStay,
    Moment::ConnectionsForwarded,
];

/// A client, until it is gone, and other connections that there are by it.
struct Client {
    held: Option<Held>,
    others: Vec<TcpStream>,
}

enum Held {
    Plain(TcpStream),
    Speaking(Box<Raw>),
}

impl Client {
    fn reach(moment: Moment, fixture: &Fixture) -> Self {
        let mut stream = TcpStream::connect(fixture.serving.address()).unwrap();
        let mut others = Vec::new();
        let logged_in = |stream| {
            let mut raw = Raw::start(stream);
            raw.log_in(USER, PASSWORD);
            raw
        };
        let held = match moment {
            Moment::Connected => Held::Plain(stream),
            Moment::WithinTheIdentification => {
                stream.write_all(b"SSH-2.0-half").unwrap();
                Held::Plain(stream)
            }
            Moment::WithinTheKeyExchange => Held::speaking(Raw::greet(stream)),
            Moment::KeysExchanged => {
                let mut raw = Raw::start(stream);
                raw.ask_for_service();
                Held::speaking(raw)
            }
            Moment::Refused => {
                let mut raw = Raw::start(stream);
                raw.ask_for_service();
                raw.send(&password(USER, "wrong")).unwrap();
                Held::speaking(raw)
            }
            Moment::ServerWaits => {
                let mut raw = logged_in(stream);
                for wait in WAITS {
                    raw.exec(wait);
                }
                Held::speaking(raw)
            }
            Moment::KeysRenewed => {
                let mut raw = logged_in(stream);
                raw.exec(WAITS[0]);
                raw.begin_rekey();
                Held::speaking(raw)
            }
            Moment::DataFlows => {
                let mut raw = logged_in(stream);
                raw.exec("cat");
                for _ in 0..16 {
                    raw.send(&data(&[0; 32 << 10])).unwrap();
                }
                Held::speaking(raw)
            }
            Moment::ProgramWrites => Held::running(logged_in(stream), "yes"),
            Moment::ProgramRuns => Held::running(logged_in(stream), "sleep 1000; true"),
            Moment::ProgramHasATerminal => {
                let mut raw = logged_in(stream);
                let mut pty = Vec::new();
                let size = TerminalSize { columns: 80, rows: 24, width: 0, height: 0 };
                PtyReq { term: b"vt100", size, modes: &[] }.encode(&mut pty);
                raw.exec_prepared("sleep 1000; true", &[(b"pty-req", &pty)]);
                Held::speaking(raw)
            }
            Moment::ProgramWantsToStay => {
                Held::running(logged_in(stream), "trap '' HUP; while :; do sleep 0.05; done")
            }
            Moment::ConnectionsForwarded => {
                let mut raw = logged_in(stream);
                others = forward(&mut raw);
                Held::speaking(raw)
            }
        };
        Self { held: Some(held), others }
    }

    fn end(&mut self, end: End) {
        let Some(held) = &self.held else { return };
        match end {
            End::Closed => self.held = None,
            End::HalfClosed => held.stream().shutdown(Shutdown::Write).unwrap(),
            End::Reset => {
                SockRef::from(held.stream()).set_linger(Some(Duration::ZERO)).unwrap();
                self.held = None;
            }
            End::Silent => {}
        }
    }

    /// How many descriptors of this process it has.
    fn descriptors(&self) -> usize {
        self.others.len() + usize::from(self.held.is_some())
    }
}

impl Held {
    fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Speaking(raw) => &raw.stream,
        }
    }

    fn speaking(raw: Raw) -> Self {
        Self::Speaking(Box::new(raw))
    }

    fn running(mut raw: Raw, command: &str) -> Self {
        raw.exec(command);
        Self::speaking(raw)
    }
}

/// Has a connection made by the server, and one to a port where it listens, which waits for the client to take it.
fn forward(raw: &mut Raw) -> Vec<TcpStream> {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = target.local_addr().unwrap().port();
    let mut place = Vec::new();
    DirectTcpip { host: b"127.0.0.1", port: port.into(), originator: b"", originator_port: 0 }
        .encode(&mut place);
    let (window, max_packet) = (1 << 20, 32 << 10);
    let open =
        ChannelOpen { channel_type: b"direct-tcpip", sender: 0, window, max_packet, data: Rest(&place) };
    raw.send(&open.to_payload()).unwrap();
    let (made, _) = target.accept().unwrap();
    assert_eq!(raw.message()[0], number::CHANNEL_OPEN_CONFIRMATION);
    raw.send(&global(b"tcpip-forward", true, &any_port("127.0.0.1"))).unwrap();
    let answer = raw.message();
    assert_eq!(answer[0], number::REQUEST_SUCCESS);
    let port = u32::from_be_bytes(answer[1..5].try_into().unwrap());
    let taken = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    assert_eq!(raw.message()[0], number::CHANNEL_OPEN);
    vec![made, taken]
}

/// How a client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As when its process ends.
    Closed,
    /// It says no more, and would read on.
    HalfClosed,
    /// The connection is reset.
    Reset,
    /// It is there, and neither reads nor writes.
    Silent,
}

/// One round: a client in each of the moments, all of which then end in this way.
fn live_and_die(fixture: &Fixture, told: &Receiver<(Vec<u8>, ErrorKind)>, end: End, before: &Cost) {
    let mut clients: Vec<_> = MOMENTS.iter().map(|moment| Client::reach(*moment, fixture)).collect();
    clients.iter_mut().for_each(|client| client.end(end));
    // Every call that waits for a client ends with an error.
    let mut waits: Vec<_> = WAITS.iter().chain(&WAITS[..1]).map(|name| name.as_bytes()).collect();
    while !waits.is_empty() {
        let told = told.recv_timeout(PATIENCE);
        let (name, error) = told.unwrap_or_else(|_| panic!("{end:?}: {} calls wait still", waits.len()));
        match end {
            End::Silent => assert!(matches!(error, ErrorKind::Timeout(_)), "{end:?}: {error:?}"),
            _ => assert_eq!(error, ErrorKind::Io, "{end:?}"),
        }
        waits.swap_remove(waits.iter().position(|wait| *wait == name).unwrap());
    }
    // Though the clients that are silent have their ends still.
    let descriptors = before.descriptors + clients.iter().map(Client::descriptors).sum::<usize>();
    Cost { descriptors, ..before.clone() }.settle(fixture, &format!("{end:?}"));
    for other in clients.iter_mut().flat_map(|client| &mut client.others) {
        // A reset is an end, too.
        assert!(!matches!(other.read(&mut [0]), Ok(1)));
    }
}

/// What a server costs that has served clients, and has none: what is made once and kept is there.
fn cost_at_rest(fixture: &Fixture) -> Cost {
    for moment in MOMENTS {
        drop(Client::reach(moment, fixture));
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = Cost::now(fixture);
        // The one that accepts clients.
        if now.threads.len() + now.tasks == 1 && now.children.is_empty() {
            return now;
        }
        assert!(Instant::now() < deadline, "{now:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nothing_stays_behind() {
    let _alone = alone();
    let (patient, told) = start(true);
    let before = cost_at_rest(&patient);
    // What the first clients waited for is told, too.
    while told.try_recv().is_ok() {}
    let mut after_round = Vec::new();
    for _ in 0..3 {
        for end in [End::Closed, End::HalfClosed, End::Reset] {
            live_and_die(&patient, &told, end, &before);
        }
        after_round.push(ALLOCATOR.current_usage());
    }
    // Some eighty clients came behind the first round.
    assert!(after_round[2] < after_round[0] + 4096, "{after_round:?} bytes after each round");
    patient.serving.stop();
    let (impatient, told) = start(false);
    let before = cost_at_rest(&impatient);
    while told.try_recv().is_ok() {}
    live_and_die(&impatient, &told, End::Silent, &before);
}

#[test]
fn nothing_stays_behind_a_client_that_is_killed() {
    let _alone = alone();
    let (fixture, _told) = start(true);
    if Command::new("ssh").arg("-V").output().is_err() {
        return testing::skip("nothing_stays_behind_a_client_that_is_killed", "there is no ssh");
    }
    let before = cost_at_rest(&fixture);
    for (options, command) in [
        (&[][..], "echo in; sleep 1000; true"),
        (&["-tt"], "echo in; sleep 1000; true"),
        (&[], "echo in; cat /dev/zero"),
        (&[], "echo in; cat"),
        (&[], "trap '' HUP; echo in; while :; do sleep 0.05; done"),
    ] {
        let mut ssh = fixture.ssh(&"ssh".into(), USER, "key", options, &[command]);
        let mut ssh = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        ssh.stdout.as_mut().unwrap().read_exact(&mut [0; 2]).unwrap();
        ssh.kill().unwrap();
        ssh.wait().unwrap();
        drop(ssh);
        before.settle(&fixture, command);
    }
}

/// The memory of this process in bytes that no file stands behind.
fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// What a client sends again and again, to no end, and whether it has to be logged in for it.
fn floods() -> Vec<(&'static str, bool, Vec<u8>)> {
    let large = [0; 32 << 10];
    let string = [&(large.len() as u32).to_be_bytes()[..], &large].concat();
    let secret = "x".repeat(large.len());
    let mut floods = vec![
        ("passwords", false, password(USER, &secret)),
        ("requests that are not served", true, global(b"unknown", true, &large)),
        ("requests to listen", true, global(b"tcpip-forward", false, &large)),
        ("requests on a channel", true, raw::request(b"unknown", true, &large)),
        ("channels", true, [&raw::open(0)[..], &large].concat()),
        ("data", true, data(&large)),
        ("data that nobody wants", true, raw::extended_data(&large)),
    ];
    for is_logged_in in [false, true] {
        floods.push(("nothing", is_logged_in, [&[number::IGNORE][..], &string].concat()));
        floods.push(("pings", is_logged_in, [&[number::PING][..], &string].concat()));
        floods.push(("unknown messages", is_logged_in, [&[number::PING + 8][..], &string].concat()));
    }
    floods
}

/// The bytes of a flood.
const FLOOD: usize = 32 << 20;
/// What it may cost: windows, what waits to be sent and received, and what the allocator keeps.
const MAX_COST: usize = 8 << 20;

#[test]
fn floods_cost_no_memory() {
    let _alone = alone();
    let mut plan = plan();
    plan.limits.unread = 4 << 20;
    plan.settings.close_timeout = Duration::from_millis(50);
    let fixture = plan.start();
    for (what, is_logged_in, message) in floods() {
        for reads in [true, false] {
            let mut raw = Raw::start(TcpStream::connect(fixture.serving.address()).unwrap());
            match is_logged_in {
                true => {
                    raw.log_in(USER, PASSWORD);
                    raw.exec("cat >/dev/null");
                }
                false => raw.ask_for_service(),
            }
            let before = memory();
            let mut most = before;
            let mut sent = 0;
            while sent < FLOOD && raw.send(&message).is_ok() {
                sent += message.len();
                most = most.max(memory());
                if reads {
                    raw.read_what_is_there();
                }
            }
            let cost = most.saturating_sub(before);
            assert!(cost < MAX_COST, "{what}, logged in: {is_logged_in}: {cost} bytes for {sent}");
        }
    }
}

#[test]
fn output_that_nobody_reads_costs_no_memory() {
    let _alone = alone();
    let (fixture, _told) = start(false);
    let rest = cost_at_rest(&fixture);
    let before = memory();
    let mut most = before;
    let mut raw = Raw::start(TcpStream::connect(fixture.serving.address()).unwrap());
    raw.log_in(USER, PASSWORD);
    // As much as can be asked for.
    raw.window = u32::MAX;
    raw.exec("cat /dev/zero");
    let with_client = Cost { descriptors: rest.descriptors + 1, ..rest };
    // Until the client is given up.
    let deadline = Instant::now() + PATIENCE;
    while Cost::now(&fixture) != with_client {
        most = most.max(memory());
        assert!(Instant::now() < deadline, "{:?}, and not {with_client:?}", Cost::now(&fixture));
        thread::sleep(Duration::from_millis(5));
    }
    let cost = most.saturating_sub(before);
    assert!(cost < MAX_COST, "{cost} bytes");
}
