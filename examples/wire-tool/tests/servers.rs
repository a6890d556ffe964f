//! The tool against real servers, and against peers that misbehave.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as the tests do")]

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};
use testing::{Peer, Sshd};

/// Asks these ports of 127.0.0.1.
fn ask(ports: &[u16], options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wire-tool"));
    command.args(options).args(ports.iter().map(|port| format!("127.0.0.1:{port}"))).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The rest of the line with this title.
#[track_caller]
fn line<'a>(stdout: &'a str, title: &str) -> Vec<&'a str> {
    let mut lines = stdout.lines().filter_map(|line| line.strip_prefix(&format!("  {title:<12} ")));
    lines.next().unwrap_or_else(|| panic!("no {title} in {stdout}")).split(' ').collect()
}

#[test]
fn a_server_of_today_is_shown_whole_and_sound() {
    let builder = Sshd::builder().config("Ciphers aes128-gcm@openssh.com,aes256-ctr\nMACs hmac-sha2-256");
    let Some(sshd) = builder.start_or_skip("a_server_of_today_is_shown_whole_and_sound") else { return };
    let output = ask(&[sshd.port()], &[]);
    let stdout = text(&output.stdout);
    assert!(
        stdout.starts_with(&format!("127.0.0.1:{}\n  server       SSH-2.0-OpenSSH_", sshd.port())),
        "{stdout}"
    );
    assert!(line(&stdout, "kex").contains(&"curve25519-sha256"), "{stdout}");
    assert!(line(&stdout, "host keys").contains(&"ssh-ed25519"), "{stdout}");
    assert_eq!(line(&stdout, "ciphers"), ["aes128-gcm@openssh.com", "aes256-ctr"]);
    assert_eq!(line(&stdout, "MACs"), ["hmac-sha2-256"]);
    assert_eq!(line(&stdout, "compression"), ["none", "zlib@openssh.com"]);
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)), "{stdout}");
}

#[test]
fn weak_algorithms_are_flagged_and_tell_by_the_status() {
    let config = "KexAlgorithms +diffie-hellman-group14-sha1\nCiphers +aes128-cbc\nHostKeyAlgorithms +ssh-rsa\n\
         MACs -umac-64@openssh.com,umac-64-etm@openssh.com";
    let builder = Sshd::builder().config(config);
    let Some(sshd) = builder.start_or_skip("weak_algorithms_are_flagged_and_tell_by_the_status") else {
        return;
    };
    let output = ask(&[sshd.port()], &[]);
    let stdout = text(&output.stdout);
    for (title, name) in
        [("kex", "diffie-hellman-group14-sha1!"), ("ciphers", "aes128-cbc!"), ("host keys", "ssh-rsa!")]
    {
        assert!(line(&stdout, title).contains(&name), "{stdout}");
        assert!(stdout.contains(&format!("\n  weak         {}: ", name.trim_end_matches('!'))), "{stdout}");
    }
    assert_eq!(stdout.matches('!').count(), 3, "{stdout}");
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(1)));
}

#[test]
fn every_failure_has_its_own_words_and_stops_nobody_else() {
    let test = "every_failure_has_its_own_words_and_stops_nobody_else";
    let Some(sshd) = Sshd::start_or_skip(test) else { return };
    let disconnect =
        [b"SSH-2.0-x\r\n".as_slice(), &packet(b"\x01\0\0\0\x02\0\0\0\x05go\x1b[m\0\0\0\0")].concat();
    let truncated = [b"SSH-2.0-x\r\n".as_slice(), &packet(b"\x14not a KEXINIT")].concat();
    let newkeys = [b"SSH-2.0-x\r\n".as_slice(), &packet(b"\x15")].concat();
    let peers = [
        (Peer::saying("220 mail.example.com ESMTP\r\n\0\n"), "not an SSH peer: it said \"\\\\x00\""),
        (Peer::saying("SSH-1.5-old\r\n"), "peer speaks protocol version \"1.5\", not 2.0"),
        (Peer::closing_after("SSH-2.0-x\r\n"), "the server closed the connection before its KEXINIT"),
        (Peer::saying("x".repeat(300)), "line of more than 255 bytes before the identification string"),
        (Peer::saying("SSH-2.0-x\r\n\u{7f}\u{7f}\u{7f}\u{7f}"), "packet length 2139062143 is invalid"),
        (Peer::saying(disconnect), "the server disconnected: \"go\\\\x1b[m\""),
        (Peer::saying(truncated), "KEXINIT: message ends inside a field"),
        (Peer::saying(newkeys), "message 21 came where KEXINIT was expected"),
        (Peer::silent(), "no whole answer within 3s"),
        (Peer::saying("SSH-2.0-x\r\n"), "no whole answer within 3s"),
    ];
    let mut ports: Vec<u16> = peers.iter().map(|(peer, _)| peer.port()).collect();
    // Port 1 is nobody's. The last one is the server that works.
    ports.extend([1, sshd.port()]);
    let start = Instant::now();
    let output = ask(&ports, &["--timeout", "3"]);
    assert!(start.elapsed() < Duration::from_secs(30), "they are asked at once");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with(&format!("127.0.0.1:{}\n", sshd.port())), "{output:?}");

    let expected = peers.iter().map(|(peer, says)| format!("127.0.0.1:{}: {says}", peer.port()));
    let stderr = text(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    let (refused, others) = lines.split_last().unwrap();
    assert_eq!(others, expected.collect::<Vec<_>>());
    assert!(refused.starts_with("127.0.0.1:1: Connection refused"), "{refused}");
}

#[test]
fn one_that_drips_gets_no_more_time() {
    let peer = Peer::start(|mut stream| {
        use std::io::Write;
        while stream.write_all(b"x\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let start = Instant::now();
    let output = ask(&[peer.port()], &["--timeout", "1"]);
    assert!(text(&output.stderr).ends_with("no whole answer within 1s\n"), "{output:?}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn more_servers_than_threads_answer_in_their_order() {
    let Some(sshd) = Sshd::start_or_skip("more_servers_than_threads_answer_in_their_order") else { return };
    let silent = Peer::silent();
    let mut ports = vec![sshd.port(); 9];
    ports[2] = silent.port();
    let output = ask(&ports, &["--jobs", "2", "--timeout", "5"]);
    assert_eq!(text(&output.stdout).matches("  server       SSH-2.0-OpenSSH").count(), 8);
    assert_eq!(text(&output.stderr).lines().count(), 1);
    assert_eq!(output.status.code(), Some(2));
}

/// A packet in the clear (RFC 4253 §6).
fn packet(payload: &[u8]) -> Vec<u8> {
    let mut encoder = ssh_wire::Encoder::new(|padding| padding.fill(0));
    let mut packet = encoder.packet();
    packet.push(&ssh_wire::Rest(payload));
    packet.send();
    std::mem::take(encoder.output())
}
