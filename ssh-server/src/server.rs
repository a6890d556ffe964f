//! A server, and how it is built. What serves is in [`blocking`](crate::blocking).

use crate::{
    Authenticator, Forwarding, Limits, NoForwarding,
    auth::{Dialogue, Method, Revoking},
    blocking::NoSessions,
};
use ssh_auth::server::ServerConfig;
use ssh_crypto::{Provider, Signer, key::CertificateAlgorithm};
use ssh_session::{Error, ErrorKind, Keepalive, Settings};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// A server: its keys, who may in and what is done for them. It is a handle: clones are the same server.
///
/// `H` is what serves session channels. Its kind decides by which driver the server is run: [`Server::serve`] takes those
/// for threads.
pub struct Server<H = NoSessions>(Arc<Parts<H>>);

/// What a server is made of, whichever its driver.
pub(crate) struct Parts<H> {
    host_keys: Vec<Arc<dyn Signer>>,
    authenticator: Arc<dyn Authenticator>,
    pub(crate) forwarding: Arc<dyn Forwarding>,
    banner: Option<String>,
    pub(crate) limits: Limits,
    settings: Settings,
    pub(crate) handler: H,
}

/// A server to be.
pub struct Builder<H> {
    host_keys: Vec<Arc<dyn Signer>>,
    authenticator: Option<Arc<dyn Authenticator>>,
    revoked: Vec<PathBuf>,
    forwarding: Arc<dyn Forwarding>,
    banner: Option<String>,
    limits: Limits,
    settings: Settings,
    handler: H,
}

impl Server {
    /// A server that lets nobody in, and does nothing for them.
    pub fn builder() -> Builder<NoSessions> {
        let mut settings = Settings::new(ssh_kex::Config::default());
        settings.keepalive = Some(KEEPALIVE);
        Builder {
            host_keys: Vec::new(),
            authenticator: None,
            revoked: Vec::new(),
            forwarding: Arc::new(NoForwarding),
            banner: None,
            limits: Limits::default(),
            settings,
            handler: NoSessions,
        }
    }
}

/// Who has not answered for three minutes is not there any more.
const KEEPALIVE: Keepalive = Keepalive { interval: Duration::from_secs(60), count: 3 };

impl<H> Builder<H> {
    /// Adds a host key, or a certificate of one ([`CertifiedSigner`](crate::CertifiedSigner)). At least one key is needed; of several, the
    /// client chooses by their types. Of two of the same type, only the first is shown. A certificate stands beside its key, for
    /// clients that do not know the authority.
    pub fn host_key(mut self, key: Arc<dyn Signer>) -> Self {
        self.host_keys.push(key);
        self
    }

    /// Lets those in whom `authenticator` accepts.
    pub fn auth(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Refuses the keys and certificates that this list revokes, whatever the authenticator says of them: public keys, one
    /// a line, or a key revocation list ([`ssh_auth::revoked`]), as for OpenSSH's `RevokedKeys`. Each call adds a list.
    ///
    /// A list is read anew whenever a key would be accepted. One that is missing or damaged, that has more than 64 MiB,
    /// that belongs to somebody else than root and this process's user, or that others may write to, refuses all keys; the
    /// log tells why. Passwords and dialogues are not concerned.
    pub fn revoked_keys(mut self, list: impl Into<PathBuf>) -> Self {
        self.revoked.push(list.into());
        self
    }

    /// Lets `handler` serve session channels: [`Programs`](crate::Programs), or one of your own.
    pub fn sessions<S>(self, handler: S) -> Builder<S> {
        let Self { host_keys, authenticator, revoked, forwarding, banner, limits, settings, handler: _ } =
            self;
        Builder { host_keys, authenticator, revoked, forwarding, banner, limits, settings, handler }
    }

    /// Lets connections be forwarded as `policy` decides.
    pub fn forwarding(mut self, policy: impl Forwarding) -> Self {
        self.forwarding = Arc::new(policy);
        self
    }

    /// Shows this text to whoever asks to be let in, before anything is decided (RFC 4252 §5.4).
    pub fn banner(mut self, text: impl Into<String>) -> Self {
        self.banner = Some(text.into());
        self
    }

    /// Takes other limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes other settings: algorithms, rekeying, windows, and how often a silent client is asked for a sign of life, which is
    /// every minute without this call, and never in [`Settings::new`]. What [`Limits`] limit comes from there.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The server.
    ///
    /// # Errors
    /// There is no host key, none that can sign by an algorithm of the settings, or no authenticator.
    pub fn build(self) -> Result<Server<H>, Error> {
        let usage = |message: &str| Error::new(ErrorKind::Usage, message);
        let authenticator = self.authenticator.ok_or_else(|| usage("a server needs an authenticator"))?;
        if self.host_keys.is_empty() {
            return Err(usage("a server needs a host key"));
        }
        let authenticator = match self.revoked.is_empty() {
            true => authenticator,
            false => Arc::new(Revoking { inner: authenticator, lists: self.revoked }),
        };
        let mut settings = self.settings;
        let wanted = &mut settings.kex.algorithms.host_key;
        let own: Vec<_> = self.host_keys.iter().flat_map(|key| key.algorithms()).collect();
        // Whoever shows a certificate wants it to be seen, by clients that look for one: their lists decide (RFC 4253 §7.1).
        for certified in own.iter().filter_map(|name| CertificateAlgorithm::from_name(name)) {
            let is_new = wanted.iter().all(|name| name != certified.name);
            if is_new && wanted.iter().any(|name| name == certified.signature) {
                wanted.push(certified.name.to_owned());
            }
        }
        if !wanted.iter().any(|name| own.contains(&name.as_str())) {
            return Err(usage("no host key can sign by one of the algorithms wanted"));
        }
        let limits = self.limits;
        settings.channel_requests = true;
        let windows = &mut settings.windows;
        windows.max_channels = limits.channels.saturating_add(limits.connections);
        windows.max_session_window = limits.unread.into();
        windows.max_window = windows.max_window.min(limits.unread / 2);
        windows.window = windows.window.min(windows.max_window);
        Ok(Server(Arc::new(Parts {
            host_keys: self.host_keys,
            authenticator,
            forwarding: self.forwarding,
            banner: self.banner,
            limits,
            settings,
            handler: self.handler,
        })))
    }
}

impl<H> Server<H> {
    /// The algorithms' implementations.
    pub fn provider(&self) -> &Arc<Provider> {
        self.0.provider()
    }

    pub(crate) fn parts(&self) -> &Arc<Parts<H>> {
        &self.0
    }
}

impl<H> Clone for Server<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// What a driver starts a session with.
impl<H> Parts<H> {
    pub(crate) fn provider(&self) -> &Arc<Provider> {
        &self.settings.kex.provider
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    pub(crate) fn host_keys(&self) -> Vec<Arc<dyn Signer>> {
        self.host_keys.clone()
    }

    pub(crate) fn auth_config(&self) -> ServerConfig {
        let methods: Vec<_> = self.authenticator.methods().into_iter().map(Method::name).collect();
        let mut config = ServerConfig::new(self.provider().clone(), &methods);
        config.max_attempts = self.limits.attempts;
        config.algorithms = self.settings.kex.algorithms.user_key.clone();
        config.banner = self.banner.clone();
        // What a key's permissions say counts.
        config.untouched = true;
        config
    }

    /// The authentication of a client that comes from there.
    pub(crate) fn dialogue(&self, client: Option<SocketAddr>) -> Dialogue {
        Dialogue::new(self.authenticator.clone(), self.provider().clone(), client)
    }
}
