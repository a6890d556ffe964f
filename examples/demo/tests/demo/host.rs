//! A server, and a user with a home of their own who runs the demo.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testing::{KeyKind, Pty, Sshd, SshdBuilder};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The demo with this home, in an environment that says nothing else.
pub(crate) fn demo(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    for name in
        ["SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "WAYLAND_DISPLAY", "SSH_AUTH_SOCK", "LC_ALL"]
    {
        command.env_remove(name);
    }
    command.env("HOME", home).env("TERM", "xterm-256color").current_dir(home);
    command
}

/// Runs a command to its end with this on its stdin, and fails if it hangs.
pub(crate) fn run(mut command: Command, stdin: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let mut input = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // A command that does not read all of it closes the pipe.
        scope.spawn(move || input.write_all(stdin).is_ok());
        let waiting = scope.spawn(move || child.wait_with_output().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while !waiting.is_finished() {
            if Instant::now() > deadline {
                let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                let output = waiting.join().unwrap();
                panic!("hangs: {output:?}");
            }
            thread::sleep(Duration::from_millis(5));
        }
        waiting.join().unwrap()
    })
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An sshd that can't give a terminal's owner and group away needs to find them right.
fn server_has_terminals() -> bool {
    if rustix::process::getuid().is_root() {
        return true;
    }
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let tty = groups.lines().find_map(|line| line.strip_prefix("tty:")?.split(':').nth(1)?.parse().ok());
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap();
    let group = fs::metadata(name.to_str().unwrap()).unwrap().gid();
    tty.is_none_or(|tty: u32| tty == group)
}

/// A server and the home of a user who knows its keys and may log in.
pub(crate) struct Host {
    pub(crate) sshd: Sshd,
    pub(crate) home: TempDir,
}

impl Host {
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::build(test, Sshd::builder())
    }

    /// As `start`, where the server can give a terminal.
    pub(crate) fn with_terminals(test: &str) -> Option<Self> {
        if !server_has_terminals() {
            testing::skip(
                test,
                "terminals here don't belong to the group tty, and only root can change that",
            );
            return None;
        }
        Self::start(test)
    }

    pub(crate) fn build(test: &str, builder: SshdBuilder) -> Option<Self> {
        let sshd = builder.start_or_skip(test)?;
        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        let host = Self { sshd, home };
        host.write(".ssh/known_hosts", &host.sshd.known_hosts(&KeyKind::ALL));
        let key = host.sshd.user_key_path(KeyKind::Ed25519);
        host.write(".ssh/id_ed25519", &fs::read_to_string(key).unwrap());
        let lines = format!("Port {}\nUser {}\nHashKnownHosts no\n", host.sshd.port(), host.sshd.user());
        host.write(".ssh/config", &lines);
        Some(host)
    }

    /// Writes a file in the home, for the user's eyes only.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }

    pub(crate) fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = demo(self.home.path());
        command.args(arguments);
        command
    }

    /// Runs the demo with these arguments and nothing on its stdin.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(self.demo(arguments), b"")
    }

    /// Runs the demo on a terminal of 80 × 24.
    pub(crate) fn pty(&self, arguments: &[&str]) -> Pty {
        Pty::spawn(self.demo(arguments), 80, 24)
    }

    /// Runs a line of the shell on a terminal, in which `demo` is this program.
    pub(crate) fn shell(&self, line: &str) -> Pty {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("demo() {{ \"$DEMO\" \"$@\"; }}; {line}"));
        shell
            .env("DEMO", env!("CARGO_BIN_EXE_demo"))
            .env("HOME", self.home.path())
            .env("TERM", "xterm-256color");
        for name in ["SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "WAYLAND_DISPLAY"] {
            shell.env_remove(name);
        }
        Pty::spawn(shell, 80, 24)
    }
}
