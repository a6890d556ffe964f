//! What it takes to run a command on a channel.

use crate::{Error, ErrorKind};
use ssh_connection::Exit;
use ssh_session::Terminal;
use ssh_wire::{
    Encode, Reader,
    message::connection::{Env, Exec},
};
use std::fmt;

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
    pub(crate) fn new() -> Self {
        Self { exit: None, stdout: Vec::new(), stderr: Vec::new() }
    }

    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.exit == Some(Exit::Status(0))
    }
}

/// How a command is to be started.
#[derive(Clone)]
pub(crate) struct Start {
    pub(crate) command: Vec<u8>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) terminal: Option<Terminal>,
}

impl Start {
    pub(crate) fn new(command: Vec<u8>) -> Self {
        Self { command, env: Vec::new(), terminal: None }
    }

    /// The requests to send one behind the other.
    pub(crate) fn requests(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut requests = Vec::new();
        if let Some(terminal) = &self.terminal {
            requests.push(("pty-req", encoded(terminal)));
        }
        for (name, value) in &self.env {
            requests.push(("env", encoded(&Env { name: name.as_bytes(), value: value.as_bytes() })));
        }
        requests.push(("exec", encoded(&Exec { command: &self.command })));
        requests
    }
}

impl fmt::Debug for Start {
    /// Without the values of the environment, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Start")
            .field("command", &String::from_utf8_lossy(&self.command))
            .field("env", &names)
            .field("terminal", &self.terminal)
            .finish()
    }
}

/// Whether the command runs, by the answers to the requests.
pub(crate) fn check(requests: &[(&'static str, Vec<u8>)], answers: &[bool]) -> Result<(), Error> {
    for ((name, data), success) in requests.iter().zip(answers) {
        // A variable that the server does not take is no reason to give up; a terminal or the command itself is.
        match (success, *name) {
            (true, _) => {}
            (false, "env") => {
                let variable = Reader::new(data).string().unwrap_or_default();
                log::info!("server refused to set the variable {}", variable.escape_ascii());
            }
            (false, name) => {
                let message = format!("server refused the request {name:?}");
                return Err(Error::new(ErrorKind::RequestRefused, message));
            }
        }
    }
    Ok(())
}

fn encoded(value: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}
