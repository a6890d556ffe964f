//! What a client asks for on a session channel, whichever the driver.

use crate::Login;
use ssh_connection::request::TerminalModes;
use ssh_session::{ChannelRequest, Terminal};
use ssh_wire::{
    DecodeError, Rest,
    message::connection::{Break, Env, Exec, PtyReq, Signal, Subsystem, TerminalSize, X11Req},
};
use std::time::Duration;

/// What a client asks for on a session channel (RFC 4254 §6). Texts and names are the client's, and may hold anything.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionRequest {
    /// A terminal for the program to come.
    Pty(Pty),
    /// A variable for the program to come.
    Env {
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// A command, in the words of a shell.
    Exec(Vec<u8>),
    /// The user's shell.
    Shell,
    /// A subsystem: `sftp`.
    Subsystem(Vec<u8>),
    /// The terminal has another size.
    WindowChange(TerminalSize),
    /// A signal for the program: `TERM`.
    Signal(Vec<u8>),
    /// A BREAK on the line, of this length (RFC 4335).
    Break(Duration),
    /// Channels to the client's agent shall be opened for the program.
    AgentForwarding,
    /// Channels to the client's display shall be opened for the program.
    X11Forwarding,
    /// Anything else, or something that can't be read.
    Other,
}

/// The terminal that a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Pty {
    /// The TERM environment variable.
    pub term: Vec<u8>,
    /// Its size.
    pub size: TerminalSize,
    /// How it treats input and output.
    pub modes: TerminalModes,
}

impl From<Terminal> for Pty {
    fn from(Terminal { term, size, modes }: Terminal) -> Self {
        Self { term: term.into_bytes(), size, modes }
    }
}

impl SessionRequest {
    /// Reads a request of a channel.
    pub fn read(request: &ChannelRequest) -> Self {
        Self::parse(request.name(), request.data()).unwrap_or(Self::Other)
    }

    fn parse(name: &[u8], data: &[u8]) -> Result<Self, DecodeError> {
        let data = Rest(data);
        Ok(match name {
            b"pty-req" => {
                let PtyReq { term, size, modes } = data.parse()?;
                Self::Pty(Pty { term: term.to_vec(), size, modes: TerminalModes::parse(modes) })
            }
            b"env" => {
                let Env { name, value } = data.parse()?;
                Self::Env { name: name.to_vec(), value: value.to_vec() }
            }
            b"exec" => Self::Exec(data.parse::<Exec<'_>>()?.command.to_vec()),
            b"shell" => Self::Shell,
            b"subsystem" => Self::Subsystem(data.parse::<Subsystem<'_>>()?.name.to_vec()),
            b"window-change" => Self::WindowChange(data.parse()?),
            b"signal" => Self::Signal(data.parse::<Signal<'_>>()?.name.to_vec()),
            b"break" => Self::Break(Duration::from_millis(data.parse::<Break>()?.length.into())),
            b"auth-agent-req@openssh.com" => Self::AgentForwarding,
            b"x11-req" => data.parse::<X11Req<'_>>().map(|_| Self::X11Forwarding)?,
            _ => Self::Other,
        })
    }
}

/// What is to be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// A command, in the words of a shell.
    Command(Vec<u8>),
    /// The user's shell.
    Shell,
    /// A subsystem: `sftp`.
    Subsystem(Vec<u8>),
}

/// What a client has asked for until a program starts: the terminal, and variables.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Preparation {
    /// The terminal, if one is wanted.
    pub pty: Option<Pty>,
    /// Variables, in order; of those with the same name the last counts.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether connections to the client's agent may be opened.
    pub agent: bool,
    /// What the client wanted to run, where the credential forces another command.
    pub original: Option<Vec<u8>>,
}

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// It is answered by this, and the next one is awaited.
    Reply(bool),
    /// It starts this, if the handler takes it.
    Start(Program),
}

/// Variables that one client may set, and the bytes of all together.
const MAX_VARIABLES: usize = 128;
const MAX_BYTES: usize = 64 * 1024;

impl Preparation {
    /// Takes the next request before a program runs. What the user is not permitted is refused; of the rest, `accepts`
    /// decides what has to be decided before a program starts.
    pub fn take(
        &mut self,
        login: &Login,
        request: SessionRequest,
        accepts: impl FnOnce(&SessionRequest) -> bool,
    ) -> Step {
        let permissions = &login.permissions;
        let possible = match &request {
            SessionRequest::Exec(command) => return self.start(login, Program::Command(command.clone())),
            SessionRequest::Shell => return self.start(login, Program::Shell),
            SessionRequest::Subsystem(name) => return self.start(login, Program::Subsystem(name.clone())),
            SessionRequest::Pty(pty) => permissions.pty && self.pty.is_none() && !pty.term.contains(&0),
            SessionRequest::Env { name, value } => self.has_room(name, value),
            SessionRequest::AgentForwarding => permissions.agent,
            SessionRequest::WindowChange(_) => self.pty.is_some(),
            _ => false,
        };
        if !possible {
            return Step::Reply(false);
        }
        let accepted = matches!(request, SessionRequest::WindowChange(_)) || accepts(&request);
        match request {
            _ if !accepted => {}
            SessionRequest::Pty(pty) => self.pty = Some(pty),
            SessionRequest::Env { name, value } => self.env.push((name, value)),
            SessionRequest::AgentForwarding => self.agent = true,
            SessionRequest::WindowChange(size) => {
                if let Some(pty) = &mut self.pty {
                    pty.size = size;
                }
            }
            _ => {}
        }
        Step::Reply(accepted)
    }

    fn start(&mut self, login: &Login, program: Program) -> Step {
        let Some(forced) = &login.permissions.command else { return Step::Start(program) };
        self.original = match program {
            Program::Command(command) => Some(command),
            Program::Subsystem(name) => Some(name),
            Program::Shell => None,
        };
        Step::Start(Program::Command(forced.clone()))
    }

    fn has_room(&self, name: &[u8], value: &[u8]) -> bool {
        let bytes: usize = self.env.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.env.len() < MAX_VARIABLES
            && bytes + name.len() + value.len() <= MAX_BYTES
            && !name.is_empty()
            && !name.iter().any(|byte| matches!(byte, 0 | b'='))
            && !value.contains(&0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Permissions;
    use ssh_wire::Encode;

    fn login(permissions: Permissions) -> Login {
        Login { user: "alice".to_owned(), client: None, server: None, permissions }
    }

    fn env(name: &str, value: &str) -> SessionRequest {
        SessionRequest::Env { name: name.into(), value: value.into() }
    }

    fn pty() -> Pty {
        let size = TerminalSize { columns: 80, rows: 24, width: 0, height: 0 };
        Pty { term: b"xterm".to_vec(), size, modes: TerminalModes::default() }
    }

    #[test]
    fn requests_are_read() {
        let mut data = Vec::new();
        Exec { command: b"ls" }.encode(&mut data);
        assert_eq!(SessionRequest::parse(b"exec", &data), Ok(SessionRequest::Exec(b"ls".to_vec())));
        for end in 0..data.len() {
            assert!(SessionRequest::parse(b"exec", &data[..end]).is_err());
        }
        assert!(SessionRequest::parse(b"pty-req", b"").is_err());
        assert_eq!(SessionRequest::parse(b"exe", &data), Ok(SessionRequest::Other));
    }

    #[test]
    fn what_is_not_permitted_is_not_asked() {
        let mut preparation = Preparation::default();
        let asked = |_: &SessionRequest| panic!("asked");
        let restricted = login(Permissions::restricted());
        for request in [
            SessionRequest::Pty(pty()),
            SessionRequest::AgentForwarding,
            SessionRequest::X11Forwarding,
            SessionRequest::Other,
        ] {
            assert_eq!(preparation.take(&restricted, request, asked), Step::Reply(false));
        }
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            assert_eq!(preparation.take(&restricted, env(name, value), asked), Step::Reply(false));
        }
        assert_eq!(preparation, Preparation::default());
    }

    #[test]
    fn variables_are_bounded() {
        let all = login(Permissions::all());
        let mut many = Preparation::default();
        for _ in 0..MAX_VARIABLES {
            assert_eq!(many.take(&all, env("A", "b"), |_| true), Step::Reply(true));
        }
        assert_eq!(many.take(&all, env("A", "b"), |_| true), Step::Reply(false));
        let mut large = Preparation::default();
        assert_eq!(large.take(&all, env("A", &"b".repeat(MAX_BYTES)), |_| true), Step::Reply(false));
        assert_eq!(large.take(&all, env("A", &"b".repeat(MAX_BYTES - 1)), |_| true), Step::Reply(true));
        assert_eq!(large.take(&all, env("A", ""), |_| true), Step::Reply(false));
    }

    #[test]
    fn a_forced_command_takes_the_place_of_any() {
        let forced = login(Permissions::all().command("forced"));
        for (request, original) in [
            (SessionRequest::Exec(b"rm".to_vec()), Some(b"rm".to_vec())),
            (SessionRequest::Subsystem(b"sftp".to_vec()), Some(b"sftp".to_vec())),
            (SessionRequest::Shell, None),
        ] {
            let mut preparation = Preparation::default();
            let step = preparation.take(&forced, request, |_| true);
            assert_eq!(step, Step::Start(Program::Command(b"forced".to_vec())));
            assert_eq!(preparation.original, original);
        }
    }
}
