//! What needs no server: `keys` and `layer_alone`.

use crate::host::{PATIENCE, command, run, text};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};
use tempfile::TempDir;
use testing::Pty;

const KEYS: &str = env!("CARGO_BIN_EXE_keys");
const LAYER_ALONE: &str = env!("CARGO_BIN_EXE_layer_alone");

fn keys(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = command(KEYS, directory);
    command.args(arguments);
    command
}

/// What `ssh-keygen` says, or `None` where there is none.
fn ssh_keygen(test: &str, arguments: &[&str]) -> Option<String> {
    match Command::new("ssh-keygen").args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(text(&output.stdout))
        }
        Err(_) => {
            testing::skip(test, "no ssh-keygen found");
            None
        }
    }
}

#[test]
fn generated_keys_are_what_ssh_keygen_sees_in_them() {
    let test = "generated_keys_are_what_ssh_keygen_sees_in_them";
    let directory = TempDir::new().unwrap();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let file = directory.path().join(kind);
        let path = file.to_str().unwrap();
        let comment = "alice@home sweet home";
        let output =
            run(keys(directory.path(), &["generate", path, "--type", kind, "--comment", comment]), "");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        let shown = text(&output.stdout);
        for path in [path.to_owned(), format!("{path}.pub")] {
            assert_eq!(text(&run(keys(directory.path(), &["show", &path]), "").stdout), shown);
        }
        let public = fs::read_to_string(format!("{path}.pub")).unwrap();
        assert!(shown.starts_with(&public), "{shown}");
        let Some(line) = ssh_keygen(test, &["-y", "-P", "", "-f", path]) else { return };
        assert_eq!(line, public);
        // 256 SHA256:… comment (ED25519), then the picture.
        let Some(listed) = ssh_keygen(test, &["-l", "-v", "-f", path]) else { return };
        let (first, picture) = listed.split_once('\n').unwrap();
        let fingerprint = first.split(' ').nth(1).unwrap();
        assert!(shown.contains(&format!("\n{fingerprint}\nMD5:")), "{shown}");
        assert!(shown.ends_with(picture), "{shown}");
    }
}

#[test]
fn a_key_file_is_never_overwritten() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("key"), "precious").unwrap();
    let output = run(keys(directory.path(), &["generate", "key"]), "");
    assert!(text(&output.stderr).starts_with("error: "), "{output:?}");
    assert_eq!(output.status.code(), Some(255));
    assert_eq!(fs::read_to_string(directory.path().join("key")).unwrap(), "precious");
    assert!(!directory.path().join("key.pub").exists());
}

#[test]
fn a_passphrase_closes_and_opens_a_file() {
    let test = "a_passphrase_closes_and_opens_a_file";
    let directory = TempDir::new().unwrap();
    let mut terminal = Pty::spawn(keys(directory.path(), &["generate", "key", "--encrypt"]), 120, 40);
    terminal.expect("New passphrase: ", PATIENCE);
    terminal.send("open sesame\r");
    terminal.expect("SHA256:", PATIENCE);
    assert_eq!(terminal.exit_code(PATIENCE), 0);

    let show = |passphrase: &str| {
        let mut terminal = Pty::spawn(keys(directory.path(), &["show", "key"]), 120, 40);
        terminal.expect("Passphrase: ", PATIENCE);
        terminal.send(format!("{passphrase}\r"));
        let code = terminal.exit_code(PATIENCE);
        (code, terminal.output())
    };
    let (code, output) = show("open sesame");
    assert!(code == 0 && output.contains("ssh-ed25519 "), "{output}");
    let (code, output) = show("open barley");
    assert!(code == 255 && output.contains("error: wrong passphrase"), "{output}");

    let path = directory.path().join("key");
    let Some(line) = ssh_keygen(test, &["-y", "-P", "open sesame", "-f", path.to_str().unwrap()]) else {
        return;
    };
    assert_eq!(line, fs::read_to_string(path.with_extension("pub")).unwrap());
}

#[test]
fn a_file_that_is_no_key_is_an_error() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("poem"), "Shall I compare thee to a summer's day?\n").unwrap();
    let output = run(keys(directory.path(), &["show", "poem"]), "");
    assert_eq!(text(&output.stderr), "error: not a private key file\n");
    assert_eq!(output.status.code(), Some(255));
}

#[test]
fn a_layer_works_alone() {
    let directory = TempDir::new().unwrap();
    let output = run(command(LAYER_ALONE, directory.path()), "");
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for side in ["client", "server"] {
        assert_eq!(stdout.matches(&format!("{side} uses the new keys\n")).count(), 1, "{stdout}");
    }
    assert!(stdout.contains("both use mlkem768x25519-sha256, ssh-ed25519 and "), "{stdout}");
    assert!(stdout.ends_with("server has a message 5 for the layer above\n"), "{stdout}");
}
