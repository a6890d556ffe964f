//! A server, and a user with a home of their own who runs the programs.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testing::{KeyKind, Sshd, SshdBuilder};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server and the home of a user who knows its keys and may log in.
pub(crate) struct Host {
    pub(crate) sshd: Sshd,
    pub(crate) home: TempDir,
}

impl Host {
    pub(crate) fn start(test: &str) -> Option<Self> {
        let host = Self::without_key(test, Sshd::builder())?;
        fs::copy(host.sshd.user_key_path(KeyKind::Ed25519), host.home.path().join(".ssh/id_ed25519"))
            .unwrap();
        Some(host)
    }

    /// The user knows the server, but has no key.
    pub(crate) fn without_key(test: &str, builder: SshdBuilder) -> Option<Self> {
        let sshd = builder.start_or_skip(test)?;
        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        fs::write(home.path().join(".ssh/known_hosts"), sshd.known_hosts(&KeyKind::ALL)).unwrap();
        Some(Self { sshd, home })
    }

    /// `user@127.0.0.1:port`.
    pub(crate) fn target(&self) -> String {
        format!("{}@127.0.0.1:{}", self.sshd.user(), self.sshd.port())
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = command(program, self.home.path());
        command.args(arguments);
        command
    }

    /// Runs a program to its end with this on its stdin.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], stdin: &str) -> Output {
        run(self.command(program, arguments), stdin)
    }
}

pub(crate) fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("HOME", home).current_dir(home);
    command
}

/// Runs a command to its end with this on its stdin, and fails if it hangs.
pub(crate) fn run(mut command: Command, stdin: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read all of it closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let deadline = Instant::now() + PATIENCE;
    // What these programs print fits into a pipe.
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("hangs: {:?}", child.wait_with_output());
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A program that runs until it is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
