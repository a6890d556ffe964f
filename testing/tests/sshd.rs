//! The server of the harness, driven by OpenSSH's own client.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are test code")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testing::{KeyKind, KeyPair, Sshd};

/// OpenSSH's client with nothing but what the harness gives.
fn client(sshd: &Sshd, kind: KeyKind, arguments: &[&str]) -> Command {
    let known_hosts = sshd.dir().join(format!("known_hosts_{}", kind.name()));
    fs::write(&known_hosts, sshd.known_hosts(&KeyKind::ALL)).expect("known_hosts");
    let mut command = Command::new("ssh");
    command
        .args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "IdentitiesOnly=yes",
        ])
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
        .arg("-i")
        .arg(sshd.user_key_path(kind))
        .args(["-p", &sshd.port().to_string()])
        .arg(format!("{}@127.0.0.1", sshd.user()))
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs the client to its end; `None`, said aloud, where there is no such client.
fn ssh(test: &str, sshd: &Sshd, kind: KeyKind, arguments: &[&str]) -> Option<Output> {
    let output = client(sshd, kind, arguments).output();
    if output.is_err() {
        testing::skip(test, "no ssh found");
    }
    output.ok()
}

#[test]
fn every_kind_of_user_key_logs_in_and_the_log_tells_of_it() {
    let test = "every_kind_of_user_key_logs_in_and_the_log_tells_of_it";
    let Some(sshd) = Sshd::start_or_skip(test) else { return };
    for kind in KeyKind::ALL {
        let Some(output) = ssh(test, &sshd, kind, &["echo $((6*7)); exit 3"]) else { return };
        assert_eq!(output.stdout, b"42\n", "{kind:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(3), "{kind:?}");
    }
    assert_eq!(sshd.log().matches("Accepted publickey for").count(), KeyKind::ALL.len(), "{}", sshd.log());
}

#[test]
fn the_lines_of_the_test_win() {
    let test = "the_lines_of_the_test_win";
    let builder = Sshd::builder()
        .config("PubkeyAuthentication no\nRekeyLimit 1M")
        .config("Match User *\n  ForceCommand echo forced")
        .host_keys(&[KeyKind::EcdsaP256]);
    let Some(sshd) = builder.start_or_skip(test) else { return };
    let Some(output) = ssh(test, &sshd, KeyKind::Ed25519, &["true"]) else { return };
    assert_eq!(output.status.code(), Some(255));
    let refusal = String::from_utf8_lossy(&output.stderr);
    assert!(refusal.contains("Permission denied"), "{refusal}");

    let Some(sshd) = Sshd::builder().config("Match User *\n  ForceCommand echo forced").start_or_skip(test)
    else {
        return;
    };
    let Some(output) = ssh(test, &sshd, KeyKind::Ed25519, &["true"]) else { return };
    assert_eq!(output.stdout, b"forced\n");
}

#[test]
fn servers_beside_each_other_keep_to_themselves() {
    let test = "servers_beside_each_other_keep_to_themselves";
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let Some(sshd) = Sshd::start_or_skip(test) else { return };
                let Some(output) = ssh(test, &sshd, KeyKind::Ed25519, &["true"]) else { return };
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            });
        }
    });
}

#[test]
fn dropping_the_server_ends_its_sessions_and_their_commands() {
    let test = "dropping_the_server_ends_its_sessions_and_their_commands";
    let Some(sshd) = Sshd::start_or_skip(test) else { return };
    let (addr, dir) = (sshd.addr(), sshd.dir().to_owned());
    let marker = dir.join("pid");
    // A command that ignores the hang-up, as many servers do.
    let script =
        format!("trap '' HUP TERM; echo $$ > {0}.new; mv {0}.new {0}; sleep 600; true", marker.display());
    let spawned = client(&sshd, KeyKind::Ed25519, &[&script]).stderr(Stdio::null()).spawn();
    let Ok(mut ssh) = spawned else { return testing::skip(test, "no ssh found") };
    assert!(soon(|| marker.exists()), "the command runs:\n{}", sshd.log());
    let process = format!("/proc/{}", fs::read_to_string(&marker).expect("the marker").trim());

    let has_proc = Path::new("/proc/self/stat").exists();
    assert_eq!(Path::new(&process).exists(), has_proc);
    drop(sshd);
    assert!(TcpStream::connect(addr).is_err(), "nobody listens any more");
    assert!(!dir.exists(), "the directory is gone");
    assert!(soon(|| !Path::new(&process).exists()), "the command is gone");
    assert_eq!(ssh.wait().expect("the client ends").code(), Some(255));
}

#[test]
fn a_test_that_is_killed_leaves_no_server_behind() {
    let test = "a_test_that_is_killed_leaves_no_server_behind";
    let mut killed = Command::new(std::env::current_exe().expect("the path of this test"))
        .args(["--exact", "holds_a_server_until_it_is_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test once more");
    let mut lines = BufReader::new(killed.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let server: Option<(SocketAddr, PathBuf)> = lines.find_map(|line| {
        let (addr, dir) = line.strip_prefix("listens on ")?.split_once(" in ")?;
        Some((addr.parse().ok()?, PathBuf::from(dir)))
    });
    if let Some((addr, dir)) = &server {
        assert!(TcpStream::connect(addr).is_ok());
        assert!(dir.exists());
    }
    killed.kill().expect("it can be killed");
    killed.wait().expect("it is our child");
    let Some((addr, dir)) = server else { return testing::skip(test, "no sshd found") };
    assert!(soon(|| TcpStream::connect(addr).is_err()), "nobody listens any more");
    assert!(soon(|| !dir.exists()), "the directory is gone");
}

#[test]
#[ignore = "run by a_test_that_is_killed_leaves_no_server_behind"]
fn holds_a_server_until_it_is_killed() {
    let Some(sshd) = Sshd::start_or_skip("holds_a_server_until_it_is_killed") else { return };
    let line = format!("\nlistens on {} in {}\n", sshd.addr(), sshd.dir().display());
    std::io::stdout().write_all(line.as_bytes()).expect("the output");
    thread::sleep(Duration::from_secs(600));
}

/// Whether it comes to be.
fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn a_throw_away_account_logs_in_with_its_key_and_is_removed() {
    let test = "a_throw_away_account_logs_in_with_its_key_and_is_removed";
    let Some(sshd) = Sshd::builder().password_user().start_or_skip(test) else { return };
    let user = sshd.user().to_owned();
    assert!(exists(&user));
    assert!(sshd.password().is_some_and(|password| !password.is_empty()));
    let Some(output) = ssh(test, &sshd, KeyKind::Ed25519, &["id -un"]) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), user, "{}", sshd.log());
    drop(sshd);
    assert!(!exists(&user));
}

#[test]
fn a_throw_away_account_logs_in_with_its_password() {
    let test = "a_throw_away_account_logs_in_with_its_password";
    let Some(sshd) = Sshd::builder().password_user().start_or_skip(test) else { return };
    let password = sshd.password().expect("the account has a password").to_owned();
    for (typed, status) in [(password.as_str(), 0), ("wrong", 255)] {
        let askpass = sshd.dir().join("askpass");
        fs::write(&askpass, format!("#!/bin/sh\necho '{typed}'\n")).expect("askpass");
        make_executable(&askpass);
        let output = Command::new("ssh")
            .args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1"])
            .args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", sshd.user()), "true"])
            .env("SSH_ASKPASS", &askpass)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .output();
        let Ok(output) = output else { return testing::skip(test, "no ssh found") };
        assert_eq!(output.status.code(), Some(status), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn keys_can_be_written_in_other_formats() {
    if Sshd::find().is_none() {
        return testing::skip("keys_can_be_written_in_other_formats", "no OpenSSH found");
    }
    let key = KeyPair::generate_with(KeyKind::EcdsaP256, &["-m", "PKCS8", "-N", "a passphrase"]);
    assert!(key.private().starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert!(key.public_line().starts_with("ecdsa-sha2-nistp256 "));
    assert_ne!(key.public_line(), KeyPair::generate(KeyKind::EcdsaP256).public_line());
}

fn exists(user: &str) -> bool {
    Command::new("id").arg(user).output().expect("the command id").status.success()
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("permissions");
}
