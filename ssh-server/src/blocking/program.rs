//! A process, joined to a channel.

use super::{
    Channel, Start,
    pass::{self, Bell, Over, Until, from_descriptor, to_descriptor},
};
use crate::{
    process::{Group, Io, Process, Terminal, exit},
    request::SessionRequest,
};
use rustix::process::Signal;
use std::{
    io::{self, Write},
    os::fd::AsFd,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, Scope, ScopedJoinHandle},
    time::Duration,
};

/// Joins a process to the channel of `start`, until both are through; how the process has ended is told behind all of
/// its output. Of a client that goes away before, or closes the channel, the whole process group hangs up.
///
/// # Errors
/// The client went away, or the operating system fails.
pub fn run(process: Process, start: Start) -> io::Result<()> {
    let Process { mut child, group, io } = process;
    let hang_up = start.limits.hang_up;
    // Before the client is told, for this may fail.
    let prepared = Ends::of(io).and_then(|ends| Ok((ends, pass::bell()?, pass::bell()?)));
    let (ends, bell, ended) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            group.signal(Signal::KILL);
            Process::wait(&mut child, &group)?;
            return Err(error);
        }
    };
    let (bell, over) = bell;
    let may_signal = start.may_signal();
    let channel = &start.accept();
    let turn = &Mutex::default();
    let terminal = ends.terminal.clone();
    let watch = Watch { channel, group: &group, hang_up, bell, terminal, may_signal, turn };
    thread::scope(|scope| {
        let passed = pass(scope, ends, watch, ended, &over);
        match passed {
            Ok(true) => {}
            // Before the other thread sees it, perhaps.
            Ok(false) => {
                let _turn = take(turn);
                group.hang_up();
                group.finish(hang_up);
            }
            Err(_) => {
                group.signal(Signal::KILL);
            }
        }
        let reaped = group.ended().and_then(|()| {
            // Behind the hang-up, where there is one.
            let _turn = take(turn);
            Process::wait(&mut child, &group)
        });
        let told = reaped.and_then(|status| {
            // Before the end of the file: Dropbear's client closes the channel at that, and hears nothing any more.
            channel.send_exit(&exit(status))?;
            Ok(channel.shutdown_write()?)
        });
        // Ends the other threads, too.
        channel.close();
        passed.and(told)
    })
}

/// Who has this hangs up the group, or reaps its leader.
fn take(turn: &Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This process's ends of another one's standard streams.
struct Ends {
    stdin: End,
    stdout: End,
    stderr: Option<End>,
    terminal: Option<Terminal>,
}

type End = Box<dyn AsFd + Send + Sync>;

impl Ends {
    /// None of them is waited for when it is read from or written to.
    fn of(io: Io) -> io::Result<Self> {
        let ends = match io {
            Io::Pipes { stdin, stdout, stderr } => Self {
                stdin: Box::new(stdin),
                stdout: Box::new(stdout),
                stderr: Some(Box::new(stderr)),
                terminal: None,
            },
            Io::Terminal(terminal) => Self {
                stdin: Box::new(terminal.clone()),
                stdout: Box::new(terminal.clone()),
                stderr: None,
                terminal: Some(terminal),
            },
        };
        for end in [&ends.stdin, &ends.stdout].into_iter().chain(&ends.stderr) {
            pass::set_nonblocking(end.as_fd())?;
        }
        Ok(ends)
    }
}

/// Starts the threads, and passes output until its end; whether the client has taken it all. An error says that a thread
/// could not be started.
fn pass<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    ends: Ends,
    watch: Watch<'env>,
    (ended_bell, ended): (Bell, Over),
    over: &'env Over,
) -> io::Result<bool> {
    let Ends { stdin, stdout, stderr, terminal } = ends;
    let (channel, group) = (watch.channel, watch.group);
    let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
    spawn("ssh-requests").spawn_scoped(scope, || watch.run())?;
    let whole = Until { over, ended: None };
    spawn("ssh-stdin").spawn_scoped(scope, move || {
        // A program that reads no more is no error. Dropping a pipe is the end of its input.
        let _ = to_descriptor(channel, stdin.as_fd(), whole);
    })?;
    // Who has a terminal still, and has not begun it, is not waited for.
    let last = match terminal.is_some() {
        true => {
            spawn("ssh-ended").spawn_scoped(scope, move || {
                // If it fails there is nobody to wait for.
                let _ = group.ended();
                drop(ended_bell);
            })?;
            Until { over, ended: Some(&ended) }
        }
        false => whole,
    };
    drop(terminal);
    let errors = match stderr {
        Some(stderr) => Some(spawn("ssh-stderr").spawn_scoped(scope, move || {
            from_descriptor(stderr.as_fd(), whole, |bytes| Ok(channel.write_stderr(bytes)?)).is_ok()
        })?),
        None => None,
    };
    // A client that takes no more is told by its own end of the channel; dropping a pipe lets the program know.
    let is_taken = from_descriptor(stdout.as_fd(), last, |bytes| (&*channel).write(bytes)).is_ok();
    drop(stdout);
    // It ends with its stream; a panic there has been told.
    let are_taken = errors.is_none_or(|errors| ScopedJoinHandle::join(errors).unwrap_or(false));
    Ok(is_taken && are_taken)
}

/// What minds the requests of the client, and its going away.
struct Watch<'a> {
    channel: &'a Channel,
    group: &'a Group,
    hang_up: Duration,
    bell: Bell,
    terminal: Option<Terminal>,
    may_signal: bool,
    turn: &'a Mutex<()>,
}

impl Watch<'_> {
    fn run(self) {
        while let Ok(Some(request)) = self.channel.next_request(None) {
            let asked = SessionRequest::read(&request);
            let success = self.group.answer(&asked, self.terminal.as_ref(), self.may_signal);
            request.reply(success);
        }
        // Has no effect where the program has ended by itself, and was reaped: what it has left in the background stays.
        let _turn = take(self.turn);
        self.group.hang_up();
        // The last handles of the terminal go, and it hangs up for all that run there.
        drop((self.bell, self.terminal));
        self.group.finish(self.hang_up);
    }
}
