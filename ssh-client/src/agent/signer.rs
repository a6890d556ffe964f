//! A key that an agent keeps, as something that signs.

use super::{Agent, Identity};
use ssh_crypto::{SignError, Signer};
use ssh_wire::Reader;
use std::fmt;

/// A key or certificate that an agent keeps.
#[derive(Clone)]
pub struct AgentSigner {
    agent: Agent,
    identity: Identity,
    algorithms: Vec<String>,
}

impl AgentSigner {
    /// One of the identities that [`Agent::list`] gave.
    pub fn new(agent: Agent, identity: Identity) -> Self {
        let algorithms = algorithms(key_type(&identity.blob), false);
        Self { agent, identity, algorithms }
    }

    /// Adds the algorithms with SHA-1, `ssh-rsa` and `ssh-dss`, for servers that know nothing better.
    #[must_use]
    pub fn with_legacy(mut self) -> Self {
        self.algorithms = algorithms(key_type(&self.identity.blob), true);
        self
    }

    /// What the agent says about the key.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Signer for AgentSigner {
    fn public_key(&self) -> &[u8] {
        &self.identity.blob
    }

    fn algorithms(&self) -> Vec<&str> {
        self.algorithms.iter().map(String::as_str).collect()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.agent
            .sign(&self.identity.blob, algorithm, message)
            .map_err(|error| SignError::Failed(error.to_string()))
    }
}

impl fmt::Debug for AgentSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentSigner({} {:?})", key_type(&self.identity.blob), self.identity.comment)
    }
}

/// The type that a blob begins with; empty if that can't be read.
pub(crate) fn key_type(blob: &[u8]) -> &str {
    Reader::new(blob).string().ok().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

/// The algorithms that a key or certificate of this type signs by, the best first. A type that is not known is taken
/// for the name of its only algorithm, as it is with all but RSA.
pub(crate) fn algorithms(key_type: &str, legacy: bool) -> Vec<String> {
    let (sound, broken): (&[&str], &[&str]) = match key_type {
        "ssh-rsa" => (&["rsa-sha2-512", "rsa-sha2-256"], &["ssh-rsa"]),
        "ssh-rsa-cert-v01@openssh.com" => (
            &["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"],
            &["ssh-rsa-cert-v01@openssh.com"],
        ),
        "ssh-dss" | "ssh-dss-cert-v01@openssh.com" => (&[], &[key_type]),
        "" => (&[], &[]),
        _ => (&[key_type], &[]),
    };
    let broken = broken.iter().filter(|_| legacy);
    sound.iter().chain(broken).map(|&name| name.to_owned()).collect()
}
