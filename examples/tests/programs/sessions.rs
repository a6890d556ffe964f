//! `run_command`, `shell` and `jump`.

use crate::host::{Host, PATIENCE, text};
use std::fs;
use testing::{KeyKind, Pty, Sshd};

const RUN_COMMAND: &str = env!("CARGO_BIN_EXE_run_command");
const SHELL: &str = env!("CARGO_BIN_EXE_shell");
const JUMP: &str = env!("CARGO_BIN_EXE_jump");

#[test]
fn a_command_has_its_output_and_its_status() {
    let Some(host) = Host::start("a_command_has_its_output_and_its_status") else { return };
    let output = host.run(RUN_COMMAND, &[&host.target(), "echo out; echo err >&2; exit 3"], "");
    assert_eq!(
        (text(&output.stdout), text(&output.stderr), output.status.code()),
        ("out\n".into(), "err\n".into(), Some(3))
    );
}

#[test]
fn a_command_that_is_killed_or_silent_is_an_error() {
    let Some(host) = Host::start("a_command_that_is_killed_or_silent_is_an_error") else { return };
    let output = host.run(RUN_COMMAND, &[&host.target(), "kill -TERM $$"], "");
    assert_eq!(text(&output.stderr), "error: ended by the signal \"TERM\"\n");
    assert_eq!(output.status.code(), Some(255));
    let output = host.run(RUN_COMMAND, &[&host.target(), "sleep 100", "--seconds", "1"], "");
    assert!(text(&output.stderr).contains("timed out after 1s"), "{output:?}");
    assert_eq!(output.status.code(), Some(255));
}

#[test]
fn an_unknown_host_gets_no_credential() {
    let Some(host) = Host::start("an_unknown_host_gets_no_credential") else { return };
    fs::remove_file(host.home.path().join(".ssh/known_hosts")).unwrap();
    let output = host.run(RUN_COMMAND, &[&host.target(), "true"], "");
    assert!(text(&output.stderr).contains("no key is known for [127.0.0.1]:"), "{output:?}");
    assert_eq!(output.status.code(), Some(255));
    assert!(!host.sshd.log().contains("Accepted"));
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal() {
    let Some(host) = Host::start("a_passphrase_is_asked_for_on_the_terminal") else { return };
    let key = testing::KeyPair::generate_with(KeyKind::Ed25519, &["-N", "open sesame"]);
    host.sshd.authorize(key.public_line());
    let path = host.home.path().join(".ssh/id_ed25519");
    fs::remove_file(&path).unwrap();
    key.write(&path);
    let mut terminal = Pty::spawn(host.command(RUN_COMMAND, &[&host.target(), "echo hello"]), 80, 24);
    terminal.expect("id_ed25519: ", PATIENCE);
    terminal.send("open sesame\r");
    terminal.expect("hello", PATIENCE);
    assert_eq!(terminal.exit_code(PATIENCE), 0);
}

#[test]
fn a_password_is_asked_for_on_the_terminal() {
    let test = "a_password_is_asked_for_on_the_terminal";
    let Some(host) = Host::without_key(test, Sshd::builder().password_user()) else { return };
    let Some(password) = host.sshd.password() else { panic!("the account has a password") };
    let mut terminal = Pty::spawn(host.command(RUN_COMMAND, &[&host.target(), "echo hello"]), 80, 24);
    terminal.expect(&format!("Password of {}: ", host.sshd.user()), PATIENCE);
    terminal.send(format!("{password}\r"));
    terminal.expect("hello", PATIENCE);
    assert_eq!(terminal.exit_code(PATIENCE), 0);
}

#[test]
fn a_shell_answers_each_line_and_keeps_its_state() {
    let Some(host) = Host::start("a_shell_answers_each_line_and_keeps_its_state") else { return };
    let lines = "cd /\npwd\nprintf 'no end of line'\n(exit 7)\necho oops >&2\nn=41\necho $((n + 1))\n";
    let output = host.run(SHELL, &[&host.target()], lines);
    let expected = "$ cd /\n$ pwd\n/\n$ printf 'no end of line'\nno end of line$ (exit 7)\n(status 7)\n\
                    $ echo oops >&2\noops\n$ n=41\n$ echo $((n + 1))\n42\n";
    assert_eq!((text(&output.stdout), text(&output.stderr)), (expected.into(), String::new()));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_shell_that_ends_or_does_not_answer_is_an_error() {
    let Some(host) = Host::start("a_shell_that_ends_or_does_not_answer_is_an_error") else { return };
    let output = host.run(SHELL, &[&host.target()], "exit\necho behind\n");
    assert_eq!(text(&output.stderr), "error: the shell has ended\n");
    let output = host.run(SHELL, &[&host.target(), "--seconds", "1"], "sleep 100\n");
    assert!(text(&output.stderr).contains("timed out after 1s"), "{output:?}");
    assert_eq!(output.status.code(), Some(255));
}

#[test]
fn a_session_runs_inside_a_channel_of_another() {
    let test = "a_session_runs_inside_a_channel_of_another";
    let Some(gate) = Host::start(test) else { return };
    let Some(inner) = Sshd::start_or_skip(test) else { return };
    inner.authorize(
        &fs::read_to_string(gate.sshd.user_key_path(KeyKind::Ed25519).with_extension("pub")).unwrap(),
    );
    let known = gate.sshd.known_hosts(&KeyKind::ALL) + &inner.known_hosts(&KeyKind::ALL);
    fs::write(gate.home.path().join(".ssh/known_hosts"), known).unwrap();

    let target = format!("{}@127.0.0.1:{}", inner.user(), inner.port());
    let output = gate.run(JUMP, &[&gate.target(), &target, "echo $SSH_CONNECTION"], "");
    // The command ran where the inner server listens.
    assert!(text(&output.stdout).trim_end().ends_with(&format!(" {}", inner.port())), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
    assert!(gate.sshd.log().contains("Accepted publickey") && inner.log().contains("Accepted publickey"));

    let output = gate.run(JUMP, &[&gate.target(), "nobody@127.0.0.1:1", "true"], "");
    assert!(text(&output.stderr).starts_with("error: "), "{output:?}");
    assert_eq!(output.status.code(), Some(255));
}
