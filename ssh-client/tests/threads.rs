//! No thread stays behind. A file of its own, for it counts the threads of the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use ssh_client::{Config, blocking::Session, host_key::InsecureAcceptAny};
use std::{
    thread,
    time::{Duration, Instant},
};
use testing::{KeyKind, Peer, Sshd};

/// The threads of this process that belong to sessions.
fn session_threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("ssh-")).collect()
}

/// All are joined, but for a moment the system still shows one that is.
#[track_caller]
fn assert_no_threads(when: &str) {
    let start = Instant::now();
    while !session_threads().is_empty() && start.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(session_threads(), [""; 0], "{when}");
}

#[test]
fn no_thread_stays_behind() {
    let base = Config::new("nobody").host_key(InsecureAcceptAny);
    let timeouts = ssh_client::Timeouts { handshake: Some(Duration::from_millis(200)), ..Default::default() };
    for text in ["", "SSH-2.0-mute\r\n", "SSH-1.5-old\r\n"] {
        let peer = Peer::saying(text);
        let config = base.clone().timeouts(timeouts);
        Session::connect(("127.0.0.1", peer.port()), &config).unwrap_err();
        assert_no_threads(&format!("after {text:?}"));
    }
    let Some(sshd) = Sshd::start_or_skip("no_thread_stays_behind") else { return };
    let path = sshd.user_key_path(KeyKind::Ed25519);
    let credential = ssh_client::Credential::key_file(path, None, base.provider()).unwrap();
    let config = Config::new(sshd.user()).host_key(InsecureAcceptAny).credential(credential);
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).unwrap();
    assert_eq!(session_threads().len(), 2);
    let channel = session.open_session().unwrap();
    drop(session);
    assert_eq!(session_threads().len(), 2, "the channel keeps the session");
    drop(channel);
    assert_no_threads("after the channel");

    let session = Session::connect(("127.0.0.1", sshd.port()), &config).unwrap();
    drop(sshd);
    session.wait(Some(Duration::from_secs(10))).unwrap();
    drop(session);
    assert_no_threads("after the peer");
}
