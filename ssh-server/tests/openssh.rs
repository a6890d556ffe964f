//! OpenSSH's client against our server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by test targets")]
mod driver;

use driver::{Serving, serve};
use ssh_server::{
    Fixed, KeyKind, KeyPair, Limits, PrivateKey, Programs, PublicKey, Server, default_provider,
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use testing::KeyKind as Kind;

/// A server at work, and a directory with the key of its only user, alice.
struct Fixture {
    serving: Serving,
    dir: TempDir,
}

impl Fixture {
    fn start(limits: Limits, commands: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = testing::KeyPair::generate(Kind::Ed25519);
        key.write(&dir.path().join("key"));
        testing::KeyPair::generate(Kind::Ed25519).write(&dir.path().join("other"));
        let (public, _) = PublicKey::from_line(key.public_line()).unwrap();
        let provider = default_provider();
        let host = PrivateKey::generate(KeyKind::Ed25519, provider.random).unwrap();
        let host = KeyPair::new(&host, &provider).unwrap();
        let builder = Server::builder()
            .host_key(Arc::new(host))
            .auth(Fixed::new("alice").password("secret").key(public))
            .limits(limits);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let serving = match commands {
            true => serve(&builder.sessions(Programs::new()).build().unwrap(), listener),
            false => serve(&builder.build().unwrap(), listener),
        };
        Self { serving, dir }
    }

    /// OpenSSH's client with `options`, which then runs `command`.
    fn ssh(&self, user: &str, key: &str, options: &[&str], command: &str) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"])
            .args(["-oBatchMode=yes", "-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oLogLevel=ERROR"])
            .arg("-p")
            .arg(self.serving.address().port().to_string())
            .arg("-i")
            .arg(self.dir.path().join(key))
            .args(options)
            .arg(format!("{user}@127.0.0.1"))
            .arg(command);
        ssh
    }

    fn run(&self, command: &str) -> Output {
        self.ssh("alice", "key", &[], command).stdin(Stdio::null()).output().unwrap()
    }
}

/// Whether the test can't run for want of OpenSSH's client.
fn lacks_ssh(test: &str) -> bool {
    let lacks = Command::new("ssh").arg("-V").output().is_err();
    if lacks {
        testing::skip(test, "there is no ssh");
    }
    lacks
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.failure_delay = Duration::ZERO;
    limits
}

#[test]
fn openssh_runs_commands() {
    if lacks_ssh("openssh_runs_commands") {
        return;
    }
    let fixture = Fixture::start(limits(), true);
    let output = fixture.run("echo out; echo err >&2; exit 7");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "out\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "err\n");
    assert_eq!(output.status.code(), Some(7));
    // OpenSSH's client ends with 255 when a signal has ended the command.
    assert_eq!(fixture.run("kill -TERM $$").status.code(), Some(255));
    // Nobody waits for input that never ends.
    assert_eq!(
        fixture.ssh("alice", "key", &[], "true").stdin(Stdio::piped()).status().unwrap().code(),
        Some(0)
    );
    fixture.serving.stop();
}

#[test]
fn openssh_passes_data_both_ways_while_keys_change() {
    if lacks_ssh("openssh_passes_data_both_ways_while_keys_change") {
        return;
    }
    let fixture = Fixture::start(limits(), true);
    let log = fixture.dir.path().join("log");
    let told = format!("-E{}", log.display());
    let mut ssh = fixture.ssh("alice", "key", &["-oRekeyLimit=256K", "-v", &told], "cat");
    let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let sent: Vec<u8> = (0..1u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut stdin, input) = (child.stdin.take().unwrap(), sent.clone());
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let mut received = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut received).unwrap();
    writer.join().unwrap().unwrap();
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let exchanges = log.matches("SSH2_MSG_NEWKEYS received").count();
    assert!(exchanges > 2, "{exchanges} key exchanges in the client's log:\n{log}");
}

#[test]
fn many_variables_come_in_one_flight() {
    if lacks_ssh("many_variables_come_in_one_flight") {
        return;
    }
    let fixture = Fixture::start(limits(), true);
    let mut ssh = fixture.ssh("alice", "key", &["-oSendEnv=LC_TEST_*"], "env | grep -c LC_TEST_");
    let ssh = ssh.envs((0..500).map(|n| (format!("LC_TEST_{n}"), "some words")));
    let output = ssh.stdin(Stdio::null()).output().unwrap();
    // As many as one client may set.
    assert_eq!(String::from_utf8_lossy(&output.stdout), "128\n", "{output:?}");
}

#[test]
fn others_are_refused() {
    if lacks_ssh("others_are_refused") {
        return;
    }
    let fixture = Fixture::start(limits(), true);
    for (user, key) in [("alice", "other"), ("bob", "key")] {
        let output = fixture.ssh(user, key, &[], "true").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("Permission denied (publickey,password)"), "{user} {key}: {told}");
    }
}

#[test]
fn openssh_says_that_attempts_were_too_many() {
    if lacks_ssh("openssh_says_that_attempts_were_too_many") {
        return;
    }
    let mut limits = limits();
    limits.attempts = 1;
    let output = Fixture::start(limits, true).ssh("alice", "other", &[], "true").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    // RFC 4253 §11.1: NO_MORE_AUTH_METHODS_AVAILABLE.
    assert!(told.contains(":14: too many failed attempts"), "{told}");
}

#[test]
fn what_has_no_handler_is_refused() {
    if lacks_ssh("what_has_no_handler_is_refused") {
        return;
    }
    let fixture = Fixture::start(limits(), false);
    let output = fixture.run("true");
    assert_eq!(output.status.code(), Some(255));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("exec request failed"), "{told}");
    let fixture = Fixture::start(limits(), true);
    let options = ["-oExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"];
    let output = fixture.ssh("alice", "key", &options, "true").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("remote port forwarding failed"), "{output:?}");
}

#[test]
fn a_command_ends_with_its_client() {
    if lacks_ssh("a_command_ends_with_its_client") {
        return;
    }
    let fixture = Fixture::start(limits(), true);
    // It says its number, and nothing more; what it has started is in its group.
    let mut ssh = fixture.ssh("alice", "key", &[], "echo $$; sleep 1000 & wait");
    let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let group = rustix::process::Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    assert!(rustix::process::test_kill_process_group(group).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    // It joins the threads of all sessions, and those reap their commands.
    fixture.serving.stop();
    while rustix::process::test_kill_process_group(group).is_ok() {
        // The grandchild is reaped by whoever adopts it.
        if all_are_zombies(group) {
            break;
        }
        std::thread::yield_now();
    }
}

/// Whether no process of the group runs.
fn all_are_zombies(group: rustix::process::Pid) -> bool {
    let output = Command::new("ps").args(["-eo", "pgid=,stat="]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = group.as_raw_nonzero().to_string();
    !text.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(number.as_str()) && !words.next().unwrap_or_default().starts_with('Z')
    })
}

/// What a server says to a client that says nothing, to its end.
fn hear(fixture: &Fixture) -> Vec<u8> {
    let mut stream = TcpStream::connect(fixture.serving.address()).unwrap();
    let mut heard = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut heard);
    heard
}

#[test]
fn who_never_logs_in_is_sent_away() {
    let mut limits = limits();
    limits.login_grace = Duration::from_millis(300);
    let fixture = Fixture::start(limits, true);
    assert!(hear(&fixture).starts_with(b"SSH-2.0-"));
}

#[test]
fn start_ups_are_limited_by_source() {
    let mut limits = limits();
    limits.startups_per_source = 1;
    let fixture = Fixture::start(limits, true);
    let mut first = TcpStream::connect(fixture.serving.address()).unwrap();
    let mut greeting = [0; 8];
    first.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");
    assert_eq!(hear(&fixture), b"");
    // Stopping ends the first one, too.
    fixture.serving.stop();
    let _ = first.read_to_end(&mut Vec::new());
}
