//! New keys while data flows.

use super::facade::{connect, session};
use crate::support::{PATIENCE, config_with_key, key_exchanges};
use ssh_client::RekeyLimit;
use std::{
    io::{Read, Write},
    thread,
    time::Duration,
};
use testing::{KeyKind, Sshd, noise};

#[test]
fn both_sides_rekey_every_megabyte_in_both_directions_at_once() {
    let name = "both_sides_rekey_every_megabyte_in_both_directions_at_once";
    let lines = "LogLevel DEBUG\nRekeyLimit 1M";
    let Some(sshd) = Sshd::builder().config(lines).start_or_skip(name) else { return };
    let limit = RekeyLimit { bytes: 1 << 20, ..RekeyLimit::default() };
    let config = config_with_key(&sshd, KeyKind::Ed25519).rekey(limit);
    let session = connect(&sshd, &config).unwrap();
    let channel = session.open_session().unwrap();
    channel.exec("cat").unwrap();
    let input = noise(24 << 20);
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            (&channel).write_all(&input).unwrap();
            channel.shutdown_write().unwrap();
        });
        let mut output = Vec::new();
        (&channel).read_to_end(&mut output).unwrap();
        output
    });
    assert!(output == input);
    let exchanges = key_exchanges(&sshd);
    assert!(exchanges > 12, "{exchanges} key exchanges in the server's log");
}

#[test]
fn new_keys_on_demand_and_by_time() {
    let Some(sshd) = Sshd::builder().config("LogLevel DEBUG").start_or_skip("new_keys_on_demand_and_by_time")
    else {
        return;
    };
    let one = session(&sshd);
    for _ in 0..3 {
        one.rekey().unwrap();
        assert!(one.command("true").output().unwrap().success());
    }
    let limit = RekeyLimit { time: Some(Duration::from_millis(300)), ..RekeyLimit::default() };
    let config = config_with_key(&sshd, KeyKind::Ed25519).rekey(limit);
    let session = connect(&sshd, &config).unwrap();
    let output = session.command("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done").output().unwrap();
    assert_eq!(output.stdout, b"1\n2\n3\n4\n5\n6\n7\n8\n");
    let exchanges = key_exchanges(&sshd);
    assert!(exchanges >= 4 + 3, "{exchanges} key exchanges in the server's log");
}

#[test]
fn an_idle_session_is_kept_alive_by_questions() {
    let Some(sshd) = Sshd::start_or_skip("an_idle_session_is_kept_alive_by_questions") else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519).keepalive(Duration::from_millis(100), 3);
    let session = connect(&sshd, &config).unwrap();
    thread::sleep(Duration::from_millis(900));
    assert!(session.is_active());
    session.ping().unwrap();
    let channel = session.open_session().unwrap();
    channel.set_read_timeout(Some(PATIENCE));
    channel.exec("echo still here").unwrap();
    let mut text = String::new();
    (&channel).read_to_string(&mut text).unwrap();
    assert_eq!(text, "still here\n");
}

/// OpenSSH asks on a channel if there is one, else in a global request, and gives up after three questions.
#[test]
fn a_server_that_asks_for_signs_of_life_gets_them() {
    let name = "a_server_that_asks_for_signs_of_life_gets_them";
    let lines = "ClientAliveInterval 1\nClientAliveCountMax 1";
    let Some(sshd) = Sshd::builder().config(lines).start_or_skip(name) else { return };
    let session = session(&sshd);
    thread::sleep(Duration::from_secs(3));
    let output = session.command("sleep 3; echo still here").output().unwrap();
    assert_eq!(output.stdout, b"still here\n");
}
