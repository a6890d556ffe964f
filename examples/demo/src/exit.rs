//! How the program ends: with the remote command's status, or with 255.

use ssh_client::{Error, Exit, ssh_config::ConfigError};
use std::{fmt, io, path::Path, process::ExitCode};

/// The status of every error of this program's own.
pub(crate) const OWN_ERROR: u8 = 255;

/// Why the program can't go on, for the user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self(error.to_string())
    }
}

/// The program's status for the way a remote command ended, as OpenSSH has it: without a status it is 255.
pub(crate) fn code(exit: Option<&Exit>) -> ExitCode {
    match exit {
        // What the system keeps of a status.
        Some(Exit::Status(status)) => ExitCode::from((status & 0xff) as u8),
        _ => ExitCode::from(OWN_ERROR),
    }
}
