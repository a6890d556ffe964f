//! Servers for tests, and a client for them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test target uses its own part, and a test fails by panicking"
)]

use ssh_client::{Config, Credential, blocking::Session, host_key::Expect};
use ssh_server::{
    Authenticator, Fixed, ForwardAll, KeyKind, KeyPair, Limits, PrivateKey, Programs, PublicKey, Server,
    Signer,
    blocking::{Serving, Sessions},
    default_provider,
};
use std::{net::TcpListener, path::PathBuf, process::Command, sync::Arc, time::Duration};
use tempfile::TempDir;
use testing::KeyKind as Kind;

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server at work, and a directory with the key `key` of its only user, and one of nobody's, `other`.
pub(crate) struct Fixture {
    pub(crate) serving: Serving,
    pub(crate) dir: TempDir,
    host: PublicKey,
    key: Arc<KeyPair>,
}

/// A server to be.
pub(crate) struct Plan<H> {
    pub(crate) limits: Limits,
    pub(crate) programs: H,
    pub(crate) forwarding: bool,
    pub(crate) auth: Box<dyn FnOnce(PublicKey) -> Box<dyn Authenticator>>,
    pub(crate) banner: Option<String>,
}

/// Refusals without a delay.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.failure_delay = Duration::ZERO;
    limits
}

/// Runs programs, forwards everything, and lets alice in by a password or a key.
pub(crate) fn plan() -> Plan<Programs> {
    Plan {
        limits: limits(),
        programs: Programs::new(),
        forwarding: true,
        auth: Box::new(|key| Box::new(Fixed::new(USER).password(PASSWORD).key(key))),
        banner: None,
    }
}

impl<H: Sessions> Plan<H> {
    pub(crate) fn auth<A: Authenticator>(mut self, auth: impl FnOnce(PublicKey) -> A + 'static) -> Self {
        self.auth = Box::new(|key| Box::new(auth(key)));
        self
    }

    pub(crate) fn sessions<S: Sessions>(self, programs: S) -> Plan<S> {
        let Self { limits, programs: _, forwarding, auth, banner } = self;
        Plan { limits, programs, forwarding, auth, banner }
    }

    pub(crate) fn start(self) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let pair = testing::KeyPair::generate(Kind::Ed25519);
        pair.write(&dir.path().join("key"));
        testing::KeyPair::generate(Kind::Ed25519).write(&dir.path().join("other"));
        let provider = default_provider();
        let file = ssh_client::PrivateKeyFile::parse(pair.private()).unwrap();
        let private = file.decrypt(None).unwrap();
        let key = Arc::new(KeyPair::new(&private, &provider).unwrap());
        let (public, _) = PublicKey::from_line(pair.public_line()).unwrap();
        let private = PrivateKey::generate(KeyKind::Ed25519, provider.random).unwrap();
        let host = Arc::new(KeyPair::new(&private, &provider).unwrap());
        let host_public = PublicKey::from_blob(host.public_key()).unwrap();
        let mut builder = Server::builder()
            .host_key(host)
            .auth((self.auth)(public))
            .sessions(self.programs)
            .limits(self.limits);
        if self.forwarding {
            builder = builder.forwarding(ForwardAll);
        }
        if let Some(banner) = self.banner {
            builder = builder.banner(banner);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let serving = builder.build().unwrap().serve(listener).unwrap();
        Fixture { serving, dir, host: host_public, key }
    }
}

impl Fixture {
    pub(crate) fn port(&self) -> u16 {
        self.serving.address().port()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn signer(&self) -> Arc<dyn Signer> {
        self.key.clone()
    }

    /// Our own client's configuration, without a credential.
    pub(crate) fn config(&self, user: &str) -> Config {
        Config::new(user).host_key(Expect(self.host.clone()))
    }

    /// Our own client, logged in by its key.
    pub(crate) fn session(&self) -> Session {
        let config = self.config(USER).credential(Credential::signer(self.key.clone()));
        Session::connect(("127.0.0.1", self.port()), &config).unwrap()
    }

    pub(crate) fn connect(&self, config: &Config) -> Result<Session, ssh_client::Error> {
        Session::connect(("127.0.0.1", self.port()), config)
    }

    /// OpenSSH's client with `options`, which then runs `command`.
    pub(crate) fn ssh(
        &self,
        program: &PathBuf,
        user: &str,
        key: &str,
        options: &[&str],
        command: &[&str],
    ) -> Command {
        let mut ssh = Command::new(program);
        ssh.args(["-F", "none", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"])
            .args(["-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oLogLevel=ERROR"])
            .arg("-p")
            .arg(self.port().to_string())
            .arg("-i")
            .arg(self.path(key))
            .args(options)
            .arg(format!("{user}@127.0.0.1"))
            .args(command);
        ssh
    }
}

/// Bytes without a pattern that a window or a packet could have.
pub(crate) fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
