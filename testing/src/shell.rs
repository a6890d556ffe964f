//! What a shell on a terminal must do, whoever serves it.

use crate::Pty;
use std::{process::Command, time::Duration};

/// Runs `command`, which gives a shell of the other end's on the terminal it runs on, and tries it: the size of the
/// terminal, before and after a change, and its name, Ctrl-C, and the exit status, which must become that of `command`.
///
/// # Panics
///
/// If anything is not as it should be, or nothing happens for as long as `patience`.
#[track_caller]
pub fn check_shell(mut command: Command, patience: Duration) {
    command.env("TERM", "vt100");
    let mut terminal = Pty::spawn(command, 97, 33);
    terminal.send("echo \"<$(stty size)>\" $TERM\r");
    terminal.expect("<33 97> vt100", patience);
    terminal.resize(100, 50);
    terminal.send("until [ \"$(stty size)\" = '50 100' ]; do :; done; echo resi''zed\r");
    terminal.expect("resized", patience);
    terminal
        .send("env --default-signal=INT sh -c 'trap \"echo trap\"\"ped; exit\" INT; echo wai\"\"ting; while :; do sleep 0.1; done'\r");
    terminal.expect("waiting", patience);
    terminal.send("\x03");
    terminal.expect("trapped", patience);
    terminal.send("exit 5\r");
    assert_eq!(terminal.exit_code(patience), 5);
}
