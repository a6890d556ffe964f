//! A session on a terminal, as a user sees it.

use crate::host::{Host, PATIENCE, text};
use rustix::process::{Pid, Signal, kill_process};
use testing::Pty;

/// Waits until the remote shell takes commands.
fn shell_is_there(pty: &mut Pty) {
    pty.send("echo rea''dy\r");
    pty.expect("ready", PATIENCE);
}

#[test]
fn a_shell_takes_what_is_typed_and_gives_its_status() {
    let Some(host) = Host::with_terminals("a_shell_takes_what_is_typed_and_gives_its_status") else { return };
    let mut pty = host.pty(&["127.0.0.1"]);
    shell_is_there(&mut pty);
    pty.send("echo $((6*7))$TERM\r");
    pty.expect("42xterm-256color", PATIENCE);
    pty.send("exit 7\r");
    assert_eq!(pty.exit_code(PATIENCE), 7);
}

#[test]
fn the_window_has_the_same_size_on_both_sides() {
    let Some(host) = Host::with_terminals("the_window_has_the_same_size_on_both_sides") else { return };
    let mut pty = host.pty(&["127.0.0.1"]);
    shell_is_there(&mut pty);
    pty.send("stty size\r");
    pty.expect("24 80", PATIENCE);
    pty.resize(132, 50);
    // The signal and the message take their time.
    pty.send("until stty size | grep 50; do sleep 0.1; done\r");
    pty.expect("50 132", PATIENCE);
    pty.send("exit\r");
    assert_eq!(pty.exit_code(PATIENCE), 0);
}

#[test]
fn keys_go_to_the_other_side() {
    let Some(host) = Host::with_terminals("keys_go_to_the_other_side") else { return };
    let mut pty = host.pty(&["127.0.0.1"]);
    shell_is_there(&mut pty);
    pty.send("PS1='next''> '\r");
    pty.expect("next> ", PATIENCE);
    pty.send("sh -c 'echo sl''eeping; exec sleep 1000'\r");
    pty.expect("sleeping", PATIENCE);
    pty.send("\x03");
    // An interrupt throws away what was typed before the shell is back.
    pty.expect("next> ", PATIENCE);
    pty.send("echo aft''er $?\r");
    pty.expect("after 130", PATIENCE);
    // So does the shell with an end of file.
    pty.expect("next> ", PATIENCE);
    pty.send("\x04");
    pty.wait(PATIENCE);
}

#[test]
fn modes_of_the_terminal_are_sent_and_given_back() {
    let Some(host) = Host::with_terminals("modes_of_the_terminal_are_sent_and_given_back") else { return };
    let line = "stty intr ^G -ixon; stty -g >before; demo -t 127.0.0.1 stty -a; stty -g >after; cmp before after && echo same";
    let mut pty = host.shell(&format!("cd; {line}"));
    let modes = pty.expect("same", PATIENCE);
    assert!(modes.contains("intr = ^G") && modes.contains("-ixon"), "{modes}");
}

#[test]
fn a_command_has_a_terminal_only_if_it_is_asked_for() {
    let Some(host) = Host::with_terminals("a_command_has_a_terminal_only_if_it_is_asked_for") else { return };
    for (arguments, expected) in
        [(&["127.0.0.1", "tty"][..], "not a tty"), (&["-t", "127.0.0.1", "tty"], "/dev/pts/")]
    {
        let mut pty = host.pty(arguments);
        pty.expect(expected, PATIENCE);
        pty.wait(PATIENCE);
    }
    let mut shell = host.pty(&["-T", "127.0.0.1"]);
    shell.send("tty; exit\n");
    shell.expect("not a tty", PATIENCE);
    shell.wait(PATIENCE);
    let output = host.run(&["-tt", "127.0.0.1", "tty"]);
    assert!(text(&output.stdout).contains("/dev/pts/"), "{output:?}");
    let output = host.run(&["-t", "127.0.0.1", "tty"]);
    assert!(text(&output.stdout).contains("not a tty"), "{output:?}");
    assert!(text(&output.stderr).contains("no terminal is asked for"), "{output:?}");
}

#[test]
fn the_escape_character_ends_a_session_that_hangs() {
    let Some(host) = Host::with_terminals("the_escape_character_ends_a_session_that_hangs") else { return };
    let mut pty = host.shell("demo 127.0.0.1; echo status=$?; stty -a");
    shell_is_there(&mut pty);
    pty.send("exec sleep 1000\r~?");
    pty.expect("end the session", PATIENCE);
    pty.send("~.");
    pty.expect("status=255", PATIENCE);
    let modes = pty.expect("echoke", PATIENCE);
    assert!(modes.contains(" echo ") && modes.contains(" icanon "), "{modes}");
}

#[test]
fn without_an_escape_character_it_goes_through() {
    let Some(host) = Host::with_terminals("without_an_escape_character_it_goes_through") else { return };
    let mut pty =
        host.pty(&["-t", "-e", "none", "127.0.0.1", "stty -echo; echo go; read line; echo \"[$line]\""]);
    pty.expect("go", PATIENCE);
    pty.send("~.\r");
    pty.expect("[~.]", PATIENCE);
    assert_eq!(pty.exit_code(PATIENCE), 0);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let Some(host) = Host::with_terminals("a_signal_gives_the_terminal_back") else { return };
    let mut pty =
        host.shell("sh -c 'echo $$ >\"$HOME/pid\"; exec \"$DEMO\" 127.0.0.1'; echo status=$?; stty -a");
    shell_is_there(&mut pty);
    let pid: i32 = host.read("pid").trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    pty.expect("status=255", PATIENCE);
    let modes = pty.expect("echoke", PATIENCE);
    assert!(modes.contains(" echo ") && modes.contains(" icanon "), "{modes}");
}

#[test]
fn without_arguments_host_and_user_are_asked_for() {
    let Some(host) = Host::with_terminals("without_arguments_host_and_user_are_asked_for") else { return };
    let port = host.sshd.port();
    host.write(".ssh/config", "");
    let mut pty = host.pty(&[]);
    pty.expect("Host: ", PATIENCE);
    pty.send(format!("ssh://127.0.0.1:{port}\r"));
    pty.expect("User (", PATIENCE);
    pty.send(format!("{}\r", host.sshd.user()));
    shell_is_there(&mut pty);
    pty.send("exit\r");
    assert_eq!(pty.exit_code(PATIENCE), 0);
}
