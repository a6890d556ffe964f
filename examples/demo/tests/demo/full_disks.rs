//! Disks that are full: the status is 255 and the text tells what, or a warning does where the session can go on.

use crate::host::{Host, demo, text};
use std::{
    fs::{self, File, OpenOptions},
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// Runs the demo with these streams on a command of a server in its own process; its status and what reached stderr.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.code(), text(&output.stderr))
}

#[test]
fn output_that_can_not_be_written_is_an_error() {
    let home = TempDir::new().unwrap();
    // At the first byte, in the midst of much, and while the command goes on without another word.
    for command in ["echo lost", "head -c 3000000 /dev/zero", "echo lost; exec sleep 1000"] {
        let mut demo = demo(home.path());
        let (status, said) = run(demo.args(["--loopback", command]).stdout(full()).stderr(Stdio::piped()));
        assert_eq!(status, Some(255), "{command}: {said}");
        assert!(said.contains("stdout: No space left on device"), "{command}: {said}");
    }
    let mut demo = demo(home.path());
    let output = demo.args(["--loopback", "echo out; echo lost >&2"]).stderr(full()).stdin(Stdio::null());
    let output = output.output().unwrap();
    assert_eq!(output.status.code(), Some(255));
}

#[test]
fn output_that_comes_to_a_limit_is_an_error() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("output");
    // The file may grow to some blocks of 512 bytes or of 1024.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$@\" > output";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_demo"), "--loopback", "head -c 3000000 /dev/zero"]);
    shell.env("HOME", home.path()).current_dir(home.path());
    let (status, said) = run(&mut shell);
    assert_eq!(status, Some(255), "{said}");
    assert!(said.contains("stdout: File too large"), "{said}");
    let length = fs::metadata(file).unwrap().len();
    assert!(length == 51_200 || length == 102_400, "{length}");
}

#[test]
fn a_log_that_can_not_be_written_goes_on_elsewhere() {
    let home = TempDir::new().unwrap();
    let mut good = demo(home.path());
    let (status, said) = run(good.args(["-v", "-E", "/dev/full", "--loopback", "exit 3"]));
    assert_eq!(status, Some(3), "{said}");
    assert_eq!(said.matches("/dev/full: No space left on device").count(), 1, "{said}");
    // What ended the program is told.
    let mut bad = demo(home.path());
    let (status, said) = run(bad.args(["-E", "/dev/full", "a;b@host"]));
    assert_eq!(status, Some(255));
    assert!(said.contains("/dev/full: No space left on device") && said.contains("a;b"), "{said}");
}

/// A shell where `full` is a directory on a disk with room for one page, and nothing else.
fn with_small_disk(home: &Path, script: &str) -> Command {
    let mut shell = Command::new("unshare");
    let whole = format!("mount -t tmpfs -o size=4k none full && {{ {script}\n}}");
    shell.args(["-rm", "sh", "-c", &whole]).current_dir(home).env("HOME", home);
    shell
}

#[test]
fn a_host_key_that_can_not_be_written_down_is_told_and_leaves_the_file_as_it_was() {
    let name = "a_host_key_that_can_not_be_written_down_is_told_and_leaves_the_file_as_it_was";
    let Some(host) = Host::start(name) else { return };
    let home = host.home.path();
    fs::create_dir(home.join("full")).unwrap();
    if !with_small_disk(home, "true").output().is_ok_and(|output| output.status.success()) {
        return testing::say(name, "no file system can be mounted here");
    }
    // The line to add begins in this page, and does not end there.
    let comment = format!("# {}\n", "x".repeat(4096 - 40 - 3));
    host.write("known", &comment);
    let demo = env!("CARGO_BIN_EXE_demo");
    let script = format!(
        "cp known full/known; {demo} -oUserKnownHostsFile=full/known -oStrictHostKeyChecking=accept-new \
         127.0.0.1 'exit 3'; status=$?; cmp known full/known && exit $status"
    );
    let mut shell = with_small_disk(home, &script);
    shell.env_remove("SSH_AUTH_SOCK");
    let output = crate::host::run(shell, b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}{}", text(&output.stdout));
    assert!(said.contains("the host key is not written down: full/known: "), "{said}");
}
