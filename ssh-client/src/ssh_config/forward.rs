//! Forwardings: `LocalForward`, `RemoteForward` and `DynamicForward`, which are also `-L`, `-R` and `-D`.

use std::{fmt, str::FromStr};

/// A forwarding: connections that come to one place are passed on to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Where they come.
    pub listen: Listen,
    /// Where they are passed on to, from the other side. Without it, to where each asks, by SOCKS.
    pub target: Option<Target>,
}

/// Where connections come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// At a port.
    Port {
        /// The address, as it was given: `*` and an empty one are all that there are. Without one, those are meant that only
        /// the same machine reaches, unless `GatewayPorts` says otherwise.
        address: Option<String>,
        /// The port; 0, for the server only, lets it choose.
        port: u16,
    },
    /// At a socket of the file system, unexpanded: ask [`Tokens::socket`](super::Tokens::socket).
    Socket(String),
}

/// Where connections are passed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To a port.
    Port {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// To a socket of the file system, unexpanded: ask [`Tokens::socket`](super::Tokens::socket).
    Socket(String),
}

/// A text that is no forwarding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ForwardError {
    text: String,
    expected: &'static str,
}

impl Forward {
    /// `[address:]port:host:port`, where a socket's path may stand for either end.
    pub(super) fn local(text: &str) -> Result<Self, ForwardError> {
        let forward = fields(text).and_then(|fields| Self::with_target(&fields));
        forward.filter(|forward| !forward.listen.is_chosen()).ok_or_else(|| error(text, FORWARD))
    }

    /// `[address:]port`.
    pub(super) fn dynamic(text: &str) -> Result<Self, ForwardError> {
        let forward = fields(text).and_then(|fields| Self::without_target(&fields));
        forward.filter(|forward| !forward.listen.is_chosen()).ok_or_else(|| error(text, "[address:]port"))
    }

    /// Either of them; the port may be 0.
    pub(super) fn remote(text: &str) -> Result<Self, ForwardError> {
        let either =
            |fields: Vec<Field>| Self::with_target(&fields).or_else(|| Self::without_target(&fields));
        fields(text).and_then(either).ok_or_else(|| error(text, FORWARD))
    }

    fn with_target(fields: &[Field]) -> Option<Self> {
        let (listen, target) = match fields {
            [listen, target @ ..] if listen.is_path => (Listen::Socket(listen.text.clone()), target),
            [port, target] => (Listen::port(None, port)?, std::slice::from_ref(target)),
            [address, port, target] if target.is_path => {
                (Listen::port(Some(address), port)?, std::slice::from_ref(target))
            }
            [port, target @ ..] if target.len() == 2 => (Listen::port(None, port)?, target),
            [address, port, target @ ..] => (Listen::port(Some(address), port)?, target),
            _ => return None,
        };
        Some(Self { listen, target: Some(Target::of(target)?) })
    }

    fn without_target(fields: &[Field]) -> Option<Self> {
        let listen = match fields {
            [port] => Listen::port(None, port)?,
            [address, port] => Listen::port(Some(address), port)?,
            _ => return None,
        };
        Some(Self { listen, target: None })
    }
}

impl Listen {
    fn port(address: Option<&Field>, port: &Field) -> Option<Self> {
        if address.is_some_and(|address| address.is_path) {
            return None;
        }
        Some(Self::Port { address: address.map(|address| address.text.clone()), port: number(&port.text)? })
    }

    /// Whether whoever listens is to choose the port.
    fn is_chosen(&self) -> bool {
        matches!(self, Self::Port { port: 0, .. })
    }
}

impl Target {
    fn of(fields: &[Field]) -> Option<Self> {
        match fields {
            [path] if path.is_path => Some(Self::Socket(path.text.clone())),
            [host, port] if !host.is_path && !host.text.is_empty() => {
                let port = number(&port.text).filter(|&port| port != 0)?;
                Some(Self::Port { host: host.text.clone(), port })
            }
            _ => None,
        }
    }
}

/// `host:port` or a socket's path, as `-W` has it.
impl FromStr for Target {
    type Err = ForwardError;

    fn from_str(text: &str) -> Result<Self, ForwardError> {
        fields(text).and_then(|fields| Self::of(&fields)).ok_or_else(|| error(text, "host:port or a path"))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { address: Some(address), port } => place(f, address, *port),
            Self::Port { address: None, port } => write!(f, "{port}"),
            Self::Socket(path) => f.write_str(path),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { host, port } => place(f, host, *port),
            Self::Socket(path) => f.write_str(path),
        }
    }
}

fn place(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

/// What stands between colons.
struct Field {
    text: String,
    /// A slash makes it one.
    is_path: bool,
}

/// Takes a text apart at its colons, but for those in brackets or behind a backslash.
fn fields(text: &str) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let (field, behind) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (field, behind) = inside.split_once(']')?;
                (field.to_owned(), behind)
            }
            None => plain(rest)?,
        };
        fields.push(Field { is_path: field.contains('/'), text: field });
        match behind.strip_prefix(':') {
            _ if fields.len() > MAX_FIELDS => return None,
            Some(behind) => rest = behind,
            None => return behind.is_empty().then_some(fields),
        }
    }
}

/// What stands before the next colon, and the rest from there on.
fn plain(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return Some((field, &text[at..])),
            '\\' => field.push(chars.next()?.1),
            _ => field.push(c),
        }
    }
    Some((field, ""))
}

/// Digits alone: what `parse` of the standard library takes without a sign.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn error(text: &str, expected: &'static str) -> ForwardError {
    ForwardError { text: text.to_owned(), expected }
}

const FORWARD: &str = "[address:]port:host:port, where a path may stand for either end";

const MAX_FIELDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: Option<&str>, port: u16) -> Listen {
        Listen::Port { address: address.map(str::to_owned), port }
    }

    fn to(host: &str, port: u16) -> Target {
        Target::Port { host: host.to_owned(), port }
    }

    fn socket(path: &str) -> Target {
        Target::Socket(path.to_owned())
    }

    #[test]
    fn with_a_target() {
        for (text, listen, target) in [
            ("8080:host:80", port(None, 8080), to("host", 80)),
            (" 8080:host:80", port(None, 8080), to("host", 80)),
            ("localhost:8080:host:80", port(Some("localhost"), 8080), to("host", 80)),
            ("*:8080:host:80", port(Some("*"), 8080), to("host", 80)),
            (":8080:host:80", port(Some(""), 8080), to("host", 80)),
            ("[::1]:8080:[fe80::1%eth0]:80", port(Some("::1"), 8080), to("fe80::1%eth0", 80)),
            ("8080:[::1]:80", port(None, 8080), to("::1", 80)),
            ("8080:/run/s", port(None, 8080), socket("/run/s")),
            ("*:8080:/run/s", port(Some("*"), 8080), socket("/run/s")),
            ("/run/l:host:80", Listen::Socket("/run/l".into()), to("host", 80)),
            ("/run/l:/run/s", Listen::Socket("/run/l".into()), socket("/run/s")),
            ("./a\\:b:[/c:d]", Listen::Socket("./a:b".into()), socket("/c:d")),
        ] {
            let expected = Forward { listen, target: Some(target) };
            assert_eq!(Forward::local(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(Forward::remote(text).as_ref(), Ok(&expected), "{text}");
            assert!(Forward::dynamic(text).is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_target() {
        for (text, listen) in [
            ("1080", port(None, 1080)),
            ("*:1080", port(Some("*"), 1080)),
            (":1080", port(Some(""), 1080)),
            ("[::1]:1080", port(Some("::1"), 1080)),
        ] {
            let expected = Forward { listen, target: None };
            assert_eq!(Forward::dynamic(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(Forward::remote(text).as_ref(), Ok(&expected), "{text}");
            assert!(Forward::local(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_server_chooses_a_port() {
        let chosen = Forward { listen: port(None, 0), target: Some(to("host", 80)) };
        assert_eq!(Forward::remote("0:host:80"), Ok(chosen));
        assert!(Forward::remote("0").is_ok() && Forward::remote("*:0").is_ok());
        assert!(Forward::local("0:host:80").is_err() && Forward::dynamic("0").is_err());
    }

    #[test]
    fn what_is_no_forwarding() {
        for text in [
            "",
            ":",
            "host:80",
            "8080:host",
            "8080:host:",
            "8080::80",
            "8080:host:0",
            "8080:host:65536",
            "8080:host:+80",
            "8080:host:http",
            "a:b:8080:host:80",
            "8080:host:80:",
            "[::1:8080:host:80",
            "[::1]8080:host:80",
            "/a/b:8080:host:80",
            "8080:/a/b:80",
            "8080:host:80\\",
            "/run/l",
            "é:é",
        ] {
            assert!(Forward::local(text).is_err(), "{text}");
            assert!(Forward::remote(text).is_err() || text == "host:80", "{text}");
        }
        let error = Forward::local("x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"x\" is not [address:]port:host:port, where a path may stand for either end"
        );
    }

    #[test]
    fn targets_alone() {
        assert_eq!("host:80".parse(), Ok(to("host", 80)));
        assert_eq!("[::1]:80".parse(), Ok(to("::1", 80)));
        assert_eq!("/run/s".parse(), Ok(socket("/run/s")));
        for text in ["", "host", "80", "host:0", "a:b:80", ":80"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn they_are_shown_as_they_are_written() {
        for text in ["8080:host:80", "[::1]:8080:[::2]:80", "/run/l:/run/s", "*:1:/x"] {
            let Forward { listen, target } = Forward::local(text).unwrap();
            assert_eq!(format!("{listen}:{}", target.unwrap()), text);
        }
    }
}
