//! A process, joined to a channel.

use super::{
    Channel, Start,
    descriptor::{from_descriptor, to_descriptor},
    together::{beside, both, first},
    unblock::unblock,
};
use crate::{
    process::{Group, Io, Process, Terminal, exit, pauses},
    request::SessionRequest,
};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::Signal,
};
use std::{
    future::pending,
    io,
    os::fd::AsFd,
    process::{Child, ExitStatus},
    thread,
};
use tokio::{
    net::unix::pipe::{Receiver, Sender},
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

/// Joins a process to the channel of `start`, until both are through; how the process has ended is told behind all of
/// its output. Of a client that goes away before, or closes the channel, the whole process group hangs up. Dropping the
/// future kills the process group.
///
/// # Errors
/// The client went away, or the operating system fails.
pub async fn run(process: Process, start: Start) -> io::Result<()> {
    let Process { child, group, io } = process;
    let leader = Leader { child: Some(child), group };
    let hang_up = start.limits.hang_up;
    // Before the client is told, for this may fail.
    let Ends { stdin, stdout, stderr, terminal } = Ends::of(io)?;
    leader.group.has_ended()?;
    let may_signal = start.may_signal();
    let channel = start.accept();

    let is_gone = {
        let ended = async || leader.ended().await.unwrap_or_else(|error| log::debug!("program: {error}"));
        let (_, writer) = channel.clone().into_split();
        let errors = async {
            if let Some(stderr) = stderr {
                taken(from_descriptor(stderr, channel.stderr_writer(), pending)).await;
            }
        };
        let is_terminal = terminal.is_some();
        let output = from_descriptor(stdout, writer, async || match is_terminal {
            // Who has a terminal still, and has not begun it, is not waited for.
            true => ended().await,
            false => pending().await,
        });
        let work = async {
            both(taken(output), errors).await;
            ended().await;
            false
        };
        let gone = async {
            answer(&channel, &leader.group, terminal.as_ref(), may_signal).await;
            true
        };
        beside(first(work, gone), to_descriptor(&channel, stdin)).await
    };
    // The last handles of a terminal go, and it hangs up for all that run there.
    drop(terminal);
    if is_gone {
        leader.group.hang_up();
        // Past this, whoever is left is killed. The leader is not reaped before: by that, the number stays the group's.
        let _ = timeout(hang_up, leader.all_ended()).await;
        leader.group.signal(Signal::KILL);
        leader.ended().await?;
    }
    let exit = exit(leader.reap()?);
    // Before the end of the file: Dropbear's client closes the channel at that, and hears nothing any more.
    channel.send_exit(&exit)?;
    Ok(channel.shutdown_write()?)
}

/// Waits until the client has taken all output. One that takes no more is gone, and how it went is heard elsewhere.
async fn taken(output: impl Future<Output = bool>) {
    if !output.await {
        pending::<()>().await;
    }
}

/// This process's ends of another one's standard streams.
struct Ends {
    stdin: Sender,
    stdout: Receiver,
    stderr: Option<Receiver>,
    terminal: Option<Terminal>,
}

impl Ends {
    fn of(io: Io) -> io::Result<Self> {
        Ok(match io {
            Io::Pipes { stdin, stdout, stderr } => Self {
                stdin: Sender::from_owned_fd(stdin)?,
                stdout: Receiver::from_owned_fd(stdout)?,
                stderr: Some(Receiver::from_owned_fd(stderr)?),
                terminal: None,
            },
            Io::Terminal(terminal) => {
                let end = terminal.as_fd();
                fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?;
                // Read, written and waited for like pipes, which is all that these types do.
                Self {
                    stdin: Sender::from_owned_fd_unchecked(end.try_clone_to_owned()?)?,
                    stdout: Receiver::from_owned_fd_unchecked(end.try_clone_to_owned()?)?,
                    stderr: None,
                    terminal: Some(terminal),
                }
            }
        })
    }
}

/// Answers what the client asks for while the program runs, until it is done with the channel, or gone.
async fn answer(channel: &Channel, group: &Group, terminal: Option<&Terminal>, may_signal: bool) {
    while let Ok(Some(request)) = channel.next_request().await {
        let success = group.answer(&SessionRequest::read(&request), terminal, may_signal);
        request.reply(success);
    }
}

/// The leader of a process group, which is killed with it if it was not reaped.
struct Leader {
    child: Option<Child>,
    group: Group,
}

impl Leader {
    /// Waits for the process to end, and leaves it to be reaped. Cancel safe.
    async fn ended(&self) -> io::Result<()> {
        // Before it is asked, so that no end is missed.
        let mut ends = signal(SignalKind::child())?;
        while !self.group.has_ended()? {
            ends.recv().await;
        }
        Ok(())
    }

    /// Waits for all of its group to end, as far as the system tells, and leaves it to be reaped.
    async fn all_ended(&self) {
        self.ended().await.unwrap_or_else(|error| log::debug!("program: {error}"));
        for pause in pauses() {
            let group = self.group.clone();
            // Without the runtime there is nobody to wait.
            if unblock(move || group.is_over()).await.unwrap_or(true) {
                return;
            }
            sleep(pause).await;
        }
    }

    fn reap(mut self) -> io::Result<ExitStatus> {
        let mut child = self.child.take().ok_or(io::ErrorKind::NotFound)?;
        Process::wait(&mut child, &self.group)
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        self.group.signal(Signal::KILL);
        let group = self.group.clone();
        // Dropped early: nobody waits for it here, and somebody must reap it.
        let reaper = thread::Builder::new().name("ssh-reaper".to_owned());
        if let Err(error) = reaper.spawn(move || Process::wait(&mut child, &group)) {
            log::warn!("a killed program is not reaped: {error}");
        }
    }
}
