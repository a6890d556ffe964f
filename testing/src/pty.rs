//! A command on a terminal of its own, as a user would run it.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

/// A command whose standard streams and controlling terminal are a new pseudo-terminal. What it started is killed when
/// the value is dropped.
///
/// The output is read only while a method waits for it, so a command that prints more than a terminal holds stops
/// until the test reads on, as with a user who pressed Ctrl-S.
pub struct Pty {
    terminal: blocking::Pty,
    child: Child,
    output: Vec<u8>,
    /// What lies before was matched already.
    seen: usize,
    ended: bool,
}

impl Pty {
    /// Runs `command` on a terminal of `columns` × `rows`.
    pub fn spawn(command: Command, columns: u16, rows: u16) -> Pty {
        let (terminal, other) = blocking::open().expect("a pseudo-terminal");
        terminal.resize(Size::new(rows, columns)).expect("the size of the terminal");
        let child = blocking::Command::from(command).spawn(other).expect("the command on the terminal");
        Pty { terminal, child, output: Vec::new(), seen: 0, ended: false }
    }

    /// Types `keys`: `\r` is Enter, `\x03` is Ctrl-C, `\x04` is Ctrl-D.
    pub fn send(&mut self, keys: impl AsRef<[u8]>) {
        self.terminal.write_all(keys.as_ref()).expect("the terminal takes what is typed");
    }

    /// Waits until the output holds `pattern`, and gives what came before it since the last match. The next call looks
    /// behind it.
    ///
    /// # Panics
    ///
    /// With all output, if the time is over or the command closes the terminal first.
    #[track_caller]
    pub fn expect(&mut self, pattern: &str, patience: Duration) -> String {
        match self.wait_for(pattern, patience) {
            Some(before) => before,
            None => panic!(
                "no {pattern:?} {}; the terminal showed:\n{}\n(behind the last match: {:?})",
                if self.ended { "before the end".to_owned() } else { format!("in {patience:?}") },
                self.output(),
                String::from_utf8_lossy(&self.output[self.seen..]),
            ),
        }
    }

    /// As [`expect`](Pty::expect), with `None` instead of a panic.
    pub fn wait_for(&mut self, pattern: &str, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            let rest = &self.output[self.seen..];
            if let Some(at) =
                rest.windows(pattern.len().max(1)).position(|window| window == pattern.as_bytes())
            {
                let before = String::from_utf8_lossy(&rest[..at]).into_owned();
                self.seen += at + pattern.len();
                return Some(before);
            }
            if !self.read_until(deadline) {
                return None;
            }
        }
    }

    /// Changes the size of the terminal; the command gets SIGWINCH.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.terminal.resize(Size::new(rows, columns)).expect("the size of the terminal");
    }

    /// Everything read so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// The process id of the command.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads on until the command has ended, and gives its status.
    ///
    /// # Panics
    ///
    /// With all output, if it does not end in time.
    #[track_caller]
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("the command is our child") {
                // What it printed last.
                while self.read_until(Instant::now()) {}
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still running after {patience:?}; the terminal showed:\n{}",
                self.output()
            );
            if !self.read_until(deadline.min(Instant::now() + Duration::from_millis(20))) && self.ended {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// The exit code once the command has ended: 128 and the number of the signal for one that was killed, as a shell
    /// says it.
    #[track_caller]
    pub fn exit_code(&mut self, patience: Duration) -> i32 {
        let status = self.wait(patience);
        status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
    }

    /// Reads what there is, waiting for it until `deadline`. False if nothing came or the other side closed.
    fn read_until(&mut self, deadline: Instant) -> bool {
        if self.ended {
            return false;
        }
        let time = deadline.saturating_duration_since(Instant::now());
        let time = Timespec::try_from(time).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let mut fds = [PollFd::new(&self.terminal, PollFlags::IN)];
        if poll(&mut fds, Some(&time)).unwrap_or(0) == 0 {
            return false;
        }
        let mut buffer = [0; 4096];
        // Linux says EIO when nobody has the other side open any more.
        match self.terminal.read(&mut buffer) {
            Ok(read) if read > 0 => self.output.extend_from_slice(&buffer[..read]),
            _ => self.ended = true,
        }
        !self.ended
    }
}

impl fmt::Debug for Pty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pty")
            .field("pid", &self.child.id())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // The command leads its session, and so its process group.
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
