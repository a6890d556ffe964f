//! Servers for tests, and a client for them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test target uses its own part, and a test fails by panicking"
)]

#[allow(unreachable_pub, reason = "shared by test targets")]
#[path = "../driver/mod.rs"]
mod driver;

use driver::TaskSessions;
pub(crate) use driver::{Serving, serve};
use ssh_client::{
    Config, Credential, Terminal, TerminalModes, TerminalSize,
    blocking::{Channel, Session},
    host_key::Expect,
};
use ssh_server::{
    Authenticator, CertifiedSigner, Client, Fixed, ForwardAll, KeyKind, KeyPair, Limits, Method, Permissions,
    PrivateKey, Programs, PublicKey, Server, Settings, Signer, Verdict, auth::Prompts, blocking::Sessions,
    default_provider,
};
use std::{
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
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
    exchanges: Arc<AtomicUsize>,
}

/// A server to be.
pub(crate) struct Plan<H> {
    pub(crate) limits: Limits,
    pub(crate) settings: Settings,
    pub(crate) programs: H,
    pub(crate) forwarding: bool,
    pub(crate) auth: Box<dyn FnOnce(PublicKey) -> Box<dyn Authenticator>>,
    pub(crate) banner: Option<String>,
    /// The name in the certificate of its host key, which is by [`testing::KeyPair::authority`].
    pub(crate) certified: Option<&'static str>,
    /// A list of revoked keys.
    pub(crate) revoked: Option<PathBuf>,
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
        settings: Settings::new(ssh_kex::Config::default()),
        programs: Programs::new(),
        forwarding: true,
        auth: Box::new(|key| Box::new(Fixed::new(USER).password(PASSWORD).key(key))),
        banner: None,
        certified: None,
        revoked: None,
    }
}

impl<H: Sessions + TaskSessions> Plan<H> {
    pub(crate) fn auth<A: Authenticator>(mut self, auth: impl FnOnce(PublicKey) -> A + 'static) -> Self {
        self.auth = Box::new(|key| Box::new(auth(key)));
        self
    }

    pub(crate) fn certified(mut self, name: &'static str) -> Self {
        self.certified = Some(name);
        self
    }

    pub(crate) fn revoked(mut self, list: &Path) -> Self {
        self.revoked = Some(list.to_owned());
        self
    }

    pub(crate) fn sessions<S: Sessions + TaskSessions>(self, programs: S) -> Plan<S> {
        let Self { limits, settings, programs: _, forwarding, auth, banner, certified, revoked } = self;
        Plan { limits, settings, programs, forwarding, auth, banner, certified, revoked }
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
        let signer =
            self.certified.map_or_else(|| host.clone() as Arc<dyn Signer>, |name| certified(&host, name));
        let exchanges = Arc::<AtomicUsize>::default();
        let mut builder = Server::builder()
            .host_key(Arc::new(Counting { signer, signatures: exchanges.clone() }))
            .auth((self.auth)(public))
            .sessions(self.programs)
            .limits(self.limits)
            .settings(self.settings);
        if self.forwarding {
            builder = builder.forwarding(ForwardAll);
        }
        if let Some(banner) = self.banner {
            builder = builder.banner(banner);
        }
        if let Some(list) = self.revoked {
            builder = builder.revoked_keys(list);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let serving = serve(&builder.build().unwrap(), listener);
        Fixture { serving, dir, host: host_public, key, exchanges }
    }
}

/// A host key that counts what is signed by it.
struct Counting {
    signer: Arc<dyn Signer>,
    signatures: Arc<AtomicUsize>,
}

impl Signer for Counting {
    fn public_key(&self) -> &[u8] {
        self.signer.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        self.signer.algorithms()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, ssh_client::crypto::SignError> {
        self.signatures.fetch_add(1, Ordering::Relaxed);
        self.signer.sign(algorithm, message)
    }
}

impl Fixture {
    pub(crate) fn port(&self) -> u16 {
        self.serving.address().port()
    }

    /// The key exchanges of all sessions so far: for each, the host key signs once.
    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::Relaxed)
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

/// `vt100`, of this size in characters.
pub(crate) fn terminal(columns: u32, rows: u32) -> Terminal {
    Terminal {
        term: "vt100".into(),
        size: TerminalSize { columns, rows, width: 0, height: 0 },
        modes: TerminalModes::default(),
    }
}

/// Reads until the text has come, and answers with all that was read.
pub(crate) fn read_until(channel: &Channel, text: &str) -> String {
    channel.set_read_timeout(Some(PATIENCE));
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let told = String::from_utf8_lossy(&seen).into_owned();
        if told.contains(text) {
            return told;
        }
        match { channel }.read(&mut buffer) {
            Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
            other => panic!("{other:?} without {text:?} behind {told:?}"),
        }
    }
}

/// Waits until it is so.
pub(crate) fn wait_for(name: &str, mut what: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !what() {
        assert!(Instant::now() < deadline, "waited in vain for {name}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The key with a certificate for a host.
fn certified(host: &Arc<KeyPair>, name: &str) -> Arc<dyn Signer> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("host");
    let public = PublicKey::from_blob(host.public_key()).unwrap();
    std::fs::write(path.with_extension("pub"), public.to_line("")).unwrap();
    testing::KeyPair::authority().certify(&path, &["-h", "-n", name]);
    let certificate = ssh_client::certificate::read_file(dir.path().join("host-cert.pub")).unwrap();
    Arc::new(CertifiedSigner::new(host.clone(), certificate).unwrap())
}

pub(crate) const CODE: &str = "314159";

/// Wants a key, and then a code.
pub(crate) struct KeyAndCode(pub(crate) PublicKey);

impl Authenticator for KeyAndCode {
    fn methods(&self) -> Vec<Method> {
        vec![Method::PublicKey]
    }

    fn check(&self, client: &Client<'_>, credential: &ssh_server::Credential<'_>) -> Verdict {
        use ssh_server::Credential;
        match (credential, client.passed) {
            _ if client.user != USER => Verdict::Reject,
            (Credential::Key(key), []) if **key == self.0 => {
                Verdict::Partial(Permissions::all(), vec![Method::KeyboardInteractive])
            }
            (Credential::Interactive([]), [Method::PublicKey]) => Verdict::Ask(Prompts::secret("Code: ")),
            (Credential::Interactive([round]), [Method::PublicKey]) => {
                Verdict::accept_if(round.answers == [CODE.into()])
            }
            _ => Verdict::Reject,
        }
    }
}
