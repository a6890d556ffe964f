//! What depends on the machine's OpenSSH.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Creates what sshd expects of a machine where it was never started as a service.
pub(super) fn prepare() {
    if rustix::process::geteuid().is_root() {
        // The directory for privilege separation; errors show in the log of sshd itself.
        let _ = fs::create_dir_all("/run/sshd");
    }
}

/// The version of OpenSSH, as in `OpenSSH_9.2p1`; (0, 0) where it cannot be told.
pub(super) fn version(binary: &Path) -> (u32, u32) {
    // Old servers do not know -V, and answer with their version and the usage.
    let Ok(output) = Command::new(binary).arg("-V").stdin(Stdio::null()).output() else { return (0, 0) };
    let text = String::from_utf8_lossy(&output.stderr);
    let Some((_, rest)) = text.split_once("OpenSSH_") else { return (0, 0) };
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(|digits| digits.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
