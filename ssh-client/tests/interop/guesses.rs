//! What was negotiated with a host is remembered, and guessed the next time.

use crate::support::config_with_key;
use ssh_client::{
    HostMemory,
    blocking::Session,
    host_key::InsecureAcceptAny,
    wire::{Message, message::transport::KexInit},
};
use std::{
    io::{self, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
};
use testing::{KeyKind, Sshd};

/// Writes to a socket, and keeps a copy.
struct Recorder {
    socket: TcpStream,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.socket.write(bytes)?;
        self.written.lock().unwrap().extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// Runs a command in a session of its own; answers whether the client has guessed, and whether that was right.
fn connect(sshd: &Sshd, config: &ssh_client::Config) -> (bool, bool) {
    let socket = TcpStream::connect(("127.0.0.1", sshd.port())).unwrap();
    let written = Arc::default();
    let recorder = Recorder { socket: socket.try_clone().unwrap(), written: Arc::clone(&written) };
    let session = Session::connect_over((socket, recorder), "127.0.0.1", sshd.port(), config).unwrap();
    assert!(session.command("true").output().unwrap().success());
    let right = session.negotiated().unwrap().peer_first;
    session.close();
    let written = written.lock().unwrap();
    let line = written.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let (length, packet) = written[line..].split_first_chunk().unwrap();
    let end = u32::from_be_bytes(*length) as usize - usize::from(packet[0]);
    (KexInit::parse(&packet[1..end]).unwrap().first_kex_packet_follows, right)
}

#[test]
fn a_host_that_prefers_what_is_agreed_on_is_guessed() {
    let name = "a_host_that_prefers_what_is_agreed_on_is_guessed";
    let builder = Sshd::builder().config("HostKeyAlgorithms ssh-ed25519");
    let Some(sshd) = builder.config("KexAlgorithms ecdh-sha2-nistp256,curve25519-sha256").start_or_skip(name)
    else {
        return;
    };
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let mut algorithms = config.offered().clone();
    algorithms.kex =
        ["mlkem1024nistp384-sha384", "ecdh-sha2-nistp256", "curve25519-sha256"].map(String::from).into();
    let config = config.algorithms(algorithms.clone());
    assert_eq!(connect(&sshd, &config), (false, true), "nothing is guessed without a memory");

    let config = config.memory(&HostMemory::new());
    assert_eq!(connect(&sshd, &config), (false, true));
    for _ in 0..2 {
        assert_eq!(connect(&sshd, &config), (true, true));
    }
    // With another offer, something else may be agreed on.
    algorithms.kex.swap(1, 2);
    let other = config.clone().algorithms(algorithms);
    assert_eq!(connect(&sshd, &other), (false, false));
    // There no guess can be right, and what was known is forgotten.
    assert_eq!(connect(&sshd, &other), (false, false));
    assert_eq!(connect(&sshd, &config), (false, true));
}

#[test]
fn a_wrong_guess_costs_nothing_but_its_round_trip() {
    let name = "a_wrong_guess_costs_nothing_but_its_round_trip";
    let serving = |kex: &str| {
        let builder = Sshd::builder().config("HostKeyAlgorithms ssh-ed25519");
        builder.config(&format!("KexAlgorithms {kex}")).start_or_skip(name)
    };
    let Some(first) = serving("ecdh-sha2-nistp256") else { return };
    let Some(second) = serving("curve25519-sha256") else { return };
    let memory = HostMemory::new();
    // An alias makes the two servers one that has changed its mind.
    let config = |sshd: &Sshd| {
        let config = config_with_key(sshd, KeyKind::Ed25519).host_key(InsecureAcceptAny);
        config.host_alias("host").memory(&memory)
    };
    assert_eq!(connect(&first, &config(&first)), (false, true));
    assert_eq!(connect(&first, &config(&first)), (true, true));
    assert_eq!(connect(&second, &config(&second)), (true, true), "the guess was another, and is learnt anew");
    assert_eq!(connect(&second, &config(&second)), (true, true));
}
