//! How users prove who they are.

use crate::host::{Host, PATIENCE, run, text};
use std::{fs, os::unix::fs::PermissionsExt};
use testing::{KeyKind, KeyPair, Pty, Sshd};

/// An encrypted key that the server accepts, as the only one the user has.
fn encrypted(host: &Host, arguments: &[&str]) {
    let key =
        KeyPair::generate_with(KeyKind::Ed25519, &[&["-N", "open sesame", "-a", "4"], arguments].concat());
    host.sshd.authorize(key.public_line());
    key.write(&host.home.path().join(".ssh/id_ed25519"));
}

/// A program that answers every question with this.
fn askpass(host: &Host, answer: &str) -> String {
    let path = host.home.path().join("askpass");
    fs::write(&path, format!("#!/bin/sh\necho \"$1\" >> \"$HOME/questions\"\necho '{answer}'\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn every_kind_of_key_logs_in() {
    let Some(host) = Host::start("every_kind_of_key_logs_in") else { return };
    for kind in KeyKind::ALL {
        let path = host.sshd.user_key_path(kind);
        let output = host.run(&["-i", path.to_str().unwrap(), "127.0.0.1", "echo x"]);
        assert_eq!(text(&output.stdout), "x\n", "{kind:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal() {
    let Some(host) = Host::start("a_passphrase_is_asked_for_on_the_terminal") else { return };
    encrypted(&host, &[]);
    let mut pty = host.pty(&["127.0.0.1", "echo shown"]);
    pty.expect("Passphrase of ", PATIENCE);
    pty.send("wrong\r");
    pty.expect("Wrong. Passphrase of ", PATIENCE);
    pty.send("open sesame\r");
    pty.expect("shown\r", PATIENCE);
    assert_eq!(pty.exit_code(PATIENCE), 0);
    assert!(!pty.output().contains("sesame"), "{}", pty.output());
}

#[test]
fn a_key_that_the_server_does_not_want_needs_no_passphrase() {
    let Some(host) = Host::start("a_key_that_the_server_does_not_want_needs_no_passphrase") else { return };
    let good = host.read(".ssh/id_ed25519");
    let key = KeyPair::generate_with(KeyKind::Ed25519, &["-N", "secret", "-a", "4"]);
    key.write(&host.home.path().join("unwanted"));
    host.write("good", &good);
    let mut pty = host.pty(&["-i", "unwanted", "-i", "good", "127.0.0.1", "echo shown"]);
    pty.expect("shown\r", PATIENCE);
    assert_eq!(pty.exit_code(PATIENCE), 0);
    assert!(!pty.output().contains("Passphrase"), "{}", pty.output());
}

#[test]
fn a_program_may_be_asked_instead() {
    let Some(host) = Host::start("a_program_may_be_asked_instead") else { return };
    encrypted(&host, &[]);
    let mut command = host.demo(&["127.0.0.1", "echo x"]);
    command.env("SSH_ASKPASS", askpass(&host, "open sesame")).env("SSH_ASKPASS_REQUIRE", "force");
    let output = run(command, b"");
    assert_eq!(text(&output.stdout), "x\n", "{}", text(&output.stderr));
    assert!(host.read("questions").contains("id_ed25519"), "{}", host.read("questions"));
}

#[test]
fn in_a_batch_nobody_is_asked() {
    let Some(host) = Host::start("in_a_batch_nobody_is_asked") else { return };
    encrypted(&host, &["-m", "PEM"]);
    let mut command = host.demo(&["-v", "-oBatchMode=yes", "127.0.0.1", "echo x"]);
    command.env("SSH_ASKPASS", askpass(&host, "open sesame")).env("SSH_ASKPASS_REQUIRE", "force");
    let output = run(command, b"");
    assert_eq!(output.status.code(), Some(255));
    assert_eq!(host.read("questions"), "");
    assert!(text(&output.stderr).contains("nobody to ask"), "{}", text(&output.stderr));
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let Some(host) = Host::start("a_key_that_others_can_read_is_not_used") else { return };
    let path = host.home.path().join(".ssh/id_ed25519");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let output = host.run(&["-i", path.to_str().unwrap(), "-oBatchMode=yes", "127.0.0.1", "echo x"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("others may read it"), "{}", text(&output.stderr));
}

#[test]
fn a_login_that_fails_tells_what_was_tried() {
    let Some(host) = Host::start("a_login_that_fails_tells_what_was_tried") else { return };
    let key = KeyPair::generate(KeyKind::Ed25519);
    key.write(&host.home.path().join("stranger"));
    let output = host.run(&["-i", "stranger", "-i", "missing", "-oBatchMode=yes", "127.0.0.1", "echo x"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(255));
    assert!(error.contains("missing") && error.contains("publickey") && error.contains("SHA256:"), "{error}");
}

#[test]
fn a_server_is_not_asked_for_a_password_it_does_not_take() {
    let builder = Sshd::builder().config("PasswordAuthentication no\nKbdInteractiveAuthentication no");
    let Some(host) = Host::build("a_server_is_not_asked_for_a_password_it_does_not_take", builder) else {
        return;
    };
    let mut pty = host.pty(&["-oPubkeyAuthentication=no", "127.0.0.1", "true"]);
    assert_eq!(pty.exit_code(PATIENCE), 255);
    assert!(!pty.output().contains("Password of"), "{}", pty.output());
}

mod passwords {
    use super::*;

    fn start(test: &str) -> Option<(Host, String)> {
        let host = Host::build(test, Sshd::builder().password_user())?;
        let password = host.sshd.password()?.to_owned();
        Some((host, password))
    }

    fn ask(host: &Host, arguments: &[&str]) -> Pty {
        host.pty(&[&["-oPubkeyAuthentication=no"], arguments, &["127.0.0.1", "echo shown"]].concat())
    }

    #[test]
    fn a_password_is_asked_for_and_not_shown() {
        let Some((host, password)) = start("a_password_is_asked_for_and_not_shown") else { return };
        let mut pty = ask(&host, &["-vvv"]);
        pty.expect(&format!("Password of {}@127.0.0.1: ", host.sshd.user()), PATIENCE);
        pty.send("wrong\r");
        pty.expect("Password of ", PATIENCE);
        pty.send(format!("{password}\r"));
        pty.expect("shown\r", PATIENCE);
        assert_eq!(pty.exit_code(PATIENCE), 0);
        assert!(!pty.output().contains(&password), "{}", pty.output());
    }

    #[test]
    fn the_number_of_questions_is_bounded() {
        let Some((host, _)) = start("the_number_of_questions_is_bounded") else { return };
        let mut pty = ask(&host, &["-oNumberOfPasswordPrompts=2"]);
        for _ in 0..2 {
            pty.expect("Password of ", PATIENCE);
            pty.send("wrong\r");
        }
        assert_eq!(pty.exit_code(PATIENCE), 255);
        assert_eq!(pty.output().matches("Password of ").count(), 2, "{}", pty.output());
    }

    #[test]
    fn an_interrupt_at_the_question_gives_the_terminal_back() {
        let Some((host, _)) = start("an_interrupt_at_the_question_gives_the_terminal_back") else { return };
        let mut pty = host.shell("demo -oPubkeyAuthentication=no 127.0.0.1 true; echo status=$?; stty -a");
        pty.expect("Password of ", PATIENCE);
        pty.send("\x03");
        pty.expect("status=255", PATIENCE);
        let modes = pty.expect("echoke", PATIENCE);
        assert!(modes.contains(" echo ") && modes.contains(" icanon "), "{modes}");
    }

    #[test]
    fn after_a_contradicted_host_key_no_password_is_sent() {
        let Some((host, _)) = start("after_a_contradicted_host_key_no_password_is_sent") else { return };
        let other = KeyPair::generate(KeyKind::Ed25519);
        let line = format!("[127.0.0.1]:{} ssh-ed25519 {}\n", host.sshd.port(), other.public_base64());
        host.write(".ssh/known_hosts", &line);
        let mut pty = ask(&host, &["-oStrictHostKeyChecking=no"]);
        assert_eq!(pty.exit_code(PATIENCE), 255);
        assert!(pty.output().contains("passwords are not sent") && !pty.output().contains("Password of"));
    }
}
