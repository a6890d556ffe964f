//! Futures that are dropped: each ends what it says it ends, at whichever moment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use ssh_client::{Config, Error, blocking::Session, host_key::InsecureAcceptAny};
use ssh_server::{
    Fixed, KeyKind, KeyPair, PrivateKey, Programs, Server, default_provider,
    tokio::{Serving, serve, serve_one},
};
use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use testing::polled;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);
/// After such a time without anything to do, a session is served that does nothing more.
const QUIET: Duration = Duration::from_millis(500);

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn server() -> Server<Programs> {
    let provider = default_provider();
    let key = PrivateKey::generate(KeyKind::Ed25519, provider.random).unwrap();
    let key = Arc::new(KeyPair::new(&key, &provider).unwrap());
    let fixed = Fixed::new("alice").password("secret");
    Server::builder().host_key(key).auth(fixed).sessions(Programs::new()).build().unwrap()
}

fn config() -> Config {
    Config::new("alice").host_key(InsecureAcceptAny).password("secret")
}

/// Runs a command that does not end, tells its process, and waits until the session is over.
fn use_session(stream: UnixStream, process: &mpsc::Sender<String>) -> Result<(), Error> {
    let session = Session::connect_over(stream, "host", 22, &config())?;
    let channel = session.open_session()?;
    channel.exec("echo $$; exec sleep 1000")?;
    let mut output = BufReader::new(&channel);
    let mut line = String::new();
    if output.read_line(&mut line).is_ok() && line.ends_with('\n') {
        process.send(line.trim().to_owned()).unwrap();
    }
    let _ = output.read_to_end(&mut Vec::new());
    Err(session.wait(Some(PATIENCE))?)
}

fn wait_for_the_end_of(process: &str) {
    let deadline = Instant::now() + PATIENCE;
    while Path::new("/proc").join(process).exists() {
        assert!(Instant::now() < deadline, "process {process} goes on");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_session_that_is_no_longer_served_is_over() {
    let server = server();
    for polls in 1.. {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (tell, told) = mpsc::channel();
        let client = thread::spawn(move || use_session(theirs, &tell));
        let is_quiet = runtime().block_on(async {
            ours.set_nonblocking(true).unwrap();
            let stream = tokio::net::UnixStream::from_std(ours).unwrap();
            timeout(QUIET, polled(polls, serve_one(&server, stream, None))).await.is_err()
        });
        client.join().unwrap().unwrap_err();
        let process = told.try_iter().next();
        process.iter().for_each(|process| wait_for_the_end_of(process));
        if is_quiet {
            assert!(process.is_some() && polls > 5, "{polls} polls");
            return;
        }
    }
}

/// A server, and a client whose session it serves.
fn serve_a_client(runtime: &Runtime) -> (Serving, SocketAddr, Session) {
    let _entered = runtime.enter();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let serving = serve(&server(), tokio::net::TcpListener::from_std(listener).unwrap()).unwrap();
    let address = serving.address();
    let session = Session::connect(("127.0.0.1", address.port()), &config()).unwrap();
    (serving, address, session)
}

/// The server accepts nothing more, and its session is over.
fn assert_stopped(address: SocketAddr, session: &Session) {
    assert!(session.wait(Some(PATIENCE)).is_ok());
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "the listener is still there");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_that_is_no_longer_waited_for_stops() {
    let runtime = runtime();
    let (serving, address, session) = serve_a_client(&runtime);
    assert!(session.command("true").output().unwrap().success());
    assert!(runtime.block_on(polled(1, serving.wait())).is_none());
    assert_stopped(address, &session);
}

#[test]
fn a_server_stops_whether_that_is_waited_for_or_not() {
    let runtime = runtime();
    let (serving, address, session) = serve_a_client(&runtime);
    let _ = runtime.block_on(polled(1, serving.stop()));
    assert_stopped(address, &session);
}
