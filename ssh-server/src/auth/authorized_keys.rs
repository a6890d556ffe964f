//! Users' keys in files, in the format of OpenSSH's `authorized_keys` (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

mod line;
mod time;

use super::{Authenticator, Client, Credential, Method, Verdict, file};
use line::Line;
use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
};

/// The most that a file may have, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Lets users in by keys and certificates that stand in files like OpenSSH's `authorized_keys`.
///
/// A file is read anew whenever one of its keys is shown. It must belong to root or to the user that this process runs as,
/// and be writable by nobody else; the same holds for its directory.
///
/// | option | |
/// | --- | --- |
/// | `cert-authority`, `principals="…"` | The key is an authority's; certificates by it must name the user, or one of these. |
/// | `from="…"` | Addresses, patterns of them and networks; names of hosts are not looked up, and fit nothing. |
/// | `command="…"` | Only this command runs. |
/// | `restrict`, `no-pty`, `no-port-forwarding`, `no-agent-forwarding`, and `pty`, `port-forwarding`, `agent-forwarding` behind `restrict` | What is permitted. |
/// | `permitopen="…"`, `permitlisten="…"` | Where connections may lead, and what may be listened on. |
/// | `no-touch-required`, `verify-required` | A security key may sign without being touched; it has to verify its user. |
/// | `expiry-time="…"` | As `YYYYMMDD`, with `HHMM` or `HHMMSS` behind it. Without a `Z` at its end it is local time for OpenSSH; here the earliest time that is meant anywhere on earth. |
/// | `environment="…"`, `X11-forwarding`, `user-rc` and `no-…` of the two | Of no effect: OpenSSH does not set these variables by default, and there are no such things here. |
///
/// A line with any other option, or one that can't be read, lets nobody in; the log tells its number.
pub struct AuthorizedKeys {
    files: HashMap<String, PathBuf>,
}

impl AuthorizedKeys {
    /// Lets `user` in by the keys in this file.
    pub fn new(user: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { files: HashMap::new() }.user(user, path)
    }

    /// One user more.
    pub fn user(mut self, user: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.files.insert(user.into(), path.into());
        self
    }
}

impl Authenticator for AuthorizedKeys {
    fn methods(&self) -> Vec<Method> {
        vec![Method::PublicKey]
    }

    fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
        let Some(path) = self.files.get(client.user) else { return Verdict::Reject };
        match read(path) {
            Ok(text) => check(&text, path, client, credential),
            Err(error) => {
                log::warn!("{}: {error}", path.display());
                Verdict::Reject
            }
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    String::from_utf8(file::read(path, MAX_FILE)?).map_err(io::Error::other)
}

/// The first line that lets the client in decides.
fn check(text: &str, path: &Path, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let told = |error: &dyn fmt::Display| log::warn!("{} line {}: {error}", path.display(), number + 1);
        match line.parse::<Line>() {
            Ok(line) => match line.check(client, credential) {
                Ok(Some(permissions)) => return Verdict::Accept(permissions),
                Ok(None) => {}
                Err(error) => told(&error),
            },
            Err(error) => told(&error),
        }
    }
    Verdict::Reject
}

impl fmt::Debug for AuthorizedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizedKeys({} users)", self.files.len())
    }
}
