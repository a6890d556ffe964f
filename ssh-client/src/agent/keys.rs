//! Which of an agent's keys are tried.

use super::{
    Agent, AgentSigner, Identity, SessionBinding,
    signer::{algorithms, key_type},
};
use crate::{Credential, Error};
use ssh_auth::Certificate;
use ssh_crypto::PublicKey;
use std::{fmt, sync::Arc};

/// The keys of an agent as a credential: which of them are tried, and in what order.
///
/// Keys with certificates and keys on hardware tokens are used like any others; those that could only sign with SHA-1
/// are left out. The agent is asked for its list when the authentication begins; if it can't be reached, the other
/// credentials are tried and the error of a failed authentication tells.
#[derive(Clone)]
pub struct AgentKeys {
    agent: Agent,
    preferred: Vec<Vec<u8>>,
    only_preferred: bool,
    limit: usize,
    probe: bool,
}

impl AgentKeys {
    /// Keys tried unless told otherwise: OpenSSH's servers hang up at the sixth refusal (`MaxAuthTries`), and a password
    /// should still have its turn.
    pub const LIMIT: usize = 5;

    /// All keys, in the agent's order, [`AgentKeys::LIMIT`] of them at most.
    pub fn new(agent: Agent) -> Self {
        Self { agent, preferred: Vec::new(), only_preferred: false, limit: Self::LIMIT, probe: true }
    }

    /// Tries these keys first, as far as the agent has them: those of the public key files that stand beside a user's
    /// key files. A certificate counts as its key.
    #[must_use]
    pub fn prefer(mut self, keys: &[PublicKey]) -> Self {
        self.preferred.extend(keys.iter().map(PublicKey::to_blob));
        self
    }

    /// Tries these keys alone (`IdentitiesOnly`), as far as the agent has them.
    #[must_use]
    pub fn only(mut self, keys: &[PublicKey]) -> Self {
        self.only_preferred = true;
        self.prefer(keys)
    }

    /// How many keys are tried at most.
    #[must_use]
    pub fn limit(mut self, keys: usize) -> Self {
        self.limit = keys;
        self
    }

    /// Whether the server is asked first if it would accept a key (on by default): then the agent signs, and perhaps
    /// asks a person, for the right key only. Without it the right key saves a round trip. Keys on hardware tokens are
    /// always probed.
    #[must_use]
    pub fn probe(mut self, probe: bool) -> Self {
        self.probe = probe;
        self
    }

    /// Asks the agent over a connection bound to the session, and answers with the keys to try, each a
    /// [`Credential::Key`], and notes on those that are not tried.
    pub(crate) fn credentials(
        &self,
        session: Option<&SessionBinding>,
    ) -> Result<(Vec<Credential>, Vec<String>), Error> {
        let agent = match session {
            Some(session) => self.agent.bound_to(session)?,
            None => self.agent.clone(),
        };
        let (chosen, notes) = self.choose(agent.list()?);
        let credential = |identity: Identity| {
            let probe = self.is_probed(&identity);
            Credential::Key { signer: Arc::new(AgentSigner::new(agent.clone(), identity)), probe }
        };
        Ok((chosen.into_iter().map(credential).collect(), notes))
    }

    #[cfg(all(unix, feature = "tokio"))]
    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Whether the server is asked first if it would accept this key.
    pub(crate) fn is_probed(&self, identity: &Identity) -> bool {
        self.probe || key_type(&identity.blob).starts_with("sk-")
    }

    /// Which of the agent's keys are tried, in this order, and notes on those that are not.
    pub(crate) fn choose(&self, listed: Vec<Identity>) -> (Vec<Identity>, Vec<String>) {
        let (mut chosen, mut notes, mut others) = (Vec::new(), Vec::new(), 0);
        for identity in listed {
            let is_other = !self.is_preferred(&identity.blob);
            if is_other && self.only_preferred {
                others += 1;
            } else if algorithms(key_type(&identity.blob), false).is_empty() {
                let shown = key_type(&identity.blob).escape_debug();
                notes.push(format!("agent: not tried: a key of type {shown} would sign with SHA-1"));
            } else {
                chosen.push((is_other, identity));
            }
        }
        chosen.sort_by_key(|(is_other, _)| *is_other);
        let more = chosen.len().saturating_sub(self.limit);
        if more > 0 {
            notes.push(format!("agent: {more} more keys were not tried (AgentKeys::limit)"));
        }
        if others > 0 {
            notes.push(format!("agent: {others} keys were not tried, as others are named (AgentKeys::only)"));
        }
        (chosen.into_iter().take(self.limit).map(|(_, identity)| identity).collect(), notes)
    }

    fn is_preferred(&self, blob: &[u8]) -> bool {
        if self.preferred.is_empty() {
            return false;
        }
        let certified = Certificate::parse(blob).ok().map(|certificate| certificate.key().to_blob());
        self.preferred.iter().any(|key| key == blob || Some(key) == certified.as_ref())
    }
}

impl fmt::Debug for AgentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentKeys")
            .field("preferred", &self.preferred.len())
            .field("only_preferred", &self.only_preferred)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl From<AgentKeys> for Credential {
    fn from(keys: AgentKeys) -> Self {
        Self::Agent(keys)
    }
}
