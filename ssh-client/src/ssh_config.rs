//! The options of `ssh_config(5)` that this library honours, from files and from `-o`.
//!
//! For each option the first value wins, so what matters most is read first:
//!
//! ```
//! use ssh_client::ssh_config::{Context, Options};
//! use std::path::Path;
//!
//! let context = Context { host: "web1".into(), local_user: "alice".into(), home: "/home/alice".into() };
//! let mut options = Options::default();
//! options.set("Port=2222")?; // the command line
//! options.read_text(
//!     "Host web*\n  HostName %h.example.com\n  Port 22\nHost *\n  User bob\n",
//!     Path::new("/home/alice/.ssh/config"),
//!     &context,
//! )?;
//! assert_eq!(options.port.as_deref(), Some(&2222));
//! assert_eq!(options.target(&context)?, "web1.example.com");
//! assert_eq!(options.user.map(|user| user.value.to_string()), Some("bob".into()));
//! # Ok::<(), ssh_client::ssh_config::ConfigError>(())
//! ```
//!
//! # What a file may hold
//! - Every option below, in `Host` blocks, in `Match` blocks with the criteria `all`, `host`, `originalhost`, `user`,
//!   `localuser`, `final` and `canonical`, and in files named by `Include`. Where there is a `Match final`, all is read a
//!   second time: then it holds, and so does `canonical`, though names are not canonicalised; `Host` is compared with
//!   what `HostName` has made of the name, and options that have a value keep it.
//!   Any other criterion is an error that names file and line.
//! - Options that OpenSSH knows and this library does not honour. They are told in the debug log. Those that would change to
//!   whom a connection goes or whom it trusts are an error where they count (`CanonicalizeHostname`, `ProxyCommand`,
//!   `RefuseConnection`, `KnownHostsCommand`, `PermitRemoteOpen`), unless they ask for nothing: `no`, `none`, or `any`. By [`Options::set`] every one of
//!   them is an error, unless its value turns off what is not there anyway.
//! - Options named by `IgnoreUnknown`. Any other is an error that names it.

mod agent;
mod algorithms;
mod apply;
mod file;
mod forward;
mod line;
mod names;
mod tokens;
mod unhonoured;
mod value;

pub use agent::{AddKeys, AgentSocket, ForwardAgent};
pub use algorithms::{AlgorithmList, ListError};
pub use file::Scope;
pub use forward::{Forward, ForwardError, Listen, Target};
pub use names::{HostName, NameError, UserName};
pub use tokens::{ExpandError, Tokens};
pub use value::{
    AddressFamily, EscapeChar, LogLevel, RekeyLimit, RequestTty, SessionType, StrictHostKeyChecking,
};

use crate::pattern;
use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The options that were given; what was not is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `AddKeysToAgent`.
    pub add_keys_to_agent: Option<Setting<AddKeys>>,
    /// `AddressFamily`: see [`Config::address_family`](crate::Config::address_family).
    pub address_family: Option<Setting<AddressFamily>>,
    /// `BatchMode`: nobody can be asked.
    pub batch_mode: Option<Setting<bool>>,
    /// `CASignatureAlgorithms`: see [`Config::ca_algorithms`](crate::Config::ca_algorithms).
    pub ca_signature_algorithms: Option<Setting<AlgorithmList>>,
    /// `CertificateFile`, each one of every place, in order. Expand with [`Tokens::path`]. The value `none` stands for no
    /// file at all.
    pub certificate_files: Vec<Setting<String>>,
    /// `Ciphers`.
    pub ciphers: Option<Setting<AlgorithmList>>,
    /// `ClearAllForwardings`: those below are not meant.
    pub clear_all_forwardings: Option<Setting<bool>>,
    /// `Compression`: see [`Algorithms::compressed`](crate::Algorithms::compressed).
    pub compression: Option<Setting<bool>>,
    /// `ConnectTimeout`; `None` inside is no limit but the system's.
    pub connect_timeout: Option<Setting<Option<Duration>>>,
    /// `EscapeChar`.
    pub escape_char: Option<Setting<EscapeChar>>,
    /// `ExitOnForwardFailure`.
    pub exit_on_forward_failure: Option<Setting<bool>>,
    /// `ForwardAgent`.
    pub forward_agent: Option<Setting<ForwardAgent>>,
    /// `GatewayPorts`: whether other machines may connect to local forwardings that name no address.
    pub gateway_ports: Option<Setting<bool>>,
    /// `GlobalKnownHostsFile`; empty for `none`. Expand with [`Tokens::path`].
    pub global_known_hosts_files: Option<Setting<Vec<String>>>,
    /// `HashKnownHosts`.
    pub hash_known_hosts: Option<Setting<bool>>,
    /// `HostKeyAlgorithms`.
    pub host_key_algorithms: Option<Setting<AlgorithmList>>,
    /// `HostKeyAlias`: the name to look for in known hosts files.
    pub host_key_alias: Option<Setting<String>>,
    /// `HostName`, unexpanded: ask [`Options::target`].
    pub host_name: Option<Setting<String>>,
    /// `IdentitiesOnly`.
    pub identities_only: Option<Setting<bool>>,
    /// `IdentityAgent`.
    pub identity_agent: Option<Setting<AgentSocket>>,
    /// `IdentityFile`, each one of every place, in order. Expand with [`Tokens::path`]. The value `none` stands for no
    /// file at all.
    pub identity_files: Vec<Setting<String>>,
    /// `KbdInteractiveAuthentication`.
    pub kbd_interactive_authentication: Option<Setting<bool>>,
    /// `KexAlgorithms`.
    pub kex_algorithms: Option<Setting<AlgorithmList>>,
    /// `LocalForward` and `DynamicForward`, each one of every place, in order.
    pub local_forwards: Vec<Setting<Forward>>,
    /// `LogLevel`.
    pub log_level: Option<Setting<LogLevel>>,
    /// `MACs`.
    pub macs: Option<Setting<AlgorithmList>>,
    /// `NumberOfPasswordPrompts`.
    pub number_of_password_prompts: Option<Setting<u32>>,
    /// `PasswordAuthentication`.
    pub password_authentication: Option<Setting<bool>>,
    /// `Port`.
    pub port: Option<Setting<u16>>,
    /// `PreferredAuthentications`.
    pub preferred_authentications: Option<Setting<Vec<String>>>,
    /// `ProxyJump`, unexpanded: the hosts to go over, in order, each as `[user@]host[:port]` or a URI; empty for `none`. Whoever
    /// passes over it connects to another host than the user means.
    pub proxy_jump: Option<Setting<Vec<String>>>,
    /// `PubkeyAcceptedAlgorithms`.
    pub pubkey_accepted_algorithms: Option<Setting<AlgorithmList>>,
    /// `PubkeyAuthentication`.
    pub pubkey_authentication: Option<Setting<bool>>,
    /// `RekeyLimit`.
    pub rekey_limit: Option<Setting<RekeyLimit>>,
    /// `RemoteCommand`, unexpanded; `None` inside for `none`.
    pub remote_command: Option<Setting<Option<String>>>,
    /// `RemoteForward`, each one of every place, in order.
    pub remote_forwards: Vec<Setting<Forward>>,
    /// `RequestTTY`.
    pub request_tty: Option<Setting<RequestTty>>,
    /// `RequiredRSASize`: see [`Config::required_rsa_size`](crate::Config::required_rsa_size).
    pub required_rsa_size: Option<Setting<u32>>,
    /// `RevokedHostKeys`; empty for `none`. Expand with [`Tokens::path`]; see [`NotRevoked`](crate::host_key::NotRevoked).
    pub revoked_host_keys: Option<Setting<Vec<String>>>,
    /// `SendEnv`: patterns, of every place. Ask [`Options::sends_env`].
    pub send_env: Vec<String>,
    /// `ServerAliveCountMax`.
    pub server_alive_count_max: Option<Setting<u32>>,
    /// `ServerAliveInterval`; `None` inside asks for no signs of life.
    pub server_alive_interval: Option<Setting<Option<Duration>>>,
    /// `SessionType`.
    pub session_type: Option<Setting<SessionType>>,
    /// `SetEnv`: names and values.
    pub set_env: Option<Setting<Vec<(String, String)>>>,
    /// `StdinNull`.
    pub stdin_null: Option<Setting<bool>>,
    /// `StreamLocalBindUnlink`: whether a socket that is to be listened on may take the place of another.
    pub stream_local_bind_unlink: Option<Setting<bool>>,
    /// `StrictHostKeyChecking`.
    pub strict_host_key_checking: Option<Setting<StrictHostKeyChecking>>,
    /// `User`.
    pub user: Option<Setting<UserName>>,
    /// `UserKnownHostsFile`; empty for `none`. Expand with [`Tokens::path`].
    pub user_known_hosts_files: Option<Setting<Vec<String>>>,

    /// `IgnoreUnknown`: patterns in lower case.
    ignore_unknown: Option<Setting<String>>,
}

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it was given.
    pub origin: Origin,
}

impl<T> Deref for Setting<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Where an option was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// By [`Options::set`].
    CommandLine,
    /// In a file.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line, from 1; 0 for the file as a whole.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// What blocks of a file are chosen by, and what names are completed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The host as the user gave it.
    pub host: String,
    /// Who runs the program.
    pub local_user: String,
    /// Their home directory.
    pub home: PathBuf,
}

/// An option, a line or a file that can't be honoured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct ConfigError {
    /// Where.
    pub origin: Origin,
    /// What is wrong.
    pub problem: String,
}

impl Options {
    /// Takes an option as `-o` does: `Key=Value` or `Key Value`.
    ///
    /// # Errors
    /// The option is not known or not honoured, or its value is not one of its kind.
    pub fn set(&mut self, option: &str) -> Result<(), ConfigError> {
        let origin = Origin::CommandLine;
        let failed = |problem| ConfigError { origin: origin.clone(), problem };
        let line = line::Line::parse(option)
            .map_err(|problem| failed(problem.to_owned()))?
            .ok_or_else(|| failed(format!("{option:?} is no option")))?;
        apply::apply(self, &line, &origin).map_err(failed)
    }

    /// Takes an option with a single value as it is, blanks and quotes included: what an argument of a program gives.
    ///
    /// # Errors
    /// As [`Options::set`].
    pub fn set_value(&mut self, keyword: &str, value: &str) -> Result<(), ConfigError> {
        let line = line::Line { keyword, rest: value, arguments: vec![value.to_owned()] };
        let origin = Origin::CommandLine;
        apply::apply(self, &line, &origin).map_err(|problem| ConfigError { origin, problem })
    }

    /// Where to connect to: `HostName`, expanded, or the host itself. It is a name that may be connected to.
    ///
    /// # Errors
    /// The name holds what no name of a host does.
    pub fn target(&self, context: &Context) -> Result<HostName, ConfigError> {
        let (name, origin) = match &self.host_name {
            Some(setting) => {
                let host = tokens::host_name(setting, &context.host);
                (host.map_err(|error| error.to_string()), setting.origin.clone())
            }
            None => (Ok(context.host.clone()), Origin::CommandLine),
        };
        let name = name.and_then(|name| name.parse().map_err(|error: NameError| error.to_string()));
        name.map_err(|problem| ConfigError { origin, problem })
    }

    /// Whether `SendEnv` names this environment variable.
    pub fn sends_env(&self, name: &str) -> bool {
        self.send_env.iter().any(|pattern| pattern::matches(pattern, name))
    }
}

#[cfg(test)]
mod tests;
