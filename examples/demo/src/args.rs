//! The command line, in the letters of OpenSSH's `ssh`.

use crate::loopback;
use clap::{ArgAction, Parser};
use std::{ffi::OsString, path::PathBuf};

/// Logs into a host by SSH and gives a shell or runs a command there.
#[derive(Debug, Parser, PartialEq, Eq, Default)]
#[command(name = "demo", version, disable_help_flag = true, override_usage = USAGE)]
pub(crate) struct Args {
    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,

    /// Use IPv6 only
    #[arg(short = '6')]
    pub(crate) ipv6: bool,

    /// Let programs on the server ask the agent here
    #[arg(short = 'A', conflicts_with = "no_agent_forwarding")]
    pub(crate) agent_forwarding: bool,

    /// Let nobody on the server ask the agent here
    #[arg(short = 'a')]
    pub(crate) no_agent_forwarding: bool,

    /// No X11 forwarding (there is none anyway)
    #[arg(short = 'x')]
    pub(crate) no_x11: bool,

    /// Compress what is sent, if the server can
    #[arg(short = 'C')]
    pub(crate) compression: bool,

    /// Ciphers to offer, with commas between them; +, - or ^ before the list changes the defaults
    #[arg(short = 'c', value_name = "CIPHERS", allow_hyphen_values = true)]
    pub(crate) ciphers: Option<String>,

    /// Pass connections to a port here on to where each asks, by SOCKS 4, 4a or 5, as the server reaches it (may be given
    /// several times)
    #[arg(short = 'D', value_name = "[ADDRESS:]PORT")]
    pub(crate) dynamic_forwards: Vec<String>,

    /// Write the log to this file instead of stderr
    #[arg(short = 'E', value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// The escape character of a session on a terminal, "^X" for a control character, or "none"
    #[arg(short = 'e', value_name = "CHAR")]
    pub(crate) escape_char: Option<String>,

    /// Read this configuration file instead of the user's and the system's; "none" reads no file
    #[arg(short = 'F', value_name = "FILE")]
    pub(crate) config_file: Option<String>,

    /// Let other machines connect to local forwardings that name no address
    #[arg(short = 'g')]
    pub(crate) gateway_ports: bool,

    /// A private key to log in with (may be given several times)
    #[arg(short = 'i', value_name = "FILE")]
    pub(crate) identity_files: Vec<String>,

    /// Go over these hosts, with commas between them: log in to each, and to the next from there
    #[arg(short = 'J', value_name = "[USER@]HOST[:PORT]", conflicts_with = "loopback")]
    pub(crate) jump_hosts: Option<String>,

    /// Pass connections to a port here on to a host and port as the server reaches them; either end may be a socket's path
    /// (may be given several times)
    #[arg(short = 'L', value_name = "[ADDRESS:]PORT:HOST:PORT")]
    pub(crate) local_forwards: Vec<String>,

    /// The user to log in as
    #[arg(short = 'l', value_name = "USER")]
    pub(crate) user: Option<String>,

    /// MACs to offer, with commas between them; +, - or ^ before the list changes the defaults
    #[arg(short = 'm', value_name = "MACS", allow_hyphen_values = true)]
    pub(crate) macs: Option<String>,

    /// Run no command and open no session: only connect, log in and forward
    #[arg(short = 'N')]
    pub(crate) no_session: bool,

    /// Read nothing from stdin
    #[arg(short = 'n')]
    pub(crate) stdin_null: bool,

    /// An option as in the configuration file, as "Key=Value" or "Key Value" (may be given several times)
    #[arg(short = 'o', value_name = "OPTION")]
    pub(crate) options: Vec<String>,

    /// The port to connect to
    #[arg(short = 'p', value_name = "PORT")]
    pub(crate) port: Option<String>,

    /// Tell nothing, not even errors
    #[arg(short = 'q', action = ArgAction::Count)]
    pub(crate) quiet: u8,

    /// Pass connections to a port of the server, 0 for any, on to a host and port as they are reached from here; either end may
    /// be a socket's path; without host and port, to where each asks by SOCKS (may be given several times)
    #[arg(short = 'R', value_name = "[ADDRESS:]PORT[:HOST:PORT]")]
    pub(crate) remote_forwards: Vec<String>,

    /// The command is the name of a subsystem
    #[arg(short = 's')]
    pub(crate) subsystem: bool,

    /// Ask for a terminal; twice, even if there is none here
    #[arg(short = 't', action = ArgAction::Count)]
    pub(crate) terminal: u8,

    /// Ask for no terminal
    #[arg(short = 'T', conflicts_with = "terminal")]
    pub(crate) no_terminal: bool,

    /// Tell what happens; twice, in detail: what both sides offer, how windows grow; three times, every message
    #[arg(short = 'v', action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Run no command: pass stdin on to a host and port, or a socket's path, as the server reaches them, and to stdout what comes
    /// from there
    #[arg(short = 'W', value_name = "HOST:PORT")]
    pub(crate) stdio_forward: Option<String>,

    /// Log in to a server in this very process, which gives a shell or runs a command here: to try it without another machine. No
    /// destination is given then
    #[arg(long)]
    pub(crate) loopback: bool,

    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,

    /// Where to log in; asked for if it is missing
    #[arg(
        value_name = "DESTINATION",
        help = "Where to log in: [user@]host or ssh://[user@]host[:port]; asked for if it is missing"
    )]
    pub(crate) destination: Option<String>,

    /// The command and its arguments, joined by spaces for the shell of the host; without one, a shell
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub(crate) command: Vec<String>,
}

const USAGE: &str = "demo [-46AaCgNnqsTtvx] [-c ciphers] [-D [address:]port] [-E log_file] [-e escape_char]\n            \
[-F config_file] [-i identity_file] [-J jump_hosts] [-L forwarding] [-l user] [-m macs] [-o option] [-p port]\n            \
[-R forwarding] [-W host:port]\n            \
[[user@]host | ssh://[user@]host[:port] | --loopback] [command [argument ...]]";

/// Stands where the destination would.
const LOOPBACK: &str = "--loopback";

impl Args {
    /// Reads the command line. Behind `--loopback` comes the command, as behind a destination.
    pub(crate) fn from_words(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut words: Vec<OsString> = words.into_iter().collect();
        if let Some(at) = words.iter().position(|word| word == LOOPBACK) {
            // Unless it is a word of a command.
            let before = Self::try_parse_from(words.iter().take(at + 1));
            if before.is_ok_and(|args| args.loopback && args.destination.is_none()) {
                words.insert(at + 1, loopback::HOST.into());
            }
        }
        Self::try_parse_from(words)
    }

    /// What of it counts for a jump host that leads to this target: the rest is the destination's, as OpenSSH has it.
    pub(crate) fn of_jump(&self, target: String) -> Self {
        Self { config_file: self.config_file.clone(), stdio_forward: Some(target), ..Self::default() }
    }
}

/// `[user@]host` or `ssh://[user@]host[:port]`, taken apart but not checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Destination {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<String>,
}

impl Destination {
    /// Takes a destination apart; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (uri, authority) = match text.get(..6) {
            Some(scheme) if scheme.eq_ignore_ascii_case("ssh://") => (true, &text[6..]),
            _ => (false, text),
        };
        let authority = if uri { authority.strip_suffix('/').unwrap_or(authority) } else { authority };
        // The last one: names of users may be mail addresses.
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (user, (host, port)) = if uri {
            // RFC 3986 §3.2.1: parameters may follow the user's name.
            let user = user.map(|user| decode_percent(user.split(';').next()?));
            (user.map_or(Some(None), |user| user.map(Some))?, host_and_port(host)?)
        } else {
            (user.map(str::to_owned), (host, None))
        };
        if host.is_empty() || user.as_deref() == Some("") {
            return None;
        }
        Some(Self { user, host: host.to_owned(), port: port.map(str::to_owned) })
    }

    /// The same for a jump host, which may have its port behind it without being a URI: `[user@]host[:port]`.
    pub(crate) fn parse_jump(text: &str) -> Option<Self> {
        let whole = Self::parse(text)?;
        if text.contains("://") {
            return Some(whole);
        }
        let (host, port) = host_and_port(&whole.host).filter(|(host, _)| !host.is_empty())?;
        Some(Self { user: whole.user, host: host.to_owned(), port: port.map(str::to_owned) })
    }
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
fn host_and_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// RFC 3986 §2.1.
fn decode_percent(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Args {
        Args::from_words([&["demo"], arguments].concat().into_iter().map(OsString::from)).unwrap()
    }

    fn fails(arguments: &[&str]) -> String {
        Args::try_parse_from([&["demo"], arguments].concat()).unwrap_err().to_string()
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn letters_combine_and_glue() {
        let args = parse(&["-nvp2222", "-oPort=1", "-o", "User bob", "-tt", "-lalice", "-qq", "host"]);
        let expected = Args {
            stdin_null: true,
            verbose: 1,
            port: Some("2222".into()),
            options: vec!["Port=1".into(), "User bob".into()],
            terminal: 2,
            user: Some("alice".into()),
            quiet: 2,
            destination: Some("host".into()),
            ..Args::default()
        };
        assert_eq!(args, expected);
    }

    #[test]
    fn the_command_takes_the_rest() {
        let args = parse(&["-4", "host", "ls", "-l", "--", "-p", "22"]);
        assert_eq!(args.command, ["ls", "-l", "--", "-p", "22"]);
        assert_eq!((args.port, args.ipv4), (None, true));
    }

    #[test]
    fn options_may_stand_behind_the_host_as_openssh_has_it() {
        let args = parse(&["host", "-p", "2222", "-T", "ls", "-T", "-x"]);
        assert_eq!(args.command, ["ls", "-T", "-x"]);
        assert_eq!((args.port.as_deref(), args.no_terminal, args.no_x11), (Some("2222"), true, false));
        assert_eq!(parse(&["host", "--", "-x"]).command, ["-x"]);
        assert_eq!(parse(&["-s", "--", "host", "sftp"]).command, ["sftp"]);
    }

    #[test]
    fn behind_loopback_comes_the_command() {
        let args = parse(&["-v", "--loopback", "-T", "uname", "-a"]);
        assert!(args.loopback && args.no_terminal && args.verbose == 1 && !args.no_agent_forwarding);
        assert_eq!(args.command, ["uname", "-a"]);
        assert!(parse(&["--loopback"]).command.is_empty());
        let args = parse(&["host", "ls", "--loopback"]);
        assert!(!args.loopback);
        assert_eq!(args.command, ["ls", "--loopback"]);
        assert!(fails(&["--loopback", "-Z"]).contains("-Z"));
    }

    #[test]
    fn lists_may_begin_with_any_sign() {
        let args = parse(&["-c", "-3des-cbc", "-m", "^hmac-sha1", "host"]);
        assert_eq!((args.ciphers.as_deref(), args.macs.as_deref()), (Some("-3des-cbc"), Some("^hmac-sha1")));
        assert_eq!(parse(&["-c+aes128-cbc", "host"]).ciphers.as_deref(), Some("+aes128-cbc"));
    }

    #[test]
    fn what_is_not_known_is_an_error_that_names_it() {
        assert!(fails(&["-Z", "host"]).contains("-Z"));
        assert!(fails(&["host", "-Z"]).contains("-Z"));
        assert!(fails(&["-p"]).contains("-p"));
        assert!(fails(&["-46", "host"]).contains("-6"));
    }

    #[test]
    fn nothing_at_all_is_allowed() {
        assert_eq!(parse(&[]), Args::default());
    }

    #[test]
    fn destinations() {
        let destination = |user: Option<&str>, host: &str, port: Option<&str>| {
            let [user, port] = [user, port].map(|text| text.map(str::to_owned));
            Some(Destination { user, host: host.into(), port })
        };
        for (text, expected) in [
            ("host", destination(None, "host", None)),
            ("alice@host", destination(Some("alice"), "host", None)),
            ("a@b.c@host", destination(Some("a@b.c"), "host", None)),
            ("::1", destination(None, "::1", None)),
            ("alice@fe80::1%eth0", destination(Some("alice"), "fe80::1%eth0", None)),
            ("ssh://host", destination(None, "host", None)),
            ("ssh://alice@host:2222", destination(Some("alice"), "host", Some("2222"))),
            ("SSH://alice@host:2222/", destination(Some("alice"), "host", Some("2222"))),
            ("ssh://[::1]:2222", destination(None, "::1", Some("2222"))),
            ("ssh://[::1]", destination(None, "::1", None)),
            ("ssh://a%40b;x=y@host", destination(Some("a@b"), "host", None)),
            ("", None),
            ("@host", None),
            ("alice@", None),
            ("ssh://", None),
            ("ssh://::1", None),
            ("ssh://[::1", None),
            ("ssh://[::1]x", None),
            ("ssh://a%4@host", None),
            ("ssh://a%+1@host", None),
            ("ssh://a%ff@host", None),
        ] {
            assert_eq!(Destination::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn jump_hosts() {
        let jump = |text| {
            Destination::parse_jump(text).map(|Destination { user, host, port }| {
                let user = user.map_or_else(String::new, |user| user + "@");
                format!("{user}{host} {}", port.unwrap_or_default())
            })
        };
        for (text, expected) in [
            ("host", Some("host ")),
            ("alice@host:2222", Some("alice@host 2222")),
            ("a@b@host:1", Some("a@b@host 1")),
            ("[::1]:2222", Some("::1 2222")),
            ("alice@[::1]", Some("alice@::1 ")),
            ("ssh://alice@host:1", Some("alice@host 1")),
            ("::1", None),
            (":22", None),
            ("alice@", None),
            ("", None),
        ] {
            assert_eq!(jump(text).as_deref(), expected, "{text:?}");
        }
    }
}
