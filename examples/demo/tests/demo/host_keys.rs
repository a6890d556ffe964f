//! Whom the demo trusts.

use crate::host::{Host, PATIENCE, text};
use testing::{KeyKind, KeyPair, Sshd};

/// A server with one key, which nobody knows yet.
fn unknown(test: &str) -> Option<Host> {
    let host = Host::build(test, Sshd::builder().host_keys(&[KeyKind::Ed25519]))?;
    std::fs::remove_file(host.home.path().join(".ssh/known_hosts")).unwrap();
    Some(host)
}

/// A line that gives the server a key it does not have.
fn wrong_line(host: &Host) -> String {
    let other = KeyPair::generate(KeyKind::Ed25519);
    format!("[127.0.0.1]:{} ssh-ed25519 {}\n", host.sshd.port(), other.public_base64())
}

fn fingerprint(host: &Host) -> String {
    let output = host.run(&["-oStrictHostKeyChecking=yes", "127.0.0.1", "true"]);
    let error = text(&output.stderr);
    let at = error.find("SHA256:").unwrap_or_else(|| panic!("{error}"));
    error[at..].split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_new_key_is_refused_asked_about_or_written_down() {
    let Some(host) = unknown("a_new_key_is_refused_asked_about_or_written_down") else { return };
    for arguments in [&["-oStrictHostKeyChecking=yes"][..], &["-oBatchMode=yes"]] {
        let output = host.run(&[arguments, &["127.0.0.1", "echo x"]].concat());
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(255), String::new()));
        assert!(text(&output.stderr).contains("SHA256:"), "{}", text(&output.stderr));
    }
    assert_eq!(host.read(".ssh/known_hosts"), "");
    let output = host.run(&["-oStrictHostKeyChecking=accept-new", "127.0.0.1", "echo x"]);
    assert_eq!(text(&output.stdout), "x\n");
    assert_eq!(host.read(".ssh/known_hosts").trim_end(), host.sshd.known_hosts_line(KeyKind::Ed25519));
    let output = host.run(&["-oStrictHostKeyChecking=yes", "127.0.0.1", "echo x"]);
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("x\n".into(), "".into()));
}

#[test]
fn the_user_is_asked() {
    let Some(host) = unknown("the_user_is_asked") else { return };
    let fingerprint = fingerprint(&host);

    let mut no = host.pty(&["127.0.0.1", "echo shown"]);
    no.expect(&fingerprint, PATIENCE);
    no.expect("? ", PATIENCE);
    no.send("no\r");
    assert_eq!(no.exit_code(PATIENCE), 255);
    assert!(!no.output().contains("shown\r"), "{}", no.output());
    assert_eq!(host.read(".ssh/known_hosts"), "");

    let mut yes = host.pty(&["127.0.0.1", "echo shown"]);
    yes.expect("? ", PATIENCE);
    yes.send("y\r");
    yes.expect("yes or no", PATIENCE);
    yes.send("SHA256:something+else\r");
    yes.expect("yes or no", PATIENCE);
    yes.send("yes\r");
    yes.expect("shown\r", PATIENCE);
    assert_eq!(yes.exit_code(PATIENCE), 0);
    assert_eq!(host.read(".ssh/known_hosts").trim_end(), host.sshd.known_hosts_line(KeyKind::Ed25519));

    let arguments = ["-oUserKnownHostsFile=~/other", "-oHashKnownHosts=yes", "127.0.0.1", "echo shown"];
    let mut known = host.pty(&arguments);
    known.expect("? ", PATIENCE);
    known.send(format!("{fingerprint}\r"));
    known.expect("shown\r", PATIENCE);
    assert_eq!(known.exit_code(PATIENCE), 0);
    assert!(host.read("other").starts_with("|1|"), "{}", host.read("other"));
    let arguments =
        ["-oUserKnownHostsFile=~/other", "-oStrictHostKeyChecking=yes", "127.0.0.1", "echo shown"];
    assert_eq!(text(&host.run(&arguments).stdout), "shown\n");
}

#[test]
fn another_key_than_the_known_one_is_refused() {
    let Some(host) = unknown("another_key_than_the_known_one_is_refused") else { return };
    host.write(".ssh/known_hosts", &wrong_line(&host));
    for strict in ["ask", "yes", "accept-new"] {
        let output = host.run(&[&format!("-oStrictHostKeyChecking={strict}"), "127.0.0.1", "echo x"]);
        let error = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(255), String::new()), "{strict}");
        assert!(error.contains("NOT THE ONE") && error.contains("known_hosts:1"), "{error}");
    }
    let output = host.run(&["-oStrictHostKeyChecking=no", "127.0.0.1", "echo x"]);
    assert_eq!(text(&output.stdout), "x\n");
    assert!(text(&output.stderr).contains("NOT THE ONE"), "{}", text(&output.stderr));
    assert_eq!(host.read(".ssh/known_hosts").lines().count(), 1, "the key is not written down");
}

#[test]
fn a_revoked_key_is_refused_whatever_is_said() {
    let Some(host) = unknown("a_revoked_key_is_refused_whatever_is_said") else { return };
    let line = host.sshd.known_hosts_line(KeyKind::Ed25519);
    let key = line.split_once(' ').unwrap().1;
    host.write(".ssh/known_hosts", &format!("{line}\n@revoked * {key}\n"));
    for strict in ["no", "accept-new", "ask"] {
        let output = host.run(&[&format!("-oStrictHostKeyChecking={strict}"), "127.0.0.1", "echo x"]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(255), String::new()), "{strict}");
        assert!(text(&output.stderr).contains("revoked"), "{}", text(&output.stderr));
    }
}

#[test]
fn what_is_known_decides_which_key_is_asked_for() {
    let Some(host) = Host::start("what_is_known_decides_which_key_is_asked_for") else { return };
    for kind in KeyKind::ALL {
        host.write(".ssh/known_hosts", &format!("{}\n", host.sshd.known_hosts_line(kind)));
        let output = host.run(&["-oStrictHostKeyChecking=yes", "127.0.0.1", "echo x"]);
        assert_eq!(text(&output.stdout), "x\n", "{kind:?}: {}", text(&output.stderr));
    }
}

#[test]
fn an_alias_stands_for_the_host_without_its_port() {
    let Some(host) = unknown("an_alias_stands_for_the_host_without_its_port") else { return };
    let arguments = ["-oHostKeyAlias=alias", "-oStrictHostKeyChecking=accept-new", "127.0.0.1", "echo x"];
    assert_eq!(text(&host.run(&arguments).stdout), "x\n");
    assert!(
        host.read(".ssh/known_hosts").starts_with("alias ssh-ed25519 "),
        "{}",
        host.read(".ssh/known_hosts")
    );
    assert_eq!(text(&host.run(&["-oHostKeyAlias=alias", "127.0.0.1", "echo x"]).stdout), "x\n");
    let other = KeyPair::generate(KeyKind::Ed25519);
    host.write(".ssh/known_hosts", &format!("alias ssh-ed25519 {}\n", other.public_base64()));
    let output = host.run(&arguments);
    assert!(text(&output.stderr).contains("NOT THE ONE"), "{}", text(&output.stderr));
}
