//! Channels: commands, streams, requests.

use super::facade::{Session, connect, session};
use crate::support::{PATIENCE, config_with_key};
use ssh_client::{ErrorKind, Exit, Terminal, TerminalSize};
use std::{
    io::{self, Read, Write},
    thread,
    time::Duration,
};
use testing::{KeyKind, Sshd, noise};

#[test]
fn a_command_gives_both_streams_and_its_status() {
    let Some(sshd) = Sshd::start_or_skip("a_command_gives_both_streams_and_its_status") else { return };
    let session = session(&sshd);
    let output = session.command("echo out; echo err >&2; exit 7").output().unwrap();
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"err\n");
    assert_eq!(output.exit, Some(Exit::Status(7)));
    assert!(!output.success());
}

#[test]
fn a_command_that_dies_by_a_signal_says_which() {
    let Some(sshd) = Sshd::start_or_skip("a_command_that_dies_by_a_signal_says_which") else { return };
    let exit = session(&sshd).command("kill -TERM $$").status().unwrap();
    assert!(matches!(&exit, Some(Exit::Signal(signal)) if signal.name == "TERM"), "{exit:?}");
}

#[test]
fn stdin_reaches_the_command_and_its_end_does_too() {
    let Some(sshd) = Sshd::start_or_skip("stdin_reaches_the_command_and_its_end_does_too") else { return };
    let input = noise(5 << 20);
    let output = session(&sshd).command("cat").stdin(input.clone()).output().unwrap();
    assert!(output.success());
    assert!(output.stdout == input);
}

#[test]
fn a_command_that_does_not_read_its_stdin_ends_all_the_same() {
    let Some(sshd) = Sshd::start_or_skip("a_command_that_does_not_read_its_stdin_ends_all_the_same") else {
        return;
    };
    let output = session(&sshd).command("exec <&-; echo done").stdin(noise(16 << 20)).output().unwrap();
    assert_eq!(output.stdout, b"done\n");
}

#[test]
fn both_directions_at_once_deliver_everything_in_order() {
    let Some(sshd) = Sshd::start_or_skip("both_directions_at_once_deliver_everything_in_order") else {
        return;
    };
    let channel = session(&sshd).open_session().unwrap();
    channel.exec("cat").unwrap();
    let input = noise(32 << 20);
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
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(0)));
}

#[test]
fn a_pty_has_the_terminal_and_size_asked_for() {
    let Some(sshd) = Sshd::start_or_skip("a_pty_has_the_terminal_and_size_asked_for") else { return };
    let channel = session(&sshd).open_session().unwrap();
    let size = |columns, rows| TerminalSize { columns, rows, width: 0, height: 0 };
    let terminal = Terminal { term: "vt220".to_owned(), size: size(91, 33), modes: Default::default() };
    channel.request_pty(&terminal).unwrap();
    channel.exec("echo $TERM; stty size; read line; stty size").unwrap();
    let mut first = [0; 64];
    let mut seen = Vec::new();
    while !seen.windows(5).any(|window| window == b"33 91") {
        let n = (&channel).read(&mut first).unwrap();
        assert_ne!(n, 0, "{}", seen.escape_ascii());
        seen.extend_from_slice(&first[..n]);
    }
    assert!(seen.starts_with(b"vt220"), "{}", seen.escape_ascii());
    channel.window_change(size(120, 50)).unwrap();
    (&channel).write_all(b"\n").unwrap();
    let mut rest = String::new();
    (&channel).read_to_string(&mut rest).unwrap();
    assert!(rest.contains("50 120"), "{rest:?}");
}

#[test]
fn environment_variables_are_set_where_the_server_lets_them() {
    let name = "environment_variables_are_set_where_the_server_lets_them";
    let Some(sshd) = Sshd::builder().config("AcceptEnv FRUIT").start_or_skip(name) else { return };
    let session = session(&sshd);
    let command = session.command("echo $FRUIT-$STONE").env("FRUIT", "plum").env("STONE", "flint");
    assert_eq!(command.output().unwrap().stdout, b"plum-\n");
    let channel = session.open_session().unwrap();
    assert_eq!(channel.set_env("STONE", "flint").unwrap_err().kind(), ErrorKind::RequestRefused);
}

#[test]
fn a_subsystem_answers() {
    let Some(sshd) = Sshd::builder().config("Subsystem echo /bin/cat").start_or_skip("a_subsystem_answers")
    else {
        return;
    };
    let session = session(&sshd);
    let channel = session.open_session().unwrap();
    channel.subsystem("echo").unwrap();
    (&channel).write_all(b"hello").unwrap();
    channel.shutdown_write().unwrap();
    let mut answer = String::new();
    (&channel).read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    let refused = session.open_session().unwrap().subsystem("nothing").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RequestRefused);
}

#[test]
fn a_signal_reaches_the_command() {
    // sshd delivers no signals to what root runs.
    let is_root = rustix::process::geteuid().is_root();
    let server = if is_root { Sshd::builder().password_user() } else { Sshd::builder() };
    let Some(sshd) = server.start_or_skip("a_signal_reaches_the_command") else { return };
    let mut config = config_with_key(&sshd, KeyKind::Ed25519);
    if let Some(password) = sshd.password() {
        config = config.password(password);
    }
    let channel = connect(&sshd, &config).unwrap().open_session().unwrap();
    channel.exec("trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done").unwrap();
    let mut ready = [0; 6];
    (&channel).read_exact(&mut ready).unwrap();
    channel.signal("TERM").unwrap();
    let mut rest = String::new();
    (&channel).read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "caught\n");
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(3)));
}

#[test]
fn a_read_that_times_out_loses_nothing() {
    let Some(sshd) = Sshd::start_or_skip("a_read_that_times_out_loses_nothing") else { return };
    let channel = session(&sshd).open_session().unwrap();
    channel.exec("read line; echo got $line").unwrap();
    channel.set_read_timeout(Some(Duration::from_millis(50)));
    let error = (&channel).read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    (&channel).write_all(b"it\n").unwrap();
    channel.set_read_timeout(Some(PATIENCE));
    let mut rest = String::new();
    (&channel).read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "got it\n");
}

#[test]
fn a_write_that_finds_no_room_times_out() {
    let Some(sshd) = Sshd::start_or_skip("a_write_that_finds_no_room_times_out") else { return };
    let channel = session(&sshd).open_session().unwrap();
    channel.exec("sleep 60").unwrap();
    channel.set_write_timeout(Some(Duration::from_millis(200)));
    let error = (&channel).write_all(&noise(64 << 20)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_stream_that_nobody_reads_does_not_stop_the_other_within_the_window() {
    let name = "a_stream_that_nobody_reads_does_not_stop_the_other_within_the_window";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let channel = session(&sshd).open_session().unwrap();
    channel.exec("head -c 1000000 /dev/zero >&2; echo through").unwrap();
    let mut line = String::new();
    (&channel).read_to_string(&mut line).unwrap();
    assert_eq!(line, "through\n");
    let mut stderr = Vec::new();
    channel.stderr().read_to_end(&mut stderr).unwrap();
    assert_eq!(stderr.len(), 1_000_000);
}

#[test]
fn a_channel_that_nobody_reads_does_not_stop_another() {
    let name = "a_channel_that_nobody_reads_does_not_stop_another";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let session = session(&sshd);
    let full = session.open_session().unwrap();
    full.exec("cat /dev/zero").unwrap();
    // It fills its window and stops.
    let mut before = 0;
    loop {
        thread::sleep(Duration::from_millis(100));
        let now = full.available();
        if now > 0 && now == before {
            break;
        }
        before = now;
    }
    assert!(before <= 64 << 20, "{before} bytes");
    let output = session.command("head -c 20000000 /dev/zero").output().unwrap();
    assert_eq!(output.stdout.len(), 20_000_000);
}

#[test]
fn a_session_is_shared_by_many_threads() {
    let name = "a_session_is_shared_by_many_threads";
    let Some(sshd) = Sshd::builder().config("MaxSessions 64").start_or_skip(name) else { return };
    let session = session(&sshd);
    thread::scope(|scope| {
        for number in 0..32 {
            let session = &session;
            scope.spawn(move || {
                let output =
                    session.command(format!("echo {number}; cat")).stdin(noise(200_000)).output().unwrap();
                assert!(output.stdout.starts_with(format!("{number}\n").as_bytes()));
                assert!(output.stdout.ends_with(&noise(200_000)));
            });
        }
    });
}

#[test]
fn a_refused_channel_is_an_error_and_the_session_goes_on() {
    let name = "a_refused_channel_is_an_error_and_the_session_goes_on";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let session = session(&sshd);
    assert_eq!(session.open("nonsense", &[]).unwrap_err().kind(), ErrorKind::ChannelRefused);
    let closed = session.direct_tcpip("127.0.0.1", 1, ("127.0.0.1", 0)).unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::ChannelRefused);
    assert!(session.command("true").output().unwrap().success());
}

#[test]
fn direct_tcpip_reaches_a_port_behind_the_server() {
    let name = "direct_tcpip_reaches_a_port_behind_the_server";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let channel = session(&sshd).direct_tcpip("127.0.0.1", sshd.port(), ("127.0.0.1", 0)).unwrap();
    let mut greeting = [0; 8];
    (&channel).read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");
}

#[test]
fn forwarded_ports_deliver_connections() {
    let Some(sshd) = Sshd::start_or_skip("forwarded_ports_deliver_connections") else { return };
    let session = session(&sshd);
    let forward = session.forward("127.0.0.1", 0).unwrap();
    let client = thread::spawn({
        let port = forward.port();
        move || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(b"ping").unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).unwrap();
            answer
        }
    });
    let forwarded = forward.accept(Some(PATIENCE)).unwrap();
    assert_eq!(forwarded.originator, "127.0.0.1");
    let mut question = [0; 4];
    (&forwarded.channel).read_exact(&mut question).unwrap();
    assert_eq!(&question, b"ping");
    (&forwarded.channel).write_all(b"pong").unwrap();
    assert_eq!(&client.join().unwrap(), b"pong");
    let timeout = forward.accept(Some(Duration::from_millis(20))).unwrap_err();
    assert!(timeout.is_timeout());
}

#[test]
fn a_session_runs_inside_a_channel_of_another() {
    let Some(sshd) = Sshd::start_or_skip("a_session_runs_inside_a_channel_of_another") else { return };
    let outer = session(&sshd);
    let channel = outer.direct_tcpip("127.0.0.1", sshd.port(), ("127.0.0.1", 0)).unwrap();
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let inner = Session::connect_over(channel, "127.0.0.1", sshd.port(), &config).unwrap();
    assert_eq!(inner.command("echo inside").output().unwrap().stdout, b"inside\n");
}

#[test]
fn a_session_tells_who_is_at_its_other_end() {
    let Some(sshd) = Sshd::start_or_skip("a_session_tells_who_is_at_its_other_end") else { return };
    let session = session(&sshd);
    let host_key = session.host_key();
    let known = crate::support::public_key(sshd.host_key(KeyKind::Ed25519).public_line());
    assert_eq!((&host_key.key, host_key.host.as_str(), host_key.port), (&known, "127.0.0.1", sshd.port()));
    assert!(session.server().unwrap().software().starts_with("OpenSSH"));
    let binding = session.binding().unwrap();
    assert_eq!((binding.session_id, binding.host_key), (session.session_id(), known.to_blob()));
    assert_eq!((session.user(), session.is_active()), (sshd.user(), true));
    session.close();
    assert!(!session.is_active());
}

#[test]
fn what_a_command_reads_is_not_shown() {
    let Some(sshd) = Sshd::start_or_skip("what_a_command_reads_is_not_shown") else { return };
    let command = session(&sshd).command("sudo -S true").stdin("hidden input").env("TOKEN", "hidden value");
    let shown = format!("{command:?}");
    assert!(
        shown.contains("sudo -S true") && shown.contains("TOKEN") && !shown.contains("hidden"),
        "{shown}"
    );
    assert!(!shown.contains("104, 105, 100"), "{shown}");
}
