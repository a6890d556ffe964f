//! OpenSSH's agent as a process of a test.

use crate::support::PATIENCE;
use ssh_client::{PrivateKey, PrivateKeyFile, agent::Agent};
use std::{
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use testing::KeyPair;

/// OpenSSH's agent, for one test.
pub(crate) struct SshAgent {
    child: Child,
    dir: tempfile::TempDir,
}

impl SshAgent {
    pub(crate) fn start_or_skip(test: &str) -> Option<Self> {
        Self::start_with_askpass(test, "#!/bin/sh\nexit 1\n")
    }

    /// `askpass` is the script that answers when the agent asks a person: yes, if it exits with 0.
    pub(crate) fn start_with_askpass(test: &str, askpass: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("askpass");
        std::fs::write(&script, askpass).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(dir.path().join("agent"))
            .env("SSH_ASKPASS", script)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            testing::skip(test, "no ssh-agent found");
            return None;
        };
        let agent = Self { child, dir };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(agent.socket()).is_err() {
            assert!(Instant::now() < deadline, "ssh-agent does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Some(agent)
    }

    /// A directory of its own.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    pub(crate) fn connect(&self) -> Agent {
        Agent::connect_to(self.socket()).unwrap()
    }

    /// Runs `ssh-add`, and answers with what it prints.
    pub(crate) fn ssh_add(&self, arguments: &[&str]) -> String {
        let output = Command::new("ssh-add")
            .args(arguments)
            .env("SSH_AUTH_SOCK", self.socket())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Adds a key of OpenSSH's making by OpenSSH's tool.
    pub(crate) fn add_file(&self, path: &Path) {
        let said = self.ssh_add(&["-q", path.to_str().unwrap()]);
        assert_eq!(said, "");
    }

    pub(crate) fn add_pair(&self, pair: &KeyPair) {
        self.add_file(&pair.write(&self.dir.path().join("key")));
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn private(pair: &KeyPair) -> PrivateKey {
    PrivateKeyFile::parse(pair.private()).unwrap().decrypt(None).unwrap()
}
