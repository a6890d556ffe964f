//! Commands on a terminal.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests are test code")]

use std::process::Command;
use std::time::{Duration, Instant};

use testing::Pty;

const PATIENCE: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Pty {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    Pty::spawn(command, 100, 30)
}

#[test]
fn a_command_sees_a_terminal_of_its_own() {
    let mut pty = shell("test -t 0 && test -t 1 && test -t 2 && echo yes > /dev/tty; stty size; exit 7");
    pty.expect("yes\r\n", PATIENCE);
    pty.expect("30 100\r\n", PATIENCE);
    assert_eq!(pty.exit_code(PATIENCE), 7);
}

#[test]
fn keys_reach_it_and_each_match_looks_behind_the_last() {
    let mut pty = shell("echo ready; read line; echo got $line $line; read line; echo then $line");
    pty.expect("ready", PATIENCE);
    pty.send("one\r");
    assert!(pty.expect("got one one", PATIENCE).contains("one"), "the echo of the terminal");
    pty.send("two\r");
    pty.expect("then two", PATIENCE);
    assert!(pty.wait(PATIENCE).success());
    assert!(pty.wait_for("ready", Duration::from_millis(10)).is_none());
}

#[test]
fn a_new_size_is_told() {
    let mut pty = shell("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done");
    pty.expect("ready", PATIENCE);
    pty.resize(77, 11);
    pty.expect("11 77", PATIENCE);
    assert!(pty.wait(PATIENCE).success());
}

#[test]
fn control_c_interrupts_it() {
    // What cat repeats shows that the shell is gone, which could lose the signal on its way out. Whoever runs the
    // tests in the background may have them ignore it.
    let mut pty = shell("exec env --default-signal=INT cat");
    pty.send("ready\n");
    pty.expect("ready\r\nready", PATIENCE);
    pty.send("\x03");
    assert_eq!(pty.exit_code(PATIENCE), 128 + 2);
}

#[test]
fn what_does_not_come_is_not_waited_for_longer_than_asked() {
    let mut pty = shell("sleep 600");
    let start = Instant::now();
    assert!(pty.wait_for("never", Duration::from_millis(100)).is_none());
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[test]
fn more_output_than_the_terminal_holds_is_read_to_its_end() {
    let mut pty = shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done");
    assert!(pty.wait(PATIENCE).success());
    assert!(pty.output().ends_with("19999\r\n"));
}
