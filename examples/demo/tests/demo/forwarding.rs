//! The demo while it forwards, and whom it forwards to.

use crate::host::{Host, PATIENCE};
use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use testing::Peer;

/// The demo, which is ended when this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Runs it with a session of its own, so that all listens by the time this returns. What it tells goes to the file
    /// `stderr` in the home.
    pub(crate) fn start(host: &Host, arguments: &[&str]) -> Self {
        let stderr = File::create(host.home.path().join("stderr")).unwrap();
        Self::of(host.demo(arguments).args(["127.0.0.1", "echo ready; cat"]).stderr(stderr))
    }

    /// The same for a command that says so when it is ready, and ends with its stdin.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        let read = child.stdout.as_mut().unwrap().read_exact(&mut ready);
        let running = Self(child);
        read.unwrap();
        assert_eq!(&ready, b"ready\n");
        running
    }

    /// Runs it with `-N`, and waits until it listens on a port.
    pub(crate) fn without_session(host: &Host, arguments: &[&str], port: u16) -> Self {
        let mut command = host.demo(arguments);
        command.arg("127.0.0.1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Self(command.spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "nobody listens");
            thread::sleep(Duration::from_millis(10));
        }
        running
    }

    pub(crate) fn close_stdin(&mut self) {
        drop(self.0.stdin.take());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits for its end, and answers with its status.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.close_stdin();
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() {
            assert!(Instant::now() < deadline, "still running");
            thread::sleep(Duration::from_millis(5));
        }
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, mostly.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Says what it hears in upper case, but only after its end: both directions must be closed one by one.
fn shout(mut stream: impl Read + Write) {
    let mut bytes = Vec::new();
    // Some are left in the middle.
    if stream.read_to_end(&mut bytes).is_ok() {
        bytes.make_ascii_uppercase();
        let _ = stream.write_all(&bytes);
    }
}

pub(crate) fn shouting() -> Peer {
    Peer::start(shout)
}

/// The same at a socket of the file system.
pub(crate) struct ShoutingSocket(Arc<AtomicUsize>);

pub(crate) fn shouting_socket(path: &Path) -> ShoutingSocket {
    let listener = UnixListener::bind(path).unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = accepted.clone();
    // It ends with the tests.
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            counted.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || shout(stream));
        }
    });
    ShoutingSocket(accepted)
}

impl ShoutingSocket {
    pub(crate) fn accepted(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says this and its end, and answers with what comes back.
pub(crate) fn converse<S: Read + Write + Send>(
    mut reading: S,
    mut writing: S,
    shutdown: impl Fn(&S) + Send,
    bytes: &[u8],
) -> Vec<u8> {
    let mut answer = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || {
            writing.write_all(bytes).unwrap();
            shutdown(&writing);
        });
        reading.read_to_end(&mut answer).unwrap();
    });
    answer
}
