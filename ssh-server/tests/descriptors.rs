//! A process that can open no more files: who comes learns why, and who is there goes on. A file of its own, for the limit
//! is that of the test process, in which both sides are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod common;

use common::{PATIENCE, USER, plan};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use ssh_client::{Credential, ErrorKind, Timeouts};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// Waits until it is so.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} never came");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_is_there_goes_on_without_descriptors() {
    let fixture = plan().start();
    let timeouts = Timeouts { handshake: Some(Duration::from_secs(2)), ..Timeouts::default() };
    let credential = Credential::signer(fixture.signer());
    let config = fixture.config(USER).credential(credential).timeouts(timeouts);
    let connect = || fixture.connect(&config);
    let first = connect().unwrap();
    let runs = || first.command("true").output().is_ok_and(|output| output.success());
    assert!(runs());

    let before = getrlimit(Resource::Nofile);
    let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    setrlimit(Resource::Nofile, Rlimit { current: Some(open + 20), ..before }).unwrap();
    let mut others = Vec::new();
    let error = loop {
        match connect() {
            Ok(session) => others.push(session),
            Err(error) => break error,
        }
        assert!(others.len() < 20, "there is no limit");
    };
    // Here, or at the server, which then leaves the connection waiting.
    let told = error.to_string().contains("Too many open files");
    assert!(told || matches!(error.kind(), ErrorKind::Timeout(_) | ErrorKind::Io), "{error}");
    first.ping().unwrap();
    others.iter().for_each(|session| session.ping().unwrap());
    // A command needs pipes. It is refused, or there were some left.
    if let Err(error) = first.command("true").output() {
        assert!(matches!(error.kind(), ErrorKind::RequestRefused | ErrorKind::Io), "{error}");
    }

    others.clear();
    eventually("a command", runs);
    eventually("a connection", || connect().is_ok());
    setrlimit(Resource::Nofile, before).unwrap();
}
