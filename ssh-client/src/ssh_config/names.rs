//! Names of hosts and users, which are refused when they could mean something else where they end up: in a command
//! line, in a shell, in a path, on a terminal.

use std::{fmt, ops::Deref, str::FromStr};

/// A name or an address to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(String);

/// The name of a user on the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserName(String);

/// A name that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} {problem}")]
pub struct NameError {
    what: &'static str,
    name: String,
    problem: &'static str,
}

impl FromStr for HostName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        check("host name", name, |c| c.is_whitespace() || c == '/' || c == '\\' || c == '$')?;
        Ok(Self(name.to_owned()))
    }
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        check("user name", name, |_| false)?;
        let refused = |problem| NameError { what: "user name", name: name.to_owned(), problem };
        // Accounts of Windows domains have a backslash inside, those of its machines a dollar sign at their end.
        if name.ends_with('\\') || name.trim_end_matches('$').contains('$') {
            return Err(refused("holds a character that a shell takes for its own"));
        }
        if name.contains(" -") || name.contains("\t-") {
            return Err(refused("holds what looks like an option"));
        }
        Ok(Self(name.to_owned()))
    }
}

fn check(what: &'static str, name: &str, forbidden: impl Fn(char) -> bool) -> Result<(), NameError> {
    let refused = |problem| Err(NameError { what, name: name.to_owned(), problem });
    if name.is_empty() {
        return refused("is empty");
    }
    if name.starts_with('-') {
        return refused("begins with '-'");
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        return refused("holds a control character");
    }
    if name.chars().any(|c| "'`\";&<>|(){}".contains(c) || forbidden(c)) {
        return refused("holds a character that a shell takes for its own");
    }
    Ok(())
}

/// Characters that show nothing or turn the direction of what follows: names that hold them deceive.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

macro_rules! text {
    ($($name:ident),*) => {$(
        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    )*};
}
text!(HostName, UserName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken() {
        for name in [
            "host",
            "host.example.com",
            "::1",
            "fe80::1%eth0",
            "192.168.0.1",
            "xn--bcher-kva",
            "bücher",
            "a_b",
        ] {
            assert_eq!(name.parse::<HostName>().unwrap(), name);
        }
        for name in ["alice", "a@example.com", "DOMAIN\\alice", "machine$", "alice.b-c+d", "Alice B"] {
            assert_eq!(name.parse::<UserName>().unwrap(), name);
        }
    }

    #[test]
    fn names_that_are_refused() {
        for name in [
            "",
            "-oProxyCommand=x",
            "a;b",
            "a b",
            "a\nb",
            "$(x)",
            "`x`",
            "a|b",
            "a/b",
            "\u{1b}[2J",
            "a\u{202e}b",
        ] {
            assert!(name.parse::<HostName>().is_err(), "{name:?}");
        }
        for name in ["", "-x", "a;b", "a -o", "a\tb", "$HOME", "${x}", "a\\", "a'b", "a\"b", "\0", "a$b$"] {
            assert!(name.parse::<UserName>().is_err(), "{name:?}");
        }
        let error = "-x".parse::<UserName>().unwrap_err();
        assert_eq!(error.to_string(), "user name \"-x\" begins with '-'");
    }
}
