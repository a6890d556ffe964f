//! What stands for something else in values: `%h`, `~` and `${VARIABLE}` (ssh_config(5), TOKENS).

use ssh_crypto::Hash;
use std::{fmt::Write, path::PathBuf};

/// What the tokens stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `%h`: the host that is connected to.
    pub host: String,
    /// `%n`: the host as the user gave it.
    pub original_host: String,
    /// `%k`: what the host is called in known hosts files; its alias or as the user gave it.
    pub known_as: String,
    /// `%p`.
    pub port: u16,
    /// `%r`: the user on the server.
    pub user: String,
    /// `%u`: who runs the program.
    pub local_user: String,
    /// `%d`, and what `~` stands for: their home directory.
    pub home: PathBuf,
    /// `%i`: their number.
    pub local_uid: u32,
    /// `%l`: the name of the machine this runs on; `%L` is its part before the first dot.
    pub local_host: String,
}

/// A value that can't be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// A token that the option does not have.
    #[error("{text:?} holds the token {token:?}, which is not known here")]
    Token {
        /// The value.
        text: String,
        /// The token.
        token: String,
    },
    /// An environment variable that is not set, or not closed by a `}`.
    #[error("{text:?} names the environment variable {name:?}, which is not set")]
    Variable {
        /// The value.
        text: String,
        /// The variable.
        name: String,
    },
    /// Another user's home directory.
    #[error("{0:?} begins with the home directory of another user, which is not known here")]
    Home(String),
}

impl Tokens {
    /// Replaces the tokens of a command (`RemoteCommand`) or of names (`ProxyJump`).
    ///
    /// # Errors
    /// A token is not known.
    pub fn command(&self, text: &str) -> Result<String, ExpandError> {
        percent(text, |token| self.token(token))
    }

    /// Replaces the tokens, `${VARIABLE}` and a `~` at the beginning of a path (`IdentityFile`, `UserKnownHostsFile`).
    ///
    /// # Errors
    /// A token is not known, a variable not set, or the `~` is another user's.
    pub fn path(&self, text: &str) -> Result<PathBuf, ExpandError> {
        if let Some(rest) = text.strip_prefix('~') {
            let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
            if !user.is_empty() && user != self.local_user {
                return Err(ExpandError::Home(text.to_owned()));
            }
            return Ok(self.home.join(self.socket(rest)?));
        }
        self.socket(text).map(PathBuf::from)
    }

    /// Replaces the tokens and `${VARIABLE}` of a socket's path (`LocalForward`, `RemoteForward`), which may be the other
    /// machine's.
    ///
    /// # Errors
    /// A token is not known, or a variable not set.
    pub fn socket(&self, text: &str) -> Result<String, ExpandError> {
        // Variables first, and in the text as it was given: what a token stands for is never read again.
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let failed = |name: &str| ExpandError::Variable { text: text.to_owned(), name: name.to_owned() };
            let (name, behind) = behind.split_once('}').ok_or_else(|| failed(behind))?;
            expanded += &percent(before, |token| self.token(token))?;
            expanded += &std::env::var(name).map_err(|_| failed(name))?;
            rest = behind;
        }
        Ok(expanded + &percent(rest, |token| self.token(token))?)
    }

    fn token(&self, token: char) -> Option<String> {
        Some(match token {
            'C' => {
                let parts = [&self.local_host, &self.host, &self.port.to_string(), &self.user];
                hex(&Hash::Sha1.digest(&parts.map(String::as_bytes)))
            }
            'd' => self.home.to_string_lossy().into_owned(),
            'h' => self.host.clone(),
            'i' => self.local_uid.to_string(),
            'k' => self.known_as.clone(),
            'L' => self.local_host.split('.').next().unwrap_or_default().to_owned(),
            'l' => self.local_host.clone(),
            'n' => self.original_host.clone(),
            'p' => self.port.to_string(),
            'r' => self.user.clone(),
            'u' => self.local_user.clone(),
            _ => return None,
        })
    }
}

/// Replaces the tokens of `HostName`, which has only one.
pub(super) fn host_name(text: &str, host: &str) -> Result<String, ExpandError> {
    percent(text, |token| (token == 'h').then(|| host.to_owned()))
}

fn percent(text: &str, replacement: impl Fn(char) -> Option<String>) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            expanded.push(c);
            continue;
        }
        let token = chars.next();
        match token {
            Some('%') => expanded.push('%'),
            _ => match token.and_then(&replacement) {
                Some(replacement) => expanded += &replacement,
                None => {
                    let token = token.map_or_else(|| "%".to_owned(), |token| format!("%{token}"));
                    return Err(ExpandError::Token { text: text.to_owned(), token });
                }
            },
        }
    }
    Ok(expanded)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn tokens() -> Tokens {
        Tokens {
            host: "web1.example.com".into(),
            original_host: "web1".into(),
            known_as: "web".into(),
            port: 2222,
            user: "bob".into(),
            local_user: "alice".into(),
            home: "/home/alice".into(),
            local_uid: 1000,
            local_host: "desk.example.org".into(),
        }
    }

    #[test]
    fn every_token() {
        let text = "%h %n %k %p %r %u %d %i %l %L %%h";
        let expected = "web1.example.com web1 web 2222 bob alice /home/alice 1000 desk.example.org desk %h";
        assert_eq!(tokens().command(text).as_deref(), Ok(expected));
        // echo -n desk.example.orgweb1.example.com2222bob | sha1sum
        assert_eq!(tokens().command("%C").as_deref(), Ok("eb97ad1ef676a6dcccd06ce8e99d890d9768da57"));
    }

    #[test]
    fn paths() {
        let path = |text: &str| tokens().path(text);
        for (text, expected) in [
            ("~/.ssh/id_%h", "/home/alice/.ssh/id_web1.example.com"),
            ("~", "/home/alice/"),
            ("~alice/x", "/home/alice/x"),
            ("%d/%r", "/home/alice/bob"),
            ("/a/~b", "/a/~b"),
            ("relative", "relative"),
        ] {
            assert_eq!(path(text).as_deref(), Ok(Path::new(expected)), "{text}");
        }
        assert!(matches!(path("~bob/x"), Err(ExpandError::Home(_))));
        let cargo = std::env::var("CARGO_PKG_NAME").unwrap();
        assert_eq!(path("%u/${CARGO_PKG_NAME}/%r").unwrap(), Path::new(&format!("alice/{cargo}/bob")));
        assert!(matches!(path("${NO_SUCH_VARIABLE}"), Err(ExpandError::Variable { .. })));
        assert!(matches!(path("${PATH"), Err(ExpandError::Variable { .. })));
        assert_eq!(tokens().socket("~/%r/${CARGO_PKG_NAME}"), Ok(format!("~/bob/{cargo}")));
    }

    #[test]
    fn what_a_token_stands_for_is_not_expanded_again() {
        let tokens = Tokens { user: "%h${PATH}".into(), ..tokens() };
        assert_eq!(tokens.path("%r").unwrap(), Path::new("%h${PATH}"));
    }

    #[test]
    fn unknown_tokens() {
        for text in ["%z", "a%", "%é", "%f"] {
            assert!(matches!(tokens().command(text), Err(ExpandError::Token { .. })), "{text}");
        }
        assert_eq!(host_name("%h.example.com", "a").as_deref(), Ok("a.example.com"));
        assert!(host_name("%p", "a").is_err());
    }
}
