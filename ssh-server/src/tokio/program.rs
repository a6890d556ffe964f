//! A process, joined to a channel.

use super::{
    Channel, Start,
    descriptor::{from_descriptor, to_descriptor},
    together::{beside, both, first},
};
use crate::{
    process::{Group, Io, Process, Terminal, exit},
    request::SessionRequest,
};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, Signal, WaitId, WaitIdOptions, waitid},
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
    time::timeout,
};

/// Joins a process to the channel of `start`, until both are through; how the process has ended is told behind all of
/// its output. Dropping the future kills the process group.
///
/// # Errors
/// The client went away, or the operating system fails.
pub async fn run(process: Process, start: Start) -> io::Result<()> {
    let Process { child, group, io } = process;
    let leader = Leader { child: Some(child), group };
    let hang_up = start.limits.hang_up;
    // Before the client is told, for this may fail.
    let Ends { stdin, stdout, stderr, terminal } = Ends::of(io)?;
    leader.has_ended()?;
    let channel = start.accept();

    let is_gone = {
        let ended = async || leader.ended().await.unwrap_or_else(|error| log::debug!("program: {error}"));
        let (_, writer) = channel.clone().into_split();
        let errors = async {
            if let Some(stderr) = stderr {
                from_descriptor(stderr, channel.stderr_writer(), pending).await;
            }
        };
        let is_terminal = terminal.is_some();
        let output = from_descriptor(stdout, writer, async || match is_terminal {
            // Who has a terminal still, and has not begun it, is not waited for.
            true => ended().await,
            false => pending().await,
        });
        let work = async {
            both(output, errors).await;
            ended().await;
            false
        };
        let gone = async {
            answer(&channel, &leader.group, terminal.as_ref()).await;
            true
        };
        beside(first(work, gone), to_descriptor(&channel, stdin)).await
    };
    // The last handles of a terminal go, and it hangs up for all that run there.
    drop(terminal);
    if is_gone {
        leader.group.hang_up();
        if timeout(hang_up, leader.ended()).await.is_err() {
            leader.group.signal(Signal::KILL);
            leader.ended().await?;
        }
    }
    let exit = exit(leader.reap()?);
    // Before the end of the file: Dropbear's client closes the channel at that, and hears nothing any more.
    channel.send_exit(&exit)?;
    Ok(channel.shutdown_write()?)
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
async fn answer(channel: &Channel, group: &Group, terminal: Option<&Terminal>) {
    while let Ok(Some(request)) = channel.next_request().await {
        let success = group.answer(&SessionRequest::read(&request), terminal);
        request.reply(success);
    }
}

/// The leader of a process group, which is killed with it if it was not reaped.
struct Leader {
    child: Option<Child>,
    group: Group,
}

impl Leader {
    /// Whether the process has ended, and is to be reaped.
    fn has_ended(&self) -> io::Result<bool> {
        let pid =
            self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options))?.is_some())
    }

    /// Waits for the process to end, and leaves it to be reaped. Cancel safe.
    async fn ended(&self) -> io::Result<()> {
        // Before it is asked, so that no end is missed.
        let mut ends = signal(SignalKind::child())?;
        while !self.has_ended()? {
            ends.recv().await;
        }
        Ok(())
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
