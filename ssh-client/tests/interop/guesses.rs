//! What was negotiated with a host is remembered, and guessed the next time.

use super::facade::Session;
use crate::support::config_with_key;
use ssh_client::{
    HostMemory,
    host_key::InsecureAcceptAny,
    wire::{Message, message::transport::KexInit},
};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
};
use testing::{KeyKind, Sshd};

/// Passes one connection on to `target`. Its port, and what the client has sent once it is over.
fn recorder(target: SocketAddr) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let recording = thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let mut server = TcpStream::connect(target).unwrap();
        let (mut back, mut answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let answering = thread::spawn(move || {
            // Either side may go first.
            let _ = io::copy(&mut answers, &mut back);
            let _ = back.shutdown(Shutdown::Both);
        });
        let (mut sent, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = client.read(&mut buffer) {
            sent.extend_from_slice(&buffer[..n]);
            if server.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
        answering.join().unwrap();
        sent
    });
    (port, recording)
}

/// Runs a command in a session of its own; answers whether the client has guessed, and whether that was right.
fn connect(sshd: &Sshd, config: &ssh_client::Config) -> (bool, bool) {
    let (port, recording) = recorder(sshd.addr());
    // The recorder's port is another each time, and the host is the same.
    let config = config.clone().host_alias("host");
    let session = Session::connect(("127.0.0.1", port), &config).unwrap();
    assert!(session.command("true").output().unwrap().success());
    let right = session.negotiated().unwrap().peer_first;
    session.close();
    drop(session);
    let sent = recording.join().unwrap();
    let line = sent.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let (length, packet) = sent[line..].split_first_chunk().unwrap();
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
    // They have one name: it is a server that has changed its mind.
    let config =
        |sshd: &Sshd| config_with_key(sshd, KeyKind::Ed25519).host_key(InsecureAcceptAny).memory(&memory);
    assert_eq!(connect(&first, &config(&first)), (false, true));
    assert_eq!(connect(&first, &config(&first)), (true, true));
    assert_eq!(connect(&second, &config(&second)), (true, true), "the guess was another, and is learnt anew");
    assert_eq!(connect(&second, &config(&second)), (true, true));
}
