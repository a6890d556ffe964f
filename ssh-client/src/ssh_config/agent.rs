//! Options about the agent.

use super::value::{Value, duration};
use std::time::Duration;

/// `IdentityAgent`: where the agent's socket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentSocket {
    /// No agent is asked.
    None,
    /// Where this environment variable says: `SSH_AUTH_SOCK`, or another one's name behind a `$`.
    Variable(String),
    /// At this path, unexpanded: ask [`Tokens::path`](super::Tokens::path).
    Path(String),
}

impl Value for AgentSocket {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("is empty".to_owned()),
            "SSH_AUTH_SOCK" => Ok(Self::Variable(text.to_owned())),
            none if none.eq_ignore_ascii_case("none") => Ok(Self::None),
            // ${NAME} may begin a path.
            _ => Ok(match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => Self::Variable(name.to_owned()),
                None => Self::Path(text.to_owned()),
            }),
        }
    }
}

/// `ForwardAgent`: which agent the server may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardAgent {
    /// None.
    No,
    /// The one that logs in, or would.
    Yes,
    /// Another.
    Other(AgentSocket),
}

impl Value for ForwardAgent {
    fn parse(text: &str) -> Result<Self, String> {
        match bool::parse(text) {
            Ok(true) => Ok(Self::Yes),
            Ok(false) => Ok(Self::No),
            Err(_) => AgentSocket::parse(text).map(Self::Other),
        }
    }
}

/// `AddKeysToAgent`: whether the agent keeps the keys that were read from files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddKeys {
    /// It does not.
    No,
    /// It does.
    Yes {
        /// Each use must be confirmed.
        confirm: bool,
        /// How long it keeps them; `None` for ever.
        lifetime: Option<Duration>,
    },
    /// The user is asked each time.
    Ask,
}

impl AddKeys {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let lower: Vec<String> = arguments.iter().map(|text| text.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let time = |text: &str| {
            let none = || format!("{text:?} is none of yes, no, ask, confirm, and no time");
            duration(text).ok().flatten().ok_or_else(none).map(Some)
        };
        match lower.as_slice() {
            [] => Err("needs a value".to_owned()),
            ["no" | "false"] => Ok(Self::No),
            ["yes" | "true"] => Ok(Self::Yes { confirm: false, lifetime: None }),
            ["ask"] => Ok(Self::Ask),
            ["confirm"] => Ok(Self::Yes { confirm: true, lifetime: None }),
            ["confirm", text] => Ok(Self::Yes { confirm: true, lifetime: time(text)? }),
            [text] => Ok(Self::Yes { confirm: false, lifetime: time(text)? }),
            [_, second, ..] => Err(format!("has a second value, {second:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets() {
        let variable = |name: &str| Ok(AgentSocket::Variable(name.into()));
        let path = |text: &str| Ok(AgentSocket::Path(text.into()));
        for (text, expected) in [
            ("none", Ok(AgentSocket::None)),
            ("SSH_AUTH_SOCK", variable("SSH_AUTH_SOCK")),
            ("$OTHER", variable("OTHER")),
            ("${XDG_RUNTIME_DIR}/agent", path("${XDG_RUNTIME_DIR}/agent")),
            ("~/agent", path("~/agent")),
        ] {
            assert_eq!(AgentSocket::parse(text), expected, "{text}");
        }
        assert!(AgentSocket::parse("").is_err());
        assert_eq!(ForwardAgent::parse("no"), Ok(ForwardAgent::No));
        assert_eq!(ForwardAgent::parse("YES"), Ok(ForwardAgent::Yes));
        assert_eq!(ForwardAgent::parse("/a"), Ok(ForwardAgent::Other(AgentSocket::Path("/a".into()))));
    }

    #[test]
    fn keys_for_the_agent() {
        let parse = |text: &str| AddKeys::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let yes = |confirm, seconds: Option<u64>| {
            Ok(AddKeys::Yes { confirm, lifetime: seconds.map(Duration::from_secs) })
        };
        assert_eq!(parse("no"), Ok(AddKeys::No));
        assert_eq!(parse("Ask"), Ok(AddKeys::Ask));
        assert_eq!(parse("yes"), yes(false, None));
        assert_eq!(parse("1h"), yes(false, Some(3_600)));
        assert_eq!(parse("confirm"), yes(true, None));
        assert_eq!(parse("confirm 90"), yes(true, Some(90)));
        for text in ["", "maybe", "0", "yes 1h", "confirm ask", "confirm 1h 1h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
