//! Processes, whichever the driver: how they are started, on a terminal or on pipes, signalled, and how their end is told.
//!
//! A driver passes bytes between a channel and the [`Io`] of a [`Process`], and waits for its end; all else is here.

mod inheritance;
mod members;
mod signal;
mod terminal;

pub use signal::{signal_name, signal_named};
pub use terminal::Terminal;

use crate::request::{Pty, SessionRequest};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use ssh_connection::{Exit, request::ExitSignal};
use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A process that was started for a client, and leads a process group of its own.
#[derive(Debug)]
pub struct Process {
    /// The process. It is to be waited for by [`Process::wait`], or by [`Group::ended`] and whatever reaps it.
    pub child: Child,
    /// Its process group.
    pub group: Group,
    /// Its standard streams, as this process has them.
    pub io: Io,
}

/// The other ends of a process's standard streams.
#[derive(Debug)]
pub enum Io {
    /// Its controlling terminal, for all three.
    Terminal(Terminal),
    /// A pipe for each.
    Pipes {
        /// Its standard input, to be written to.
        stdin: OwnedFd,
        /// Its standard output, to be read.
        stdout: OwnedFd,
        /// Its standard error, to be read.
        stderr: OwnedFd,
    },
}

impl Process {
    /// Starts `command`, on a terminal if there is one. It inherits no other terminal that is opened by this meanwhile; what
    /// is started otherwise may, on whichever thread.
    ///
    /// # Errors
    /// The command can't be started, or the machine has no terminal to give.
    pub fn start(mut command: Command, terminal: Option<&Pty>) -> io::Result<Self> {
        let Some(pty) = terminal else {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
            let mut child = spawn(|| command.spawn())?;
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
                return Err(io::Error::other("no pipes to a new process"));
            };
            let io = Io::Pipes { stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into() };
            return Ok(Self { group: Group::of(&child), child, io });
        };
        let (terminal, other) = Terminal::open(pty)?;
        command.env("TERM", std::ffi::OsStr::new(&*String::from_utf8_lossy(&pty.term)));
        command.env("SSH_TTY", terminal.name());
        let command = pty_process::blocking::Command::from(command);
        let child = spawn(|| command.spawn(other)).map_err(io::Error::other)?;
        Ok(Self { group: Group::of(&child), child, io: Io::Terminal(terminal) })
    }

    /// Waits for the process to end. Its group is forgotten before the number can be another's.
    ///
    /// # Errors
    /// Somebody else has waited for it.
    pub fn wait(child: &mut Child, group: &Group) -> io::Result<ExitStatus> {
        group.ended()?;
        group.forget();
        child.wait()
    }
}

/// Starts a program, which is to inherit nothing that is just being opened.
fn spawn<T>(start: impl FnOnce() -> T) -> T {
    let _started = inheritance::starting();
    start()
}

/// The process group of a process, until it is reaped: from then on the number may be another's.
#[derive(Debug, Clone)]
pub struct Group(Arc<Mutex<Option<Pid>>>);

impl Group {
    /// The group that this process leads.
    fn of(child: &Child) -> Self {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Self(Arc::new(Mutex::new(pid)))
    }

    /// Sends a signal to all of the group; whether there still is one.
    pub fn signal(&self, signal: Signal) -> bool {
        let pid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pid) = *pid else { return false };
        match kill_process_group(pid, signal) {
            Ok(()) => true,
            Err(error) => {
                log::debug!("signal to a process group: {error}");
                false
            }
        }
    }

    /// Tells all of the group that its client is gone. Has no effect once the group is forgotten.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
        // One that is stopped must go on to hear it.
        self.signal(Signal::CONT);
    }

    /// Gives a group that was told to hang up time to end, and kills what is left of it then. Nobody may reap the leader
    /// meanwhile: by that, the number stays the group's.
    pub(crate) fn finish(&self, patience: Duration) {
        let begin = Instant::now();
        for pause in pauses() {
            let left = patience.saturating_sub(begin.elapsed());
            if left.is_zero() || self.is_over() {
                break;
            }
            thread::sleep(pause.min(left));
        }
        self.signal(Signal::KILL);
    }

    /// Whether the leader has ended, and all others of the group as far as the system tells.
    pub(crate) fn is_over(&self) -> bool {
        let Some(pid) = self.pid() else { return true };
        match self.has_ended() {
            Ok(has_ended) => has_ended && !members::has_others(pid),
            Err(error) => {
                // It was reaped by somebody else: the number may be another's already.
                log::debug!("process {}: {error}", pid.as_raw_nonzero());
                self.forget();
                true
            }
        }
    }

    /// Does what a client asks for while its program runs on `terminal`, or without one; whether it could be done.
    pub(crate) fn answer(
        &self,
        request: &SessionRequest,
        terminal: Option<&Terminal>,
        may_signal: bool,
    ) -> bool {
        match (request, terminal) {
            (SessionRequest::Signal(name), _) if may_signal => {
                signal_named(name).is_some_and(|signal| self.signal(signal))
            }
            (SessionRequest::WindowChange(size), Some(terminal)) => terminal.resize(*size).is_ok(),
            (SessionRequest::Break(_), Some(terminal)) => terminal.send_break().is_ok(),
            _ => false,
        }
    }

    /// Waits for the leader to end, and leaves it to be reaped.
    ///
    /// # Errors
    /// Somebody else has waited for it.
    pub fn ended(&self) -> io::Result<()> {
        self.look(WaitIdOptions::empty()).map(drop)
    }

    /// Whether the leader has ended, and is to be reaped.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        self.look(WaitIdOptions::NOHANG)
    }

    fn look(&self, options: WaitIdOptions) -> io::Result<bool> {
        // Not under the lock: signals are sent meanwhile.
        let Some(pid) = self.pid() else { return Ok(true) };
        let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        Ok(rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options))?.is_some())
    }

    fn pid(&self) -> Option<Pid> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No signal is sent from now on: the leader is about to be reaped.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Between looks at whether a group has ended. Most have at once.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    let longest = Duration::from_millis(100);
    std::iter::successors(Some(Duration::from_millis(5)), move |&pause| Some((pause * 2).min(longest)))
}

/// How a process has ended, as a client is told. A signal without a name in RFC 4254 §6.10 becomes a status, as in a shell.
pub fn exit(status: ExitStatus) -> Exit {
    let signal = status.signal();
    match (status.code(), signal.and_then(signal_name)) {
        (Some(code), _) => Exit::Status(code.cast_unsigned()),
        (None, Some(name)) => {
            let mut signal = ExitSignal::default();
            (signal.name, signal.core_dumped) = (name.to_owned(), status.core_dumped());
            Exit::Signal(signal)
        }
        (None, None) => Exit::Status(128 + signal.unwrap_or_default().cast_unsigned()),
    }
}
