//! `--loopback`: the demo against a server of its own.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(60);

fn demo() -> Command {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.args(["-F", "none", "--loopback"]).env_remove("SSH_AUTH_SOCK");
    demo
}

#[test]
fn a_command_runs_with_its_streams_and_its_status() {
    let mut demo = demo();
    demo.args(["tr a-z A-Z; echo err >&2; exit 7"]);
    let mut child = demo.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"shout").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("SHOUT".to_owned(), "err\n".to_owned()));
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn the_words_behind_it_are_the_command() {
    let output = demo().args(["echo", "-a", "-v"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "-a -v\n");
}

#[test]
fn what_files_say_of_every_host_is_not_for_it() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config");
    fs::create_dir(home.path().join(".ssh")).unwrap();
    for path in [config.clone(), home.path().join(".ssh/config")] {
        fs::write(path, "RemoteCommand false\nHostKeyAlgorithms ecdsa-sha2-nistp256\n").unwrap();
    }
    let run = |options: &[&str]| {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
        demo.args(options).args(["--loopback", "echo", "here"]).env_remove("SSH_AUTH_SOCK");
        demo.env("HOME", home.path()).stdin(Stdio::null()).output().unwrap()
    };
    assert_eq!(String::from_utf8_lossy(&run(&[]).stdout), "here\n");
    // Who names a file means it.
    assert_eq!(run(&["-F", config.to_str().unwrap()]).status.code(), Some(255));
}

#[test]
fn a_shell_reads_what_is_piped_in() {
    let mut child =
        demo().env("SHELL", "/bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"echo $((6 * 7))\nexit 3\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42\n");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_shell_has_a_terminal() {
    let mut demo = demo();
    demo.env("SHELL", "/bin/sh");
    testing::check_shell(demo, PATIENCE);
}
