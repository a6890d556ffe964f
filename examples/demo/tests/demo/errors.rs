//! What goes wrong has a status of 255, a text that tells what, and an end in time.

use crate::host::{Host, PATIENCE, demo, run, text};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testing::{Peer, Sshd};

/// The error of a run without any server.
fn error(arguments: &[&str]) -> String {
    let home = TempDir::new().unwrap();
    let mut command = demo(home.path());
    command.args(arguments);
    let output = run(command, b"");
    assert_eq!(output.status.code(), Some(255), "{arguments:?}");
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}

#[test]
fn options_that_are_not_known_are_named() {
    assert!(error(&["-Z", "host"]).contains("-Z"));
    assert!(error(&["-oNoSuchOption=yes", "host"]).contains("NoSuchOption"));
    assert!(error(&["-oPort=many", "host"]).contains("Port \"many\" is no port"));
    assert!(error(&["-oForwardX11=yes", "host"]).contains("ForwardX11 is not supported"));
    assert!(error(&["-c", "rot13", "host"]).contains("\"rot13\" is not known here"));
    assert!(error(&["-F", "/no/such/file", "host"]).contains("/no/such/file"));
    assert!(error(&["-E", "/no/such/directory/log", "host"]).contains("/no/such/directory/log"));
    assert!(error(&["-oUser=-x", "host"]).contains("\"-x\" begins with '-'"));
    assert!(error(&["a;b@host"]).contains("a;b"));
}

#[test]
fn a_line_of_a_file_is_named() {
    let Some(host) = Host::start("a_line_of_a_file_is_named") else { return };
    let file = host.write("config", "# comment\nHost *\n  NoSuchOption yes\n");
    let output = host.run(&["-F", "config", "127.0.0.1", "true"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("config:3: NoSuchOption"), "{}", text(&output.stderr));
    std::fs::write(file, "IgnoreUnknown NoSuch*\nNoSuchOption yes\n").unwrap();
    let port = host.sshd.port().to_string();
    let output = host.run(&["-F", "config", "-p", &port, "-l", host.sshd.user(), "127.0.0.1", "true"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn without_a_terminal_nobody_is_asked_for_a_host() {
    // A new session has no terminal, wherever the tests run.
    let home = TempDir::new().unwrap();
    let mut command = std::process::Command::new("setsid");
    command.args(["-w", env!("CARGO_BIN_EXE_demo")]).env("HOME", home.path()).env_remove("SSH_ASKPASS");
    let output = run(command, b"host\n");
    assert_eq!(output.status.code(), Some(255), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("nobody answers"), "{}", text(&output.stderr));
}

#[test]
fn a_host_that_does_not_answer() {
    let peer = Peer::silent();
    let port = peer.port().to_string();
    let start = Instant::now();
    let error = error(&["-F", "none", "-p", &port, "-oConnectTimeout=1", "127.0.0.1", "true"]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(error.contains("timed out"), "{error}");
}

#[test]
fn a_host_that_is_no_ssh_server() {
    let peer = Peer::saying("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n\x1b[2Jevil");
    let port = peer.port().to_string();
    let error = error(&["-F", "none", "-p", &port, "-oConnectTimeout=3", "127.0.0.1", "true"]);
    assert!(!error.is_empty() && !error.contains('\x1b'), "{error:?}");
}

#[test]
fn a_port_where_nobody_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let error = error(&["-F", "none", "-p", &port, "127.0.0.1", "true"]);
    assert!(error.contains("connect to 127.0.0.1 port") && error.contains("refused"), "{error}");
    let error = self::error(&["-6", "-F", "none", "-p", &port, "127.0.0.1", "true"]);
    assert!(error.contains("127.0.0.1 has no IPv6 address"), "{error}");
}

#[test]
fn quiet_is_quiet() {
    assert_eq!(error(&["-q", "-F", "none", "-p", "1", "127.0.0.1"]), "");
}

#[test]
fn nothing_in_common_shows_both_lists() {
    let builder = Sshd::builder().config("Ciphers aes256-ctr");
    let Some(host) = Host::build("nothing_in_common_shows_both_lists", builder) else { return };
    let output = host.run(&["-c", "aes128-ctr", "127.0.0.1", "true"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(255));
    assert!(error.contains("aes128-ctr") && error.contains("aes256-ctr"), "{error}");
}

#[test]
fn a_connection_that_is_cut_ends_the_program() {
    let Some(host) = Host::start("a_connection_that_is_cut_ends_the_program") else { return };
    let proxy = testing::Proxy::start(host.sshd.addr());
    let port = proxy.port().to_string();
    let arguments =
        ["-p", &port, "-oHostKeyAlias=alias", "-oStrictHostKeyChecking=no", "127.0.0.1", "echo x; sleep 100"];
    let mut command = host.demo(&arguments);
    let mut child =
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 2]).unwrap();
    proxy.cut(testing::Cut::Reset);
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "still running");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.wait().unwrap().code(), Some(255));
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let Some(host) = Host::start("a_server_that_falls_silent_is_given_up") else { return };
    let proxy = testing::Proxy::start(host.sshd.addr());
    let port = proxy.port().to_string();
    let arguments = [
        "-p",
        &port,
        "-oHostKeyAlias=alias",
        "-oStrictHostKeyChecking=no",
        "-oServerAliveInterval=1",
        "-oServerAliveCountMax=1",
        "127.0.0.1",
        "echo x; sleep 100",
    ];
    let mut command = host.demo(&arguments);
    let mut child =
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 2]).unwrap();
    proxy.stall(testing::Direction::ToClient);
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "still running");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.wait().unwrap().code(), Some(255));
}
