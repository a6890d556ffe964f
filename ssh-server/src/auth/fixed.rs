//! One user.

use super::{Authenticator, Client, Credential, Method, Verdict};
use crate::Permissions;
use ssh_crypto::{PublicKey, Secret};

/// One user, with a password, keys or both; any of them is enough, unless [`Fixed::all`] are wanted.
#[derive(Debug)]
pub struct Fixed {
    user: String,
    password: Option<Secret>,
    keys: Vec<PublicKey>,
    all: bool,
}

impl Fixed {
    /// A user who can't get in yet.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), password: None, keys: Vec::new(), all: false }
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

    /// Wants both, one of the keys and the password, in whichever order.
    pub fn all(mut self) -> Self {
        self.all = true;
        self
    }
}

impl Authenticator for Fixed {
    fn methods(&self) -> Vec<Method> {
        let keys = (!self.keys.is_empty()).then_some(Method::PublicKey);
        let password = self.password.is_some().then_some(Method::Password);
        keys.into_iter().chain(password).collect()
    }

    fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
        // Both are looked at, whoever the user is.
        let (method, fits) = match credential {
            Credential::Password(password) => (Method::Password, self.password.as_ref() == Some(*password)),
            Credential::Key(key) => (Method::PublicKey, self.keys.contains(key)),
            _ => return Verdict::Reject,
        };
        if !(fits & (client.user == self.user)) {
            return Verdict::Reject;
        }
        let mut missing = [Method::PublicKey, Method::Password].to_vec();
        missing.retain(|other| *other != method && !client.passed.contains(other));
        if self.all && !missing.is_empty() {
            return Verdict::Partial(Permissions::all(), missing);
        }
        Verdict::accept()
    }
}
