//! Who may in.

use ssh_auth::server::ServerEvent;
use ssh_crypto::{PublicKey, Secret};

/// Decides who may in. Sessions ask from threads of their own, at the same time.
///
/// Refusals leave no sooner than [`Limits::failure_delay`](crate::Limits::failure_delay) after the request came, so
/// that the time of an answer tells nothing as long as the decision takes less.
pub trait Authenticator: Send + Sync + 'static {
    /// The methods with which a client may begin: `publickey`, `password`.
    fn methods(&self) -> Vec<&'static str>;

    /// Whether this is enough.
    fn check(&self, user: &str, credential: &Credential<'_>) -> Verdict;
}

/// What a client shows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Credential<'a> {
    /// A password.
    Password(&'a Secret),
    /// A key. For a client that only asks whether the key would do, too: nobody gets in before a signature by the key
    /// was verified.
    Key(&'a PublicKey),
}

/// What is said to a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The user is in.
    Accept,
    /// The credential is no good.
    Reject,
    /// The credential is good, but one by each of these methods is wanted, too: the client goes on with one of them.
    /// A key that a client only asks about is answered as if it were enough.
    Partial(Vec<&'static str>),
}

/// One user, with a password, keys or both; any of them is enough.
#[derive(Debug)]
pub struct Fixed {
    user: String,
    password: Option<Secret>,
    keys: Vec<PublicKey>,
}

impl Fixed {
    /// A user who can't get in yet.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), password: None, keys: Vec::new() }
    }

    /// Lets the user in with this password.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Lets the user in with this key.
    pub fn key(mut self, key: PublicKey) -> Self {
        self.keys.push(key);
        self
    }
}

impl Authenticator for Fixed {
    fn methods(&self) -> Vec<&'static str> {
        let keys = (!self.keys.is_empty()).then_some("publickey");
        let password = self.password.is_some().then_some("password");
        keys.into_iter().chain(password).collect()
    }

    fn check(&self, user: &str, credential: &Credential<'_>) -> Verdict {
        // Both are looked at, whoever the user is.
        let fits = match credential {
            Credential::Password(password) => self.password.as_ref() == Some(*password),
            Credential::Key(key) => self.keys.contains(key),
        };
        if fits & (user == self.user) { Verdict::Accept } else { Verdict::Reject }
    }
}

/// What the engine asks, in the terms of an [`Authenticator`].
pub(crate) struct Question {
    pub(crate) verdict: Verdict,
    /// Whether the client only asks about a key.
    pub(crate) is_probe: bool,
}

impl Question {
    /// Puts `event` to the authenticator; what it has no terms for is refused.
    pub(crate) fn put(authenticator: &dyn Authenticator, event: &ServerEvent) -> Self {
        let is_probe = matches!(event, ServerEvent::PublickeyProbe { .. });
        let verdict = match event {
            ServerEvent::Password { user, password } => {
                authenticator.check(user, &Credential::Password(password))
            }
            ServerEvent::PublickeyProbe { user, public_key, .. }
            | ServerEvent::Publickey { user, public_key, .. } => {
                // Certificates are no plain keys, and refused here.
                match PublicKey::from_blob(public_key) {
                    Ok(key) => authenticator.check(user, &Credential::Key(&key)),
                    Err(_) => Verdict::Reject,
                }
            }
            _ => Verdict::Reject,
        };
        Self { verdict, is_probe }
    }
}
