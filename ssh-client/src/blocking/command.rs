//! A command on a channel of its own, in the manner of [`std::process::Command`].

use super::{Channel, Session, Terminal};
use crate::{Error, ErrorKind};
use ssh_connection::Exit;
use ssh_session::blocking::Source;
use ssh_wire::{
    Encode,
    message::connection::{Env, Exec, PtyReq},
};
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
    command: Vec<u8>,
    env: Vec<(String, String)>,
    stdin: Vec<u8>,
    terminal: Option<Terminal>,
    timeout: Option<Duration>,
}

/// What a command wrote, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended; `None` if the server did not say.
    pub exit: Option<Exit>,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.exit == Some(Exit::Status(0))
    }
}

impl Command {
    pub(super) fn new(session: Session, command: Vec<u8>) -> Self {
        Self { session, command, env: Vec::new(), stdin: Vec::new(), terminal: None, timeout: None }
    }

    /// Sets an environment variable, if the server lets it be set.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
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
        self.terminal = Some(terminal);
        self
    }

    /// How long [`Command::output`] and [`Command::status`] wait for the next sign of the command.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Starts the command. All requests leave behind each other, so this takes two round trips: the channel's, and
    /// theirs.
    pub fn spawn(&self) -> Result<Channel, Error> {
        let channel = self.session.open_session()?;
        let mut requests = Vec::new();
        if let Some(terminal) = &self.terminal {
            let modes = terminal.modes.to_bytes();
            let request = PtyReq { term: terminal.term.as_bytes(), size: terminal.size, modes: &modes };
            requests.push(("pty-req", encoded(&request)));
        }
        for (name, value) in &self.env {
            requests.push(("env", encoded(&Env { name: name.as_bytes(), value: value.as_bytes() })));
        }
        requests.push(("exec", encoded(&Exec { command: &self.command })));
        let answers = channel.request_all(&requests)?;
        for ((name, _), success) in requests.iter().zip(answers) {
            // A variable that the server does not take is no reason to give up; a terminal or the command itself is.
            match (success, *name) {
                (true, _) => {}
                (false, "env") => log::info!("server refused to set an environment variable"),
                (false, name) => {
                    let message = format!("server refused the request {name:?}");
                    return Err(Error::new(ErrorKind::RequestRefused, message));
                }
            }
        }
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
        let mut output = Output { exit: None, stdout: Vec::new(), stderr: Vec::new() };
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

fn encoded(value: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

impl fmt::Debug for Command {
    /// Without what it reads and the values of its environment, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command")
            .field("command", &String::from_utf8_lossy(&self.command))
            .field("env", &names)
            .field("terminal", &self.terminal)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
