//! A command on a channel of its own, in the manner of [`std::process::Command`].

use super::{Channel, Session, Terminal};
use crate::{
    Error, ErrorKind, Output,
    command::{self, Start},
};
use ssh_connection::Exit;
use ssh_session::blocking::Source;
use std::{
    fmt,
    io::{self, Write},
    thread,
    time::Duration,
};

/// A command to run. Made by [`Session::command`].
#[derive(Clone)]
pub struct Command {
    session: Session,
    start: Start,
    stdin: Vec<u8>,
    timeout: Option<Duration>,
}

impl Command {
    pub(super) fn new(session: Session, command: Vec<u8>) -> Self {
        Self { session, start: Start::new(command), stdin: Vec::new(), timeout: None }
    }

    /// Sets an environment variable, if the server lets it be set.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.start.env.push((name.into(), value.into()));
        self
    }

    /// What [`Command::output`] writes to the command's standard input; nothing by default.
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

    /// How long [`Command::output`] and [`Command::status`] wait for the next sign of the command. When that is over the channel is
    /// closed, and OpenSSH's server lets a command that has no [terminal](Command::terminal) run on.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Starts the command. All requests leave behind each other, so this takes two round trips: the channel's, and
    /// theirs.
    pub fn spawn(&self) -> Result<Channel, Error> {
        let channel = self.session.open_session()?;
        let requests = self.start.requests();
        command::check(&requests, &channel.request_all(&requests)?)?;
        Ok(channel)
    }

    /// Runs the command to its end and collects what it writes, both streams at once.
    pub fn output(&self) -> Result<Output, Error> {
        self.run(true)
    }

    /// Runs the command to its end; what it writes is dropped.
    pub fn status(&self) -> Result<Option<Exit>, Error> {
        Ok(self.run(false)?.exit)
    }

    fn run(&self, keep: bool) -> Result<Output, Error> {
        let channel = self.spawn()?;
        channel.set_read_timeout(self.timeout);
        thread::scope(|scope| {
            if self.stdin.is_empty() {
                channel.shutdown_write()?;
            } else {
                let feeder = thread::Builder::new().name("ssh-stdin".to_owned());
                let feed = || {
                    if let Err(error) = self.feed(&channel) {
                        // A command that ends without reading all is no fault.
                        log::debug!("stdin: {error}");
                    }
                };
                feeder.spawn_scoped(scope, feed).map_err(|error| {
                    Error::with_source(ErrorKind::Io, "no thread for the standard input", error)
                })?;
            }
            let result = self.collect(&channel, keep);
            // Whatever happened, the thread that writes must not wait any longer.
            channel.close();
            result
        })
    }

    fn feed(&self, channel: &Channel) -> io::Result<()> {
        let mut stdin: &Channel = channel;
        stdin.write_all(&self.stdin)?;
        Ok(channel.shutdown_write()?)
    }

    fn collect(&self, channel: &Channel, keep: bool) -> Result<Output, Error> {
        let mut output = Output::new();
        while let Some((source, data)) = channel.recv_any()? {
            match source {
                _ if !keep => {}
                Source::Stdout => output.stdout.extend_from_slice(&data),
                Source::Stderr => output.stderr.extend_from_slice(&data),
            }
        }
        output.exit = channel.wait(self.timeout)?;
        Ok(output)
    }
}

impl fmt::Debug for Command {
    /// Without what it reads, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("start", &self.start)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
