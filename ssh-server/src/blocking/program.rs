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
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel as flag},
    thread::{self, Scope, ScopedJoinHandle},
    time::Duration,
};

/// Joins a process to the channel of `start`, until both are through; how the process has ended is told behind all of
/// its output.
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
    let channel = &start.accept();
    let (reaped, is_reaped) = flag();
    let watch = Watch { channel, group: &group, hang_up, bell, terminal: ends.terminal.clone(), is_reaped };
    thread::scope(|scope| {
        let passed = pass(scope, ends, watch, ended, &over);
        if passed.is_err() {
            group.signal(Signal::KILL);
        }
        let told = Process::wait(&mut child, &group).and_then(|status| {
            // Before the end of the file: Dropbear's client closes the channel at that, and hears nothing any more.
            channel.send_exit(&exit(status))?;
            Ok(channel.shutdown_write()?)
        });
        drop::<Sender<()>>(reaped);
        // Ends the other threads, too.
        channel.close();
        passed.and(told)
    })
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

/// Starts the threads, and passes output until its end. An error says that a thread could not be started.
fn pass<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    ends: Ends,
    watch: Watch<'env>,
    (ended_bell, ended): (Bell, Over),
    over: &'env Over,
) -> io::Result<()> {
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
            let _ = from_descriptor(stderr.as_fd(), whole, |bytes| Ok(channel.write_stderr(bytes)?));
        })?),
        None => None,
    };
    // A client that takes no more is told by its own end of the channel; dropping a pipe lets the program know.
    let _ = from_descriptor(stdout.as_fd(), last, |bytes| (&*channel).write(bytes));
    drop(stdout);
    // It ends with its stream; a panic there has been told.
    let _ = errors.map(ScopedJoinHandle::join);
    Ok(())
}

/// What minds the requests of the client, and its going away.
struct Watch<'a> {
    channel: &'a Channel,
    group: &'a Group,
    hang_up: Duration,
    bell: Bell,
    terminal: Option<Terminal>,
    is_reaped: Receiver<()>,
}

impl Watch<'_> {
    fn run(self) {
        while let Ok(Some(request)) = self.channel.next_request(None) {
            let success = self.group.answer(&SessionRequest::read(&request), self.terminal.as_ref());
            request.reply(success);
        }
        self.group.hang_up();
        // The last handles of the terminal go, and it hangs up for all that run there.
        drop((self.bell, self.terminal));
        if self.is_reaped.recv_timeout(self.hang_up) == Err(RecvTimeoutError::Timeout) {
            self.group.signal(Signal::KILL);
        }
    }
}
