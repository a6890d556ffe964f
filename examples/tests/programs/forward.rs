//! `forward`.

use crate::host::{Host, PATIENCE, Running};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    process::Stdio,
    thread,
};
use testing::Peer;

const FORWARD: &str = env!("CARGO_BIN_EXE_forward");

/// Starts the program and waits for the port that its first line tells.
fn start(host: &Host, arguments: &[&str]) -> (Running, u16) {
    let mut command = host.command(FORWARD, arguments);
    command.arg(host.target()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.split(' ').nth(3).and_then(|port| port.parse().ok());
    (running, port.unwrap_or_else(|| panic!("no port in {line:?}")))
}

/// Answers with what came, in upper case, only after its end: both directions must be closed one by one.
fn shouting() -> Peer {
    Peer::start(|mut stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes.make_ascii_uppercase();
        stream.write_all(&bytes).unwrap();
    })
}

fn converse(port: u16, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(bytes).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        (&stream).read_to_end(&mut answer).unwrap();
    });
    answer
}

/// Several connections at once, one of them long.
fn assert_forwards(port: u16) {
    thread::scope(|scope| {
        for size in [0, 5, 3 << 20] {
            scope.spawn(move || {
                assert!(converse(port, &vec![b'a'; size]) == vec![b'A'; size], "{size} bytes");
            });
        }
    });
}

#[test]
fn a_port_here_leads_there() {
    let Some(host) = Host::start("a_port_here_leads_there") else { return };
    let peer = shouting();
    let (_running, port) = start(&host, &["--local", &format!("0:127.0.0.1:{}", peer.port())]);
    assert_forwards(port);
    assert_eq!(peer.accepted(), 3);
}

#[test]
fn a_port_there_leads_here() {
    let Some(host) = Host::start("a_port_there_leads_here") else { return };
    let peer = shouting();
    let (_running, port) = start(&host, &["--remote", &format!("0:127.0.0.1:{}", peer.port())]);
    assert_forwards(port);
    assert_eq!(peer.accepted(), 3);
}

#[test]
fn where_nobody_listens_the_connection_ends() {
    let Some(host) = Host::start("where_nobody_listens_the_connection_ends") else { return };
    for direction in ["--local", "--remote"] {
        // Port 1 is nobody's.
        let (_running, port) = start(&host, &[direction, "0:127.0.0.1:1"]);
        for _ in 0..2 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // An end or a reset, but no waiting.
            let ended = stream.read(&mut [0]);
            assert!(
                !matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
                "{ended:?}"
            );
            assert!(!matches!(ended, Ok(1)));
        }
    }
}
