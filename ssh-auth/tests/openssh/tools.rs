//! OpenSSH's tools in a temporary directory.

use base64ct::{Base64, Encoding};
use ssh_auth::PrivateKeyFile;
use ssh_crypto::PrivateKey;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};
use tempfile::TempDir;

pub(crate) struct Tools {
    directory: TempDir,
}

impl Tools {
    /// `None`, said by the test's name, if `tool` is not installed.
    pub(crate) fn with(test: &str, tool: &str) -> Option<Self> {
        let quiet = Command::new(tool)
            .arg("-?")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if quiet.is_err() {
            testing::skip(test, &format!("{tool} is not installed"));
            return None;
        }
        Some(Self { directory: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `ssh-keygen`; false if it fails.
    pub(crate) fn keygen(&self, arguments: &[&str]) -> bool {
        let output = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            eprintln!("ssh-keygen {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    }

    /// Makes a key without a passphrase; `None` if these are not made any more.
    pub(crate) fn key(&self, name: &str, kind: &[&str]) -> Option<PrivateKey> {
        let arguments = [&["-q", "-N", "", "-C", name, "-f", name, "-t"], kind].concat();
        self.keygen(&arguments).then(|| {
            let file = PrivateKeyFile::parse(&fs::read(self.path(name)).unwrap()).unwrap();
            file.decrypt(None).unwrap()
        })
    }

    /// The blob in a `.pub` file.
    pub(crate) fn blob(&self, name: &str) -> Vec<u8> {
        let line = fs::read_to_string(self.path(name)).unwrap();
        Base64::decode_vec(line.split(' ').nth(1).unwrap().trim()).unwrap()
    }
}

/// Every kind of key, as `ssh-keygen -t` wants them.
pub(crate) const KINDS: [&[&str]; 6] = [
    &["ed25519"],
    &["ecdsa", "-b", "256"],
    &["ecdsa", "-b", "384"],
    &["ecdsa", "-b", "521"],
    &["rsa", "-b", "2048"],
    &["dsa"],
];
