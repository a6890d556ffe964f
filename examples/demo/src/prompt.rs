//! Asking the user: on the terminal, or by the program that SSH_ASKPASS names.

use crate::{exit::Failure, log::clean, terminal::Silence};
use log::debug;
use ssh_client::Secret;
use std::{
    env,
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

/// Asks the user, unless nobody may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Prompter {
    way: Way,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Terminal,
    Program(OsString),
    Nobody,
}

impl Prompter {
    /// With `batch` nobody is asked, and every question ends as if the user had given up.
    pub(crate) fn new(batch: bool) -> Self {
        let way = if batch { Way::Nobody } else { way(|name| env::var_os(name), terminal().is_ok()) };
        Self { way }
    }

    /// Whether there is somebody to ask.
    pub(crate) fn can_ask(&self) -> bool {
        self.way != Way::Nobody
    }

    /// Asks for something that must not be seen; `None` if the user gives up.
    pub(crate) fn secret(&self, prompt: &str) -> Option<Secret> {
        let answer = match &self.way {
            Way::Terminal => Silence::enter()
                .and_then(|_silence| rpassword::prompt_password(clean(prompt)))
                .map(Secret::from),
            Way::Program(program) => ask_program(program, &clean(prompt)),
            Way::Nobody => return None,
        };
        self.given(answer)
    }

    /// Asks for something that may be seen; `None` if the user gives up.
    pub(crate) fn line(&self, prompt: &str) -> Option<String> {
        let answer = match &self.way {
            Way::Terminal => ask_terminal(&clean(prompt)),
            Way::Program(program) => ask_program(program, &clean(prompt))
                .map(|answer| String::from_utf8_lossy(&answer).into_owned()),
            Way::Nobody => return None,
        };
        self.given(answer)
    }

    /// Asks a question that is answered by yes or no; no answer is no.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        match &self.way {
            // As OpenSSH has it: the program shows buttons, and its status tells which was pressed.
            Way::Program(program) => {
                let mut command = Command::new(program);
                command.env("SSH_ASKPASS_PROMPT", "confirm");
                let answer = self.given(run_program(command, &clean(question)));
                answer.is_some_and(|answer| answer.is_empty() || is_yes(&String::from_utf8_lossy(&answer)))
            }
            _ => self.line(&format!("{question} (yes/no) ")).is_some_and(|answer| is_yes(&answer)),
        }
    }

    fn given<T>(&self, answer: std::io::Result<T>) -> Option<T> {
        answer.inspect_err(|error| debug!("no answer from the user: {error}")).ok()
    }

    /// Asks for something that there must be.
    pub(crate) fn required(&self, prompt: &str) -> Result<String, Failure> {
        self.line(prompt).ok_or_else(|| {
            Failure::new("nobody answers the question for host and user; --loopback needs neither")
        })
    }
}

/// SSH_ASKPASS is used without a terminal, and only where it can show a window; SSH_ASKPASS_REQUIRE changes both.
fn way(variable: impl Fn(&str) -> Option<OsString>, terminal: bool) -> Way {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let display = set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some();
    let required = set("SSH_ASKPASS_REQUIRE").map(|value| value.to_ascii_lowercase());
    let (allowed, preferred) = match required.as_ref().and_then(|value| value.to_str()) {
        Some("force") => (true, true),
        Some("prefer") => (display, display),
        Some("never") => (false, false),
        _ => (display, false),
    };
    match set("SSH_ASKPASS") {
        Some(program) if allowed && (preferred || !terminal) => Way::Program(program),
        _ if terminal && required.as_ref().is_none_or(|value| value != "force") => Way::Terminal,
        _ => Way::Nobody,
    }
}

/// The terminal itself, wherever the standard streams lead.
fn terminal() -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

fn ask_terminal(prompt: &str) -> std::io::Result<String> {
    let mut terminal = terminal()?;
    terminal.write_all(prompt.as_bytes())?;
    let mut line = String::new();
    if BufReader::new(terminal).take(MAX_ANSWER).read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// The first line of what the program writes, if it ends well.
fn ask_program(program: &OsString, prompt: &str) -> std::io::Result<Secret> {
    run_program(Command::new(program), prompt)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn run_program(mut command: Command, prompt: &str) -> std::io::Result<Secret> {
    let mut child = command.arg(prompt).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut answer = Vec::with_capacity(MAX_ANSWER as usize);
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_ANSWER).read_to_end(&mut answer)?;
    }
    let answer = Secret::new(answer);
    if !child.wait()?.success() {
        return Err(std::io::Error::other("the question was cancelled"));
    }
    let end = answer.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(answer.len());
    Ok(Secret::from(&answer[..end]))
}

/// Longer answers are cut.
const MAX_ANSWER: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(variables: &[(&str, &str)], terminal: bool) -> Way {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        way(find, terminal)
    }

    #[test]
    fn who_is_asked() {
        let program = || Way::Program("ask".into());
        let (ask, display) = (("SSH_ASKPASS", "ask"), ("DISPLAY", ":0"));
        assert_eq!(choose(&[], true), Way::Terminal);
        assert_eq!(choose(&[], false), Way::Nobody);
        assert_eq!(choose(&[ask, display], true), Way::Terminal);
        assert_eq!(choose(&[ask, display], false), program());
        assert_eq!(choose(&[ask, ("WAYLAND_DISPLAY", "w")], false), program());
        assert_eq!(choose(&[ask], false), Way::Nobody, "there is no window to ask in");
        assert_eq!(choose(&[ask, display, ("SSH_ASKPASS_REQUIRE", "prefer")], true), program());
        assert_eq!(choose(&[ask, ("SSH_ASKPASS_REQUIRE", "FORCE")], true), program());
        assert_eq!(choose(&[("SSH_ASKPASS_REQUIRE", "force")], true), Way::Nobody);
        assert_eq!(choose(&[ask, display, ("SSH_ASKPASS_REQUIRE", "never")], false), Way::Nobody);
        assert_eq!(choose(&[ask, display, ("SSH_ASKPASS_REQUIRE", "never")], true), Way::Terminal);
    }

    #[test]
    fn a_program_answers_by_its_first_line() {
        let prompter = |program: &str| Prompter { way: Way::Program(program.into()) };
        assert_eq!(prompter("echo").secret("the \x07question"), Some(Secret::from("the \u{fffd}question")));
        assert_eq!(prompter("echo").line("a\nb"), Some("a".into()));
        assert_eq!(prompter("false").secret("question"), None);
        assert!(prompter("true").confirm("sure?") && prompter("echo").confirm("yes"));
        assert!(!prompter("echo").confirm("no") && !prompter("false").confirm("sure?"));
        assert_eq!(prompter("/no/such/program").secret("question"), None);
    }

    #[test]
    fn in_a_batch_nobody_is_asked() {
        let prompter = Prompter::new(true);
        assert!(!prompter.can_ask());
        assert_eq!((prompter.secret("question"), prompter.line("question")), (None, None));
    }
}
