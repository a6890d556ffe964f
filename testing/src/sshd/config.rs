//! The server's configuration file.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::server::current_user;

/// The lines of the test.
#[derive(Debug, Default)]
pub(super) struct Config {
    first: Vec<String>,
    /// From the first `Match` on: it would swallow whatever follows it.
    last: Vec<String>,
}

/// What the harness knows.
pub(super) struct Facts<'a> {
    pub(super) dir: &'a Path,
    pub(super) port: u16,
    pub(super) host_keys: &'a [PathBuf],
    pub(super) version: (u32, u32),
    pub(super) passwords: bool,
    /// Where the programs are that the server starts for each connection, if not where it was built to look.
    pub(super) parts: Option<&'a Path>,
}

impl Config {
    pub(super) fn add(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if keyword(line) == "match" || !self.last.is_empty() {
                self.last.push(line.to_owned());
            } else {
                self.first.push(line.to_owned());
            }
        }
    }

    /// The whole file. sshd takes the first value of a keyword, so the test's lines come before the harness's own,
    /// except for those that the harness depends on.
    pub(super) fn render(&self, facts: &Facts<'_>) -> String {
        let mut text = String::new();
        let mut line = |args: std::fmt::Arguments<'_>| {
            writeln!(text, "{args}").expect("writing to a string");
        };
        line(format_args!("Port {}", facts.port));
        line(format_args!("ListenAddress 127.0.0.1"));
        line(format_args!("PidFile none"));
        if let Some(parts) = facts.parts {
            line(format_args!("SshdSessionPath {}/sshd-session", parts.display()));
            line(format_args!("SshdAuthPath {}/sshd-auth", parts.display()));
        }
        for added in &self.first {
            line(format_args!("{added}"));
        }
        // At DEBUG the session writes its log into the standard error of what it runs.
        line(format_args!("LogLevel VERBOSE"));
        for path in facts.host_keys {
            line(format_args!("HostKey {}", path.display()));
        }
        line(format_args!("AuthorizedKeysFile {}/authorized_keys", facts.dir.display()));
        // The temporary directory hangs below one that everybody may write to.
        line(format_args!("StrictModes no"));
        line(format_args!("UsePAM {}", if crate::account::is_locked(current_user()) { "yes" } else { "no" }));
        line(format_args!("PermitRootLogin yes"));
        line(format_args!("PasswordAuthentication {}", if facts.passwords { "yes" } else { "no" }));
        line(format_args!("KbdInteractiveAuthentication no"));
        // The start-up files of the account that runs the tests are none of their business.
        line(format_args!("SetEnv HOME={}", facts.dir.display()));
        line(format_args!("PrintMotd no"));
        line(format_args!("PrintLastLog no"));
        line(format_args!("UseDNS no"));
        line(format_args!("LoginGraceTime 60"));
        line(format_args!("MaxStartups 1000"));
        if !self.first.iter().any(|added| keyword(added) == "subsystem") {
            line(format_args!("Subsystem sftp internal-sftp"));
        }
        if facts.version >= (7, 8) && !self.first.iter().any(|added| keyword(added) == "setenv") {
            // What the user's shell would read at home is slow on some machines, and prints on others.
            line(format_args!("SetEnv HOME={}", facts.dir.display()));
        }
        if facts.version >= (8, 5) && !self.first.iter().any(|added| keyword(added) == "kexalgorithms") {
            // The first choice of some versions takes sshd longer than the rest of a test.
            line(format_args!("KexAlgorithms -sntrup761*"));
        }
        if facts.version >= (9, 8) {
            // Tests fail to authenticate on purpose, all from one address.
            line(format_args!("PerSourcePenalties no"));
        }
        for added in &self.last {
            line(format_args!("{added}"));
        }
        text
    }
}

/// The keyword of a line, in lower case: sshd ignores case there, and takes blanks or `=` as the separator.
fn keyword(line: &str) -> String {
    line.split([' ', '\t', '=']).next().unwrap_or_default().to_ascii_lowercase()
}
