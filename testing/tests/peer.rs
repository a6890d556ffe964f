//! Scripted servers.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are test code")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use testing::Peer;

fn read_all(peer: &Peer) -> Vec<u8> {
    let mut stream = TcpStream::connect(peer.addr()).expect("the peer listens");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("a clean end");
    all
}

#[test]
fn a_script_runs_for_each_connection() {
    let peer = Peer::start(|mut stream| stream.write_all(b"hello").expect("the test reads"));
    for _ in 0..3 {
        assert_eq!(read_all(&peer), b"hello");
    }
    assert_eq!(peer.accepted(), 3);
}

#[test]
fn what_it_says_before_it_closes_arrives() {
    let peer = Peer::closing_after("SSH-2.0-x\r\n");
    let mut stream = TcpStream::connect(peer.addr()).expect("the peer listens");
    stream.write_all(b"not read before the end").expect("the peer listens");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("a clean end");
    assert_eq!(all, b"SSH-2.0-x\r\n");
}

#[test]
fn dropping_it_wakes_its_scripts() {
    let peer = Peer::saying("SSH-2.0-x\r\n");
    let silent = Peer::silent();
    let mut stream = TcpStream::connect(peer.addr()).expect("the peer listens");
    let mut mute = TcpStream::connect(silent.addr()).expect("the peer listens");
    stream.read_exact(&mut [0; 11]).expect("what it says");
    drop(peer);
    drop(silent);
    assert_eq!(stream.read(&mut [0]).expect("a clean end"), 0);
    // The connection may have been waiting to be accepted still.
    assert!(matches!(mute.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn a_script_that_fails_fails_the_test() {
    let peer = Peer::start(|mut stream| {
        let mut word = [0; 5];
        stream.read_exact(&mut word).expect("the test writes");
        assert_eq!(&word, b"right");
    });
    let mut stream = TcpStream::connect(peer.addr()).expect("the peer listens");
    stream.write_all(b"wrong").expect("the peer listens");
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(peer))).is_err());
}
