//! OpenSSH's agent, as a process of one test.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{KeyPair, skip};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A real `ssh-agent`, which has no keys yet.
#[derive(Debug)]
pub struct SshAgent {
    child: Child,
    socket: PathBuf,
    dir: TempDir,
}

impl SshAgent {
    /// One whose questions are all answered by no. `None`, said by the test's name, where there is no `ssh-agent`.
    pub fn start_or_skip(test: &str) -> Option<Self> {
        Self::start_with_askpass(test, "#!/bin/sh\nexit 1\n")
    }

    /// `askpass` is the script that answers when the agent asks a person: yes, if it exits with 0.
    pub fn start_with_askpass(test: &str, askpass: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent");
        Self::start(test, dir, socket, askpass)
    }

    /// The same as [`SshAgent::start_or_skip`], with its socket at another place than its directory.
    pub fn start_at(test: &str, socket: PathBuf) -> Option<Self> {
        Self::start(test, tempfile::tempdir().unwrap(), socket, "#!/bin/sh\nexit 1\n")
    }

    fn start(test: &str, dir: TempDir, socket: PathBuf, askpass: &str) -> Option<Self> {
        let script = dir.path().join("askpass");
        fs::write(&script, askpass).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .env("SSH_ASKPASS", script)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            skip(test, "no ssh-agent found");
            return None;
        };
        let agent = Self { child, socket, dir };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(&agent.socket).is_err() {
            assert!(Instant::now() < deadline, "ssh-agent does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Some(agent)
    }

    /// A directory of its own.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Runs `ssh-add`, and answers with what it prints.
    pub fn ssh_add(&self, arguments: &[&str]) -> String {
        let output = Command::new("ssh-add")
            .args(arguments)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Adds the key in a file, by OpenSSH's tool.
    ///
    /// # Panics
    ///
    /// If the tool has anything to say about it.
    #[track_caller]
    pub fn add_file(&self, path: &Path) {
        assert_eq!(self.ssh_add(&["-q", path.to_str().unwrap()]), "");
    }

    /// Adds a key, as [`SshAgent::add_file`] does.
    #[track_caller]
    pub fn add_pair(&self, pair: &KeyPair) {
        self.add_file(&pair.write(&self.dir().join("key")));
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
