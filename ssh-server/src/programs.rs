//! What programs a client may run on this machine, and how they are started: the ready-made handler of every driver.

use crate::{
    Login,
    process::Process,
    request::{Preparation, Program, SessionRequest},
};
use ssh_auth::pattern::PatternList;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::Path,
    process::Command,
};

/// Runs programs of this machine, as the user that this process runs as, whatever name the client has logged in by:
/// commands by `/bin/sh -c`, and the shell that `SHELL` names as a login shell, on a terminal where one is asked for.
///
/// Each leads a process group of its own, which gets the client's signals. When the client closes the channel or goes
/// away before the program and its output have ended, the group gets SIGHUP, and whoever is left of it SIGKILL once
/// [`Limits::hang_up`](crate::Limits::hang_up) is over: `nohup` keeps nobody there, unlike `setsid`. A program that ends by
/// itself leaves in the background what it likes. Output is passed on to its end before it is told how the program has ended.
///
/// The environment is `HOME`, `LANG`, `LOGNAME`, `PATH`, `SHELL`, `TZ` and `USER` as this process has them, what the client
/// sets of what is accepted, and `SSH_CLIENT`, `SSH_CONNECTION`, `SSH_TTY` and `SSH_ORIGINAL_COMMAND` as OpenSSH has them.
#[derive(Debug, Clone)]
pub struct Programs {
    commands: bool,
    shell: bool,
    terminals: bool,
    subsystems: BTreeMap<String, OsString>,
    env: PatternList,
}

/// Variables that programs inherit.
const INHERITED: [&str; 7] = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER"];

impl Default for Programs {
    fn default() -> Self {
        Self::new()
    }
}

impl Programs {
    /// Commands, a shell and terminals, no subsystems, and the variables `LANG` and `LC_*`.
    pub fn new() -> Self {
        Self {
            commands: true,
            shell: true,
            terminals: true,
            subsystems: BTreeMap::new(),
            env: PatternList::from_commas("LANG,LC_*"),
        }
    }

    /// Whether clients may run commands. A command that a credential forces runs in either case.
    pub fn commands(mut self, commands: bool) -> Self {
        self.commands = commands;
        self
    }

    /// Whether clients may start a shell.
    pub fn shell(mut self, shell: bool) -> Self {
        self.shell = shell;
        self
    }

    /// Whether programs may run on terminals.
    pub fn terminals(mut self, terminals: bool) -> Self {
        self.terminals = terminals;
        self
    }

    /// Runs `command`, by `/bin/sh -c`, for the subsystem of this name: `sftp`.
    pub fn subsystem(mut self, name: impl Into<String>, command: impl Into<OsString>) -> Self {
        self.subsystems.insert(name.into(), command.into());
        self
    }

    /// Accepts variables of these names in place of `LANG` and `LC_*`, with `*` and `?` as in OpenSSH's `AcceptEnv`.
    ///
    /// A variable can change what a program does, or by which code: `LD_PRELOAD`, `BASH_ENV`, `PATH`. Where a user may run a
    /// forced command only, accept no more than that command can bear.
    pub fn accept_env<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        self.env = patterns.into_iter().collect();
        self
    }

    /// Whether the request, which comes before a program starts, is granted.
    pub fn accepts(&self, request: &SessionRequest) -> bool {
        match request {
            SessionRequest::Pty(_) => self.terminals,
            SessionRequest::Env { name, .. } => {
                std::str::from_utf8(name).is_ok_and(|name| self.env.matches(name))
            }
            _ => false,
        }
    }

    /// How the program is started; `None` if it is not to be.
    pub fn command(&self, login: &Login, preparation: &Preparation, program: &Program) -> Option<Command> {
        let by_shell = |words: &OsStr| {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(words);
            command
        };
        let mut command = match program {
            Program::Command(words) if self.commands || login.permissions.command.is_some() => {
                by_shell(OsStr::from_bytes(words))
            }
            Program::Shell if self.shell => login_shell(),
            Program::Subsystem(name) => by_shell(self.subsystems.get(std::str::from_utf8(name).ok()?)?),
            _ => return None,
        };
        command.env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        for (name, value) in &preparation.env {
            command.env(OsStr::from_bytes(name), OsStr::from_bytes(value));
        }
        // Behind the client's, and without what it says of these, so that it can't tell another story.
        for name in ["SSH_CLIENT", "SSH_CONNECTION", "SSH_ORIGINAL_COMMAND", "SSH_TTY"] {
            command.env_remove(name);
        }
        if let Some(client) = login.client {
            let server = login.server.unwrap_or(([0, 0, 0, 0], 0).into());
            let (ip, port) = (client.ip().to_canonical(), client.port());
            let (server_ip, server_port) = (server.ip().to_canonical(), server.port());
            command.env("SSH_CLIENT", format!("{ip} {port} {server_port}"));
            command.env("SSH_CONNECTION", format!("{ip} {port} {server_ip} {server_port}"));
        }
        if let Some(original) = &preparation.original {
            command.env("SSH_ORIGINAL_COMMAND", OsStr::from_bytes(original));
        }
        if let Some(home) = std::env::var_os("HOME").filter(|home| Path::new(home).is_dir()) {
            command.current_dir(home);
        }
        Some(command)
    }

    /// Starts the program.
    ///
    /// # Errors
    /// It is not to be started, or can't be.
    pub fn spawn(&self, login: &Login, preparation: &Preparation, program: &Program) -> io::Result<Process> {
        let command = self.command(login, preparation, program);
        let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "such programs are not run here");
        Process::start(command.ok_or_else(refused)?, preparation.pty.as_ref())
    }
}

/// The shell of `SHELL`, which is told by a dash before its name that it begins a session.
fn login_shell() -> Command {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or("/bin/sh".into());
    let mut name = OsString::from("-");
    name.push(Path::new(&shell).file_name().unwrap_or(&shell));
    let mut command = Command::new(shell);
    command.arg0(name);
    command
}
