//! Everything a session is told beforehand.

use crate::{
    Awaited, Credential, HostMemory,
    host_key::{AsyncHostKeyPolicy, HostKeyPolicy, Policy, Refuse},
    ssh_config::AddressFamily,
};
use ssh_auth::certificate::CA_ALGORITHMS;
use ssh_crypto::{Provider, PublicKey, Secret, Signer, key::MIN_RSA_BITS};
use ssh_kex::{Algorithms, RekeyLimit};
use ssh_session::{Keepalive, Phase, Settings};
use ssh_wire::ident::Identification;
use std::{fmt, sync::Arc, time::Duration};

/// The port of the service `ssh`; in `known_hosts` a name without a port means this one.
const DEFAULT_PORT: u16 = 22;

/// Everything a session is told beforehand: who logs in and how, whom to trust, what to negotiate, how long to wait.
///
/// ```
/// use ssh_client::{Config, host_key::InsecureAcceptAny};
/// use std::time::Duration;
///
/// let config = Config::new("alice")
///     .password("correct horse")
///     .host_key(InsecureAcceptAny)
///     .keepalive(Duration::from_secs(15), 3);
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) user: String,
    pub(crate) address_family: AddressFamily,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) password_attempts: u32,
    pub(crate) host_key: Policy,
    pub(crate) host_alias: Option<String>,
    pub(crate) ca_algorithms: Vec<String>,
    required_rsa_size: usize,
    pub(crate) provider: Arc<Provider>,
    pub(crate) identification: Identification,
    pub(crate) algorithms: Algorithms,
    pub(crate) timeouts: Timeouts,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) rekey: RekeyLimit,
    pub(crate) windows: ssh_connection::Config,
    pub(crate) pipeline: bool,
    pub(crate) memory: Option<HostMemory>,
    pub(crate) on_banner: Option<ShowBanner>,
    pub(crate) change_password: Option<ChangePassword>,
}

/// Shows a text of the server.
pub(crate) type ShowBanner = Arc<dyn Fn(&str) + Send + Sync>;

/// Asks for the old and a new password, with the server's prompt.
#[derive(Clone)]
pub(crate) enum ChangePassword {
    Blocking(Arc<dyn Fn(&str) -> OldAndNew + Send + Sync>),
    Async(Arc<dyn Fn(String) -> Awaited<'static, OldAndNew> + Send + Sync>),
}

/// Two passwords, or none.
type OldAndNew = Option<(Secret, Secret)>;

/// How long each phase may take; `None` waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving the name and connecting, all addresses together.
    pub connect: Option<Duration>,
    /// The identification strings and the first key exchange together.
    pub handshake: Option<Duration>,
    /// Each answer of the server to an authentication request. A person's time to answer does not count.
    pub authentication: Option<Duration>,
    /// The answer to the opening of a channel.
    pub open: Option<Duration>,
    /// The answer to a request on a channel or the session.
    pub request: Option<Duration>,
    /// A later key exchange.
    pub rekey: Duration,
    /// How long closing waits for what was written to leave; and how long a session is read to which nothing can be written
    /// any more.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(30)),
            handshake: Some(Duration::from_secs(30)),
            authentication: Some(Duration::from_secs(60)),
            open: Some(Duration::from_secs(60)),
            request: Some(Duration::from_secs(60)),
            rekey: Duration::from_secs(120),
            close: Duration::from_secs(2),
        }
    }
}

impl Config {
    /// A configuration for `user` that has no credential yet and refuses every host key.
    pub fn new(user: impl Into<String>) -> Self {
        Self::with_provider(user, Arc::new(ssh_kex::default_provider()))
    }

    /// The same with algorithms of the caller's choice.
    pub fn with_provider(user: impl Into<String>, provider: Arc<Provider>) -> Self {
        Self {
            user: user.into(),
            address_family: AddressFamily::Any,
            credentials: Vec::new(),
            password_attempts: 3,
            host_key: Policy::Blocking(Arc::new(Refuse)),
            host_alias: None,
            ca_algorithms: CA_ALGORITHMS.map(str::to_owned).to_vec(),
            required_rsa_size: MIN_RSA_BITS,
            identification: identification(),
            algorithms: Algorithms::new(&provider),
            provider,
            timeouts: Timeouts::default(),
            keepalive: None,
            rekey: RekeyLimit::default(),
            windows: ssh_connection::Config::default(),
            pipeline: true,
            memory: None,
            on_banner: None,
            change_password: None,
        }
    }

    /// Whom to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The algorithms there are.
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// Which addresses of a host are connected to; all by default.
    #[must_use]
    pub fn address_family(mut self, family: AddressFamily) -> Self {
        self.address_family = family;
        self
    }

    /// Appends a credential; they are tried in this order.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credentials.push(credential);
        self
    }

    /// Appends a password.
    #[must_use]
    pub fn password(self, password: impl Into<Secret>) -> Self {
        self.credential(Credential::password(password))
    }

    /// Appends a key.
    #[must_use]
    pub fn key(self, signer: Arc<dyn Signer>) -> Self {
        self.credential(Credential::signer(signer))
    }

    /// How often [`Credential::AskPassword`] is asked again, and a refused dialogue repeated.
    #[must_use]
    pub fn password_attempts(mut self, attempts: u32) -> Self {
        self.password_attempts = attempts;
        self
    }

    /// How the server's key is checked. Without this call every key is refused.
    #[must_use]
    pub fn host_key(mut self, policy: impl HostKeyPolicy + 'static) -> Self {
        self.host_key = Policy::Blocking(Arc::new(policy));
        self
    }

    /// The same by a policy that is awaited.
    #[must_use]
    pub fn host_key_async(mut self, policy: impl AsyncHostKeyPolicy + 'static) -> Self {
        self.host_key = Policy::Async(Arc::new(policy));
        self
    }

    /// The name that stands for host and port when the host key is looked up.
    #[must_use]
    pub fn host_alias(mut self, alias: impl Into<String>) -> Self {
        self.host_alias = Some(alias.into());
        self
    }

    /// The signature algorithms by which authorities may have signed the certificates of hosts; others do not hold. By
    /// default [`CA_ALGORITHMS`]: none with SHA-1.
    #[must_use]
    pub fn ca_algorithms(mut self, names: Vec<String>) -> Self {
        self.ca_algorithms = names;
        self
    }

    /// The size in bits under which RSA keys are not taken: a host that shows a smaller one is refused, and a smaller one of the
    /// user's is not tried. It is at least, and by default, 1024 bits ([`MIN_RSA_BITS`]).
    #[must_use]
    pub fn required_rsa_size(mut self, bits: usize) -> Self {
        self.required_rsa_size = bits.max(MIN_RSA_BITS);
        self
    }

    /// The algorithms to offer, in order of preference.
    #[must_use]
    pub fn algorithms(mut self, algorithms: Algorithms) -> Self {
        self.algorithms = algorithms;
        self
    }

    /// Compresses what is sent in both directions once the user is authenticated, if the server can: for slow lines. It is
    /// off by default for the reasons that [`ssh_crypto::compression`] gives.
    #[must_use]
    pub fn compression(mut self) -> Self {
        self.algorithms = self.algorithms.compressed(&self.provider);
        self
    }

    /// The algorithms that are offered.
    pub fn offered(&self) -> &Algorithms {
        &self.algorithms
    }

    /// How long each phase may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Asks a server that is silent for `interval` whether it is there, and gives up after `count` questions. An
    /// interval of zero asks nothing.
    #[must_use]
    pub fn keepalive(mut self, interval: Duration, count: u32) -> Self {
        self.keepalive = (!interval.is_zero()).then_some(Keepalive { interval, count });
        self
    }

    /// When to exchange new keys.
    #[must_use]
    pub fn rekey(mut self, limit: RekeyLimit) -> Self {
        self.rekey = limit;
        self
    }

    /// What the client calls itself (RFC 4253 §4.2): `SSH-2.0-software`.
    #[must_use]
    pub fn identification(mut self, identification: Identification) -> Self {
        self.identification = identification;
        self
    }

    /// Receive windows and packet sizes of channels.
    #[must_use]
    pub fn windows(mut self, windows: ssh_connection::Config) -> Self {
        self.windows = windows;
        self
    }

    /// Whether requests are sent before the answer to the one before them is there (on by default, except to servers
    /// whose identification string names one that may not bear it). Switching it off costs round trips.
    #[must_use]
    pub fn pipeline(mut self, pipeline: bool) -> Self {
        self.pipeline = pipeline;
        self
    }

    /// Remembers what hosts negotiate, so that later sessions with them take a round trip less. Share one memory among
    /// the configurations of a program.
    #[must_use]
    pub fn memory(mut self, memory: &HostMemory) -> Self {
        self.memory = Some(memory.clone());
        self
    }

    /// Shows the server's banners (RFC 4252 §5.4). The text is the server's: clean it before it reaches a terminal.
    #[must_use]
    pub fn on_banner(mut self, show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_banner = Some(Arc::new(show));
        self
    }

    /// Says so if the key, or that in the certificate, is an RSA key that is too small.
    pub(crate) fn check_size(&self, key: &PublicKey) -> Result<(), String> {
        match key {
            PublicKey::Rsa { .. } if key.bits() < self.required_rsa_size => {
                Err(format!("RSA key of {} bits, and {} are required", key.bits(), self.required_rsa_size))
            }
            _ => Ok(()),
        }
    }

    /// What a session with any host is told.
    pub(crate) fn settings(&self) -> Settings {
        let mut kex = ssh_kex::Config::new(self.provider.clone());
        kex.identification = self.identification.clone();
        kex.algorithms = self.algorithms.clone();
        kex.rekey = self.rekey;
        kex.kex_timeout = self.timeouts.rekey;
        let mut settings = Settings::new(kex);
        settings.windows = self.windows.clone();
        settings.keepalive = self.keepalive;
        settings.open_timeout = self.timeouts.open;
        settings.request_timeout = self.timeouts.request;
        settings.close_timeout = self.timeouts.close;
        settings
    }

    /// The name and port that the key of this host is looked up by.
    pub(crate) fn known_as<'a>(&'a self, host: &'a str, port: u16) -> (&'a str, u16) {
        // As with OpenSSH, an alias stands for host and port.
        self.host_alias.as_ref().map_or((host, port), |alias| (alias.as_str(), DEFAULT_PORT))
    }

    /// How long the next step of the authentication may take, and what it is.
    pub(crate) fn authentication_step(&self, is_established: bool) -> (Phase, Option<Duration>) {
        match is_established {
            true => (Phase::Authentication, self.timeouts.authentication),
            false => (Phase::Handshake, self.timeouts.handshake),
        }
    }

    /// Answers a server that wants an expired password changed (RFC 4252 §8): with the old and the new one, or `None`
    /// to give up, as without this call. The argument is the server's prompt.
    #[must_use]
    pub fn change_password(
        mut self,
        change: impl Fn(&str) -> Option<(Secret, Secret)> + Send + Sync + 'static,
    ) -> Self {
        self.change_password = Some(ChangePassword::Blocking(Arc::new(change)));
        self
    }

    /// The same by an answer that is awaited.
    #[must_use]
    pub fn change_password_async<A>(mut self, change: impl Fn(String) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Option<(Secret, Secret)>> + Send + 'static,
    {
        let change = move |prompt| -> Awaited<'static, _> { Box::pin(change(prompt)) };
        self.change_password = Some(ChangePassword::Async(Arc::new(change)));
        self
    }
}

/// The name and version of this crate.
fn identification() -> Identification {
    #[expect(clippy::expect_used, reason = "a constant, which every test builds")]
    Identification::new(concat!("SSH-2.0-", env!("CARGO_PKG_NAME"), "_", env!("CARGO_PKG_VERSION")))
        .expect("a valid identification string")
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("user", &self.user)
            .field("credentials", &self.credentials)
            .field("algorithms", &self.algorithms)
            .field("timeouts", &self.timeouts)
            .field("keepalive", &self.keepalive)
            .field("rekey", &self.rekey)
            .finish_non_exhaustive()
    }
}
