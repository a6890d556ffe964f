//! Whom the demo trusts.

use crate::host::{Host, PATIENCE, text};
use std::process::Output;
use tempfile::TempDir;
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

/// Runs the demo with these host key algorithms, in a file and on the command line.
fn with_host_key_algorithms(host: &Host, list: &str) -> [Output; 2] {
    let config = host.read(".ssh/config");
    let option = format!("HostKeyAlgorithms={list}");
    let command = ["-oStrictHostKeyChecking=yes", "127.0.0.1", "echo x"];
    let by_argument = host.run(&[&["-o", &option][..], &command].concat());
    host.write(".ssh/config", &format!("{config}Host 127.*\n{option}\n"));
    let by_file = host.run(&command);
    host.write(".ssh/config", &config);
    [by_argument, by_file]
}

#[test]
fn a_list_that_is_only_changed_leaves_the_order_to_what_is_known() {
    let name = "a_list_that_is_only_changed_leaves_the_order_to_what_is_known";
    let builder = Sshd::builder().host_keys(&[KeyKind::Ed25519, KeyKind::EcdsaP256]);
    let Some(host) = Host::build(name, builder) else { return };
    let known = format!("{}\n", host.sshd.known_hosts_line(KeyKind::EcdsaP256));
    host.write(".ssh/known_hosts", &known);
    for list in ["+ssh-rsa", "-ssh-dss", "-ssh-ed25519", "ecdsa-sha2-nistp256"] {
        for output in with_host_key_algorithms(&host, list) {
            let shown = (text(&output.stdout), text(&output.stderr));
            assert_eq!(shown, ("x\n".to_owned(), String::new()), "{list}");
        }
    }
    // Whoever puts them in order gets what they asked for.
    for list in ["ssh-ed25519,ecdsa-sha2-nistp256", "^ssh-ed25519"] {
        for output in with_host_key_algorithms(&host, list) {
            assert!(text(&output.stderr).contains("NOT THE ONE"), "{list}: {output:?}");
        }
    }
}

/// A server with a plain key and one with a certificate, of which only the authority is known.
fn certified(test: &str) -> Option<(Host, TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    let path = KeyPair::generate(KeyKind::EcdsaP256).write(&dir.path().join("host"));
    KeyPair::authority().certify(&path, &["-h", "-n", "127.0.0.1"]);
    let lines = format!("HostKey {0}\nHostCertificate {0}-cert.pub", path.display());
    let host = Host::build(test, Sshd::builder().host_keys(&[KeyKind::Ed25519]).config(&lines))?;
    let authority = KeyPair::authority().public_line();
    host.write(".ssh/known_hosts", &format!("@cert-authority [127.0.0.1]:* {authority}\n"));
    Some((host, dir))
}

#[test]
fn a_list_that_is_only_changed_leaves_certificates_of_hosts() {
    let name = "a_list_that_is_only_changed_leaves_certificates_of_hosts";
    let Some((host, _dir)) = certified(name) else { return };
    for list in ["+ssh-rsa", "-ssh-dss", "^ssh-rsa"] {
        for output in with_host_key_algorithms(&host, list) {
            let shown = (text(&output.stdout), text(&output.stderr));
            assert_eq!(shown, ("x\n".to_owned(), String::new()), "{list}");
        }
    }
    for output in with_host_key_algorithms(&host, "ssh-ed25519") {
        assert!(text(&output.stderr).contains("no host key is known"), "{output:?}");
    }
}

#[test]
fn certificates_of_hosts_have_names_of_their_own() {
    let Some((host, _dir)) = certified("certificates_of_hosts_have_names_of_their_own") else { return };
    let name = "ecdsa-sha2-nistp256-cert-v01@openssh.com";
    for list in
        [name, &format!("+{name}"), &format!("^{name}"), &format!("ssh-ed25519-cert-v01@openssh.com,{name}")]
    {
        for output in with_host_key_algorithms(&host, list) {
            let shown = (text(&output.stdout), text(&output.stderr));
            assert_eq!(shown, ("x\n".to_owned(), String::new()), "{list}");
        }
    }
    // Those that are taken away are not asked for, though the authority is known.
    for list in ["-*-cert-*", &format!("-{name}"), "ecdsa-sha2-nistp256"] {
        for output in with_host_key_algorithms(&host, list) {
            assert!(text(&output.stderr).contains("no host key is known"), "{list}: {output:?}");
        }
    }
    // Where no authority is known, the key within is taken for what it is.
    let algorithm = format!("-oHostKeyAlgorithms={name}");
    let known = "-oUserKnownHostsFile=~/other";
    let output = host.run(&[&algorithm, known, "-oStrictHostKeyChecking=accept-new", "127.0.0.1", "true"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(host.read("other").contains(" ecdsa-sha2-nistp256 "), "{}", host.read("other"));
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

/// Fedora sets these two for the whole machine.
#[test]
fn authorities_and_rsa_keys_are_held_to_the_configuration() {
    let name = "authorities_and_rsa_keys_are_held_to_the_configuration";
    let dir = tempfile::tempdir().unwrap();
    let path = KeyPair::generate(KeyKind::Rsa).write(&dir.path().join("host"));
    KeyPair::authority().certify(&path, &["-h", "-n", "127.0.0.1,alias"]);
    let lines = format!("HostKey {0}\nHostCertificate {0}-cert.pub", path.display());
    let Some(host) = Host::build(name, Sshd::builder().host_keys(&[]).config(&lines)) else { return };
    let authority = KeyPair::authority().public_line();
    let known = format!("@cert-authority [127.0.0.1]:*,alias {authority}\n");
    host.write(".ssh/known_hosts", &known);
    let config = host.read(".ssh/config");
    let run = |lines: &str, arguments: &[&str]| {
        host.write(".ssh/config", &format!("{config}{lines}"));
        let output = host.run(&[arguments, &["127.0.0.1", "echo x"]].concat());
        let refused = output.status.code() == Some(255) && output.stdout.is_empty();
        assert!(refused || text(&output.stdout) == "x\n", "{output:?}");
        (!refused, text(&output.stderr))
    };
    let strict = "StrictHostKeyChecking yes\n";
    assert_eq!(run(strict, &[]), (true, String::new()));
    assert_eq!(run(strict, &["-oHostKeyAlias=alias"]), (true, String::new()));
    // In a file of its own, which counts after the user's.
    let policy = |lines: &str| {
        host.write(".ssh/policy", &format!("GSSAPIKexAlgorithms gss-group14-sha256-\n{lines}"));
        run(&format!("{strict}Match final all\nInclude policy\nGSSAPIAuthentication yes\n"), &[])
    };
    let lines = "CASignatureAlgorithms ecdsa-sha2-nistp256,ssh-ed25519\nRequiredRSASize 3072\n";
    assert_eq!(policy(lines), (true, String::new()));
    let (is_in, told) = policy("CASignatureAlgorithms ssh-ed25519\nRequiredRSASize 4096\n");
    assert!(!is_in && told.contains("RSA key of 3072 bits, and 4096 are required"), "{told}");
    let (is_in, told) = run(&format!("{strict}CASignatureAlgorithms rsa-sha2-512\n"), &[]);
    assert!(!is_in && told.contains("signed by ssh-ed25519, which is not allowed"), "{told}");
    let (is_in, told) = run(strict, &["-oRequiredRSASize=4096"]);
    assert!(!is_in && told.contains("RSA key of 3072 bits, and 4096 are required"), "{told}");
}

#[test]
fn small_rsa_keys_of_the_user_are_left_out() {
    let Some(host) = Host::start("small_rsa_keys_of_the_user_are_left_out") else { return };
    let key = host.sshd.user_key_path(KeyKind::Rsa);
    let key = key.to_str().unwrap();
    let run = |size: &str| {
        host.run(&["-oBatchMode=yes", "-i", key, &format!("-oRequiredRSASize={size}"), "127.0.0.1", "echo x"])
    };
    assert_eq!(text(&run("3072").stdout), "x\n");
    let output = run("3073");
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("not tried: RSA key of 3072 bits"), "{}", text(&output.stderr));
}

#[test]
fn a_list_of_revoked_host_keys_goes_before_what_is_known() {
    let name = "a_list_of_revoked_host_keys_goes_before_what_is_known";
    let Some(host) = Host::build(name, Sshd::builder().host_keys(&[KeyKind::Ed25519])) else { return };
    let run = |list: &str| {
        let output = host.run(&[&format!("-oRevokedHostKeys={list}"), "127.0.0.1", "echo x"]);
        let refused = output.status.code() == Some(255) && output.stdout.is_empty();
        assert!(refused || text(&output.stdout) == "x\n", "{output:?}");
        (!refused, text(&output.stderr))
    };
    let (is_in, told) = run("~/revoked");
    assert!(!is_in && told.contains("revoked host keys can't be read"), "{told}");
    let other = KeyPair::generate(KeyKind::Ed25519);
    host.write("revoked", &format!("{}\n", other.public_line()));
    assert_eq!(run("~/revoked"), (true, String::new()));
    let key = host.sshd.host_key(KeyKind::Ed25519).public_line();
    host.write("revoked", &format!("{}\n{key}\n", other.public_line()));
    let (is_in, told) = run("~/revoked");
    assert!(!is_in && told.contains("is revoked by"), "{told}");
    assert_eq!(run("none"), (true, String::new()));
    // A new key is not asked about, either.
    host.write(".ssh/known_hosts", "");
    let output =
        host.run(&["-oStrictHostKeyChecking=no", "-oRevokedHostKeys=~/revoked", "127.0.0.1", "echo x"]);
    assert!(text(&output.stderr).contains("is revoked by"), "{}", text(&output.stderr));
    assert_eq!(host.read(".ssh/known_hosts"), "");
}
