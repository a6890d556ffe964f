//! A real Dropbear server of the test's own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::account::Account;
use crate::keys::KeyKind;
use crate::newer;
use crate::process::{Process, Progress, StartError};
use crate::server::{
    Server, current_user, free_port, set_mode, temporary, user_key_path, write_host_keys, write_user_keys,
};

/// A Dropbear server on 127.0.0.1 with keys and directories of its own.
///
/// It must be of 2025 or newer: older ones read the keys they accept from the user's own home only. Where the test is
/// run by root it lets a throw-away account log in, with a password too; else the user who runs the test, with keys.
#[derive(Debug)]
pub struct Dropbear {
    // Dropped in this order: the server before the account it runs sessions of, the directory last.
    process: Process,
    account: Option<Account>,
    port: u16,
    dir: TempDir,
}

impl Dropbear {
    /// Starts the server.
    ///
    /// # Errors
    ///
    /// What the machine lacks.
    ///
    /// # Panics
    ///
    /// If Dropbear is there and does not start, with its log.
    pub fn start() -> Result<Dropbear, String> {
        let (server, convert) = programs().ok_or_else(|| newer::MISSING.to_owned())?;
        let (dir, account) = home()?;
        write_user_keys(dir.path());
        // The account reads its authorized_keys itself, and nobody but the owner may write there.
        for (path, mode) in [("", 0o755), ("keys", 0o755), ("keys/authorized_keys", 0o644)] {
            set_mode(&dir.path().join(path), mode);
        }
        let keys: Vec<PathBuf> =
            write_host_keys(dir.path(), &KeyKind::ALL).iter().map(|key| converted(&convert, key)).collect();
        for _ in 0..20 {
            let port = free_port();
            let address = format!("127.0.0.1:{port}");
            let pid_file = dir.path().join("pid");
            let authorized = dir.path().join("keys");
            let mut command: Vec<&OsStr> = vec![server.as_ref()];
            command.extend(["-F", "-E", "-m", "-p", &address, "-P"].map(OsStr::new));
            command.extend([pid_file.as_os_str(), "-D".as_ref(), authorized.as_ref()]);
            command.extend(keys.iter().flat_map(|key| ["-r".as_ref(), key.as_os_str()]));
            match Process::start(&command, dir.path(), progress) {
                Ok(process) => return Ok(Dropbear { process, account, port, dir }),
                Err(StartError::PortTaken) => {}
                Err(StartError::Failed(log)) => panic!("{} did not start:\n{log}", server.display()),
            }
        }
        panic!("no free port on 127.0.0.1");
    }
}

impl Server for Dropbear {
    fn port(&self) -> u16 {
        self.port
    }

    fn user(&self) -> &str {
        match &self.account {
            Some(account) => account.name(),
            None => current_user(),
        }
    }

    fn password(&self) -> Option<&str> {
        self.account.as_ref().map(Account::password)
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

/// The server's directory, and the account that lives there. Dropbear wants every directory above authorized_keys to be
/// writable by nobody else, up to the user's home; so without an account it cannot be where temporary files are.
fn home() -> Result<(TempDir, Option<Account>), String> {
    let dir = temporary("dropbear-");
    if let Ok(account) = Account::create(dir.path()) {
        return Ok((dir, Some(account)));
    }
    let parent = newer::workspace().join("target/servers");
    let dir = fs::create_dir_all(&parent)
        .and_then(|()| tempfile::Builder::new().prefix("dropbear-").tempdir_in(&parent))
        .map_err(|error| format!("{}: {error}", parent.display()))?;
    Ok((dir, None))
}

/// The server and the converter of keys beside it: of `$DROPBEAR`, else the newer ones.
fn programs() -> Option<(PathBuf, PathBuf)> {
    let Some(server) = std::env::var_os("DROPBEAR").map(PathBuf::from) else {
        return Some((newer::find("dropbear")?, newer::find("dropbearconvert")?));
    };
    server.is_file().then(|| (server, PathBuf::from("dropbearconvert")))
}

/// The key in Dropbear's own format, which is the only one that it reads.
fn converted(convert: &Path, key: &Path) -> PathBuf {
    let path = key.with_extension("dropbear");
    let output = Command::new(convert)
        .args(["openssh", "dropbear"])
        .args([key, &path])
        .stdin(Stdio::null())
        .output()
        .expect("dropbearconvert");
    assert!(output.status.success(), "dropbearconvert: {}", String::from_utf8_lossy(&output.stderr));
    path
}

fn progress(log: &str) -> Progress {
    if log.contains("Failed listening on") {
        Progress::PortTaken
    } else if log.contains("Not backgrounding") {
        Progress::Ready
    } else {
        Progress::Starting
    }
}
