//! What these tests share.

use crate::facade::Session;
use ssh_client::{
    Algorithms, Config, Credential, Provider, PublicKey, RekeyLimit, Timeouts, default_provider,
    host_key::Expect,
};
use std::{io::Write, sync::Arc, time::Duration};
use testing::{KeyKind, Server};

/// Long enough for a loaded machine, short enough for a test that hangs to be noticed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The server that a whole process of tests shares: started by the first that asks, or found missing by it.
///
/// It is kept to the end of the process, and stops with it.
macro_rules! shared {
    ($type:ty, $start:expr) => {
        pub(crate) fn server(test: &str) -> Option<&'static $type> {
            static SERVER: std::sync::OnceLock<Result<$type, String>> = std::sync::OnceLock::new();
            match SERVER.get_or_init(|| $start) {
                Ok(server) => Some(server),
                Err(why) => {
                    testing::skip(&format!("{}::{test}", module_path!()), why);
                    None
                }
            }
        }
    };
}
pub(crate) use shared;

/// Tests, `name = scenario, arguments`: each runs the scenario against the shared server of the module.
macro_rules! tests {
    ($($name:ident = $scenario:path $(, $argument:expr)*;)*) => {$(
        #[test]
        fn $name() {
            let Some(server) = server(stringify!($name)) else { return };
            let _telling = $crate::support::Telling(server);
            $scenario(server $(, $argument)*);
        }
    )*};
}
pub(crate) use tests;

/// Shows the end of the server's log when its test fails.
pub(crate) struct Telling<'a>(pub(crate) &'a dyn Server);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.0.log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(40)..].join("\n");
            let _ = writeln!(std::io::stderr(), "--- end of the server's log:\n{last}\n---");
        }
    }
}

/// Trusts the server's key of this kind and has no credential.
pub(crate) fn config(server: &dyn Server, kind: KeyKind) -> Config {
    config_with(default_provider(), server, kind)
}

/// The same by these algorithms.
pub(crate) fn config_with(provider: Provider, server: &dyn Server, kind: KeyKind) -> Config {
    let key = PublicKey::from_line(server.host_key(kind).public_line()).unwrap().0;
    let time = Some(PATIENCE);
    let timeouts = Timeouts {
        connect: time,
        handshake: time,
        authentication: time,
        open: time,
        request: time,
        ..Timeouts::default()
    };
    Config::with_provider(server.user(), Arc::new(provider)).host_key(Expect(key)).timeouts(timeouts)
}

/// The user's key of this kind.
pub(crate) fn key(server: &dyn Server, kind: KeyKind, config: &Config) -> Credential {
    Credential::key_file(server.user_key_path(kind), None, config.provider()).unwrap()
}

/// Logs in with the ed25519 key, and has all defaults.
pub(crate) fn logs_in(server: &dyn Server) -> Config {
    let config = config(server, KeyKind::Ed25519);
    let key = key(server, KeyKind::Ed25519, &config);
    config.credential(key)
}

pub(crate) fn connect(server: &dyn Server, config: &Config) -> Session {
    Session::connect(("127.0.0.1", server.port()), config).unwrap_or_else(|error| panic!("{error}"))
}

/// A session with an ed25519 key, and all defaults.
pub(crate) fn session(server: &dyn Server) -> Session {
    connect(server, &logs_in(server))
}

/// New keys every `bytes`.
pub(crate) fn every(bytes: u64) -> RekeyLimit {
    RekeyLimit { bytes, ..RekeyLimit::default() }
}

/// The algorithms that are offered by default, changed.
pub(crate) fn only(config: &Config, change: impl FnOnce(&mut Algorithms)) -> Algorithms {
    let mut algorithms = config.offered().clone();
    change(&mut algorithms);
    algorithms
}
