//! A command on a channel of its own, in the manner of [`tokio::process`](https://docs.rs/tokio).

use super::{Channel, ReadHalf, Session, Terminal, WriteHalf};
use crate::{
    Error, Output,
    command::{self, Start},
};
use ssh_connection::Exit;
use ssh_session::tokio::Source;
use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::io::AsyncWrite;

/// A command to run. Made by [`Session::command`].
#[derive(Clone)]
pub struct Command {
    session: Session,
    start: Start,
    stdin: Vec<u8>,
}

impl Command {
    pub(super) fn new(session: Session, command: Vec<u8>) -> Self {
        Self { session, start: Start::new(command), stdin: Vec::new() }
    }

    /// Sets an environment variable, if the server lets it be set.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.start.env.push((name.into(), value.into()));
        self
    }

    /// What [`Command::output`] and [`Command::status`] write to the command's standard input; nothing by default.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs the command on a pseudo-terminal.
    #[must_use]
    pub fn terminal(mut self, terminal: Terminal) -> Self {
        self.start.terminal = Some(terminal);
        self
    }

    /// Starts the command, its streams as pipes. All requests leave behind each other, so this takes two round trips:
    /// the channel's, and theirs.
    ///
    /// Dropping the future closes the channel, as dropping the [`Child`] does.
    pub async fn spawn(&self) -> Result<Child, Error> {
        let channel = self.session.open_session().await?;
        let requests = self.start.requests();
        command::check(&requests, &channel.request_all(&requests).await?)?;
        let (stdout, stdin) = channel.clone().into_split();
        let stderr = channel.stderr();
        Ok(Child { stdin: Some(ChildStdin(stdin)), stdout: Some(stdout), stderr: Some(stderr), channel })
    }

    /// Runs the command to its end and collects what it writes, both streams at once.
    ///
    /// Dropping the future closes the channel, as dropping a [`Child`] does.
    pub async fn output(&self) -> Result<Output, Error> {
        self.run(true).await
    }

    /// Runs the command to its end; what it writes is dropped. Dropped itself, it does as [`Command::output`] does.
    pub async fn status(&self) -> Result<Option<Exit>, Error> {
        Ok(self.run(false).await?.exit)
    }

    async fn run(&self, keep: bool) -> Result<Output, Error> {
        let mut child = self.spawn().await?;
        let stdin = child.stdin.take();
        let mut feed = pin!(feed(stdin, &self.stdin));
        let mut collect = pin!(collect(&child.channel, keep));
        let mut is_fed = false;
        poll_fn(|cx| {
            if !is_fed && let Poll::Ready(fed) = feed.as_mut().poll(cx) {
                is_fed = true;
                if let Err(error) = fed {
                    // A command that ends without reading all is no fault.
                    log::debug!("stdin: {error}");
                }
            }
            collect.as_mut().poll(cx)
        })
        .await
    }
}

impl fmt::Debug for Command {
    /// Without what it reads, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("start", &self.start).finish_non_exhaustive()
    }
}

/// Writes all of it, and says that it was all.
async fn feed(stdin: Option<ChildStdin>, bytes: &[u8]) -> io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut written = 0;
    while written < bytes.len() {
        written += poll_fn(|cx| Pin::new(&mut stdin).poll_write(cx, &bytes[written..])).await?;
    }
    Ok(())
}

async fn collect(channel: &Channel, keep: bool) -> Result<Output, Error> {
    let mut output = Output::new();
    while let Some((source, data)) = channel.recv_any().await? {
        match source {
            _ if !keep => {}
            Source::Stdout => output.stdout.extend_from_slice(&data),
            Source::Stderr => output.stderr.extend_from_slice(&data),
        }
    }
    output.exit = channel.wait().await?;
    Ok(output)
}

/// A command that runs. Dropping it, and what was taken out of it, closes the channel. What becomes of the command then is up to
/// the server: OpenSSH's hangs up one on a [terminal](Command::terminal), and lets others run until they read the end of their
/// input or write where nobody reads; ours hangs up both.
#[derive(Debug)]
pub struct Child {
    /// Its standard input; dropping or shutting it down tells the command that no more will come.
    pub stdin: Option<ChildStdin>,
    /// Its standard output.
    pub stdout: Option<ReadHalf>,
    /// Its standard error.
    pub stderr: Option<ReadHalf>,
    channel: Channel,
}

impl Child {
    /// The channel it runs on: for signals, and for the size of its terminal.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Closes its standard input and waits until it has ended. `None` if the server did not say how. What it writes has
    /// to be read meanwhile, or it may wait for ever. Cancel safe.
    pub async fn wait(&mut self) -> Result<Option<Exit>, Error> {
        drop(self.stdin.take());
        self.channel.wait().await
    }

    /// How it has ended, if it has: as [`Child::wait`] would answer at once. Its standard input stays open.
    #[allow(clippy::option_option, reason = "an end without a word of how is one, too")]
    pub fn try_wait(&mut self) -> Result<Option<Option<Exit>>, Error> {
        match pin!(self.channel.wait()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(exit) => exit.map(Some),
            Poll::Pending => Ok(None),
        }
    }

    /// Sends it the signal `KILL`, without waiting for its end. Not every server takes signals; none tells whether it did.
    pub fn start_kill(&mut self) -> Result<(), Error> {
        self.channel.signal("KILL")
    }

    /// The same, and waits as [`Child::wait`] does. Cancel safe.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.start_kill()?;
        self.wait().await.map(drop)
    }

    /// Closes its standard input, and collects what it writes until it has ended: of both streams, whether they were
    /// taken or not. Dropping the future loses what was collected.
    pub async fn wait_with_output(mut self) -> Result<Output, Error> {
        drop(self.stdin.take());
        collect(&self.channel, true).await
    }
}

/// The standard input of a [`Child`]; dropping it tells the command that no more will come.
#[derive(Debug)]
pub struct ChildStdin(WriteHalf);

impl AsyncWrite for ChildStdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Drop for ChildStdin {
    fn drop(&mut self) {
        // An error means that the session is over, and the command knows.
        let _ = self.0.shutdown_write();
    }
}
