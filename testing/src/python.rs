//! Servers and clients written in Python, each a small script of `testing/servers` over a library.

mod environment;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::keys::{KeyKind, KeyPair};
use crate::newer;
use crate::process::{Process, Progress, StartError};
use crate::server::{Server, temporary, user_key_path, write_host_keys, write_user_keys};

/// The library that speaks SSH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// AsyncSSH.
    AsyncSsh,
    /// Paramiko.
    Paramiko,
}

/// A server on 127.0.0.1 that runs commands with `/bin/sh` as the user who runs the test, with keys and directories of
/// its own. It takes one user, who has one of the keys, or the password, or both the password and the [`CODE`] in a dialogue
/// of two rounds. AsyncSSH knows certificates, too: it takes those of [`KeyPair::authority`] for the user, and shows its own.
#[derive(Debug)]
pub struct PythonServer {
    process: Process,
    port: u16,
    dir: TempDir,
}

/// The only user.
const USER: &str = "tester";
const PASSWORD: &str = "pass wörd";
/// The answer of the dialogue's second round.
pub const CODE: &str = "271828";

/// A script that is a client, to be given its arguments: the port, the user, the user's key file, and what to do.
///
/// # Errors
///
/// What the machine lacks.
pub fn python_client(library: Library) -> Result<Command, String> {
    let script = newer::workspace().join("testing/servers").join(match library {
        Library::AsyncSsh => "asyncssh_client.py",
        Library::Paramiko => "paramiko_client.py",
    });
    let mut command = Command::new(environment::python()?);
    command.arg("-u").arg(script);
    Ok(command)
}

impl PythonServer {
    /// Starts the server, after making the environment that it runs in where there is none yet.
    ///
    /// # Errors
    ///
    /// What the machine lacks.
    ///
    /// # Panics
    ///
    /// If the script does not start, with its log.
    pub fn start(library: Library) -> Result<PythonServer, String> {
        let python = environment::python()?;
        let script = newer::workspace().join("testing/servers").join(match library {
            Library::AsyncSsh => "asyncssh_server.py",
            Library::Paramiko => "paramiko_server.py",
        });
        let dir = temporary("python-");
        write_user_keys(dir.path());
        let host_keys = write_host_keys(dir.path(), &KeyKind::ALL);
        if library == Library::AsyncSsh {
            // Found beside the keys.
            for key in host_keys {
                KeyPair::authority().certify(&key, &["-h", "-n", "127.0.0.1"]);
            }
        }
        for (name, text) in [("user", USER), ("password", PASSWORD), ("code", CODE)] {
            fs::write(dir.path().join(name), text).expect("a file of the server");
        }
        let command: [&OsStr; 4] = [python.as_ref(), "-u".as_ref(), script.as_ref(), dir.path().as_os_str()];
        match Process::start(&command, dir.path(), |log| {
            if port(log).is_some() { Progress::Ready } else { Progress::Starting }
        }) {
            Ok(process) => {
                let port = port(&process.log()).expect("it said so");
                Ok(PythonServer { process, port, dir })
            }
            Err(StartError::Failed(log)) => panic!("{} did not start:\n{log}", script.display()),
            Err(StartError::PortTaken) => panic!("{} chooses its port itself", script.display()),
        }
    }
}

impl Server for PythonServer {
    fn port(&self) -> u16 {
        self.port
    }

    fn user(&self) -> &str {
        USER
    }

    fn password(&self) -> Option<&str> {
        Some(PASSWORD)
    }

    fn user_key_path(&self, kind: KeyKind) -> PathBuf {
        user_key_path(self.dir.path(), kind)
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn log(&self) -> String {
        self.process.log()
    }
}

/// The port of the line `listening on port 12345`, if it is written to its end.
fn port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("listening on port ")?;
    rest.split_once('\n')?.0.parse().ok()
}
