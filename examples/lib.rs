//! What the small programs of this directory share: where to connect, with what, and how to end.

use ssh_client::{
    Config, Credential, PrivateKeyFile, Secret,
    host_key::Known,
    known_hosts::{self, KnownHosts},
};
use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
    process::ExitCode,
    str::FromStr,
    sync::Arc,
};

/// `user@host` or `user@host:port`; an IPv6 address stands in brackets if a port follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Who logs in.
    pub user: String,
    /// Where: a name or an address.
    pub host: String,
    /// On which port: 22 if none is told.
    pub port: u16,
}

impl Target {
    /// As `Session::connect` takes it.
    pub fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("{text:?} is not user@host or user@host:port");
        let (user, place) = text.rsplit_once('@').ok_or_else(malformed)?;
        let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(malformed)?)),
            // More than one colon: an IPv6 address without brackets.
            None if place.matches(':').count() > 1 => (place, None),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(22), str::parse).map_err(|_| malformed())?;
        if user.is_empty() || host.is_empty() {
            return Err(malformed());
        }
        Ok(Self { user: user.to_owned(), host: host.to_owned(), port })
    }
}

/// A configuration out of what most users have: host keys must stand in `~/.ssh/known_hosts`; the keys `~/.ssh/id_*` are
/// tried first, then a password is asked for on the terminal.
pub fn config(user: &str) -> Result<Config, Box<dyn Error>> {
    let home = env::home_dir().ok_or("there is no home directory")?;
    let known = KnownHosts::load_all(known_hosts::user_files(&home))?;
    let mut config = Config::new(user).host_key(Known(known));
    for name in ["id_ed25519", "id_ecdsa", "id_rsa"] {
        let path = home.join(".ssh").join(name);
        let Ok(bytes) = fs::read(&path).map(Secret::new) else { continue };
        let file = PrivateKeyFile::parse(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        let passphrase = match file.is_encrypted() {
            true => Some(ask_secret(&format!("Passphrase of {}: ", path.display()))?),
            false => None,
        };
        let key = file.decrypt(passphrase.as_deref())?;
        let credential = Credential::key(&key, config.provider())?;
        config = config.credential(credential);
    }
    let prompt = format!("Password of {user}: ");
    Ok(config.credential(Credential::AskPassword(Arc::new(move |_| ask_secret(&prompt).ok()))))
}

/// Asks on the terminal for what nobody may see.
pub fn ask_secret(prompt: &str) -> io::Result<Secret> {
    rpassword::prompt_password(prompt).map(Secret::from)
}

/// Ends a program: an error goes to the standard error, and status 255 tells it from a command's own.
pub fn end(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        // Nobody is left to tell if that fails, too.
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::from(255)
    })
}

/// The README's examples are tested with these.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let target =
            |user: &str, host: &str, port| Ok(Target { user: user.to_owned(), host: host.to_owned(), port });
        assert_eq!("alice@example.com".parse(), target("alice", "example.com", 22));
        assert_eq!("alice@example.com:2222".parse(), target("alice", "example.com", 2222));
        assert_eq!("a@b@example.com".parse(), target("a@b", "example.com", 22));
        assert_eq!("alice@::1".parse(), target("alice", "::1", 22));
        assert_eq!("alice@[::1]".parse(), target("alice", "::1", 22));
        assert_eq!("alice@[::1]:2222".parse(), target("alice", "::1", 2222));
        for malformed in ["", "alice", "@host", "alice@", "alice@host:", "alice@host:65536", "alice@[::1]22"]
        {
            assert!(malformed.parse::<Target>().is_err(), "{malformed}");
        }
    }
}
