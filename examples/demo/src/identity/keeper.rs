//! Keys that were read from files, handed to the agent (`AddKeysToAgent`).

use crate::prompt::Prompter;
use log::{debug, warn};
use ssh_client::{
    PrivateKey,
    agent::{AddedKey, Agent, Constraint},
    crypto::Hash,
    ssh_config::AddKeys,
};
use std::path::Path;

/// Hands keys to the agent, if there is one and it is to keep them.
pub(crate) struct Keeper {
    pub(crate) agent: Option<Agent>,
    pub(crate) add: AddKeys,
    pub(crate) prompter: Prompter,
}

impl Keeper {
    /// Whether keys are to be handed to it.
    pub(super) fn wants(&self) -> bool {
        self.agent.is_some() && self.add != AddKeys::No
    }

    /// Hands a key over; that it fails is told and stops nothing.
    pub(super) fn keep(&self, path: &Path, key: PrivateKey, comment: Option<String>) {
        let Some(agent) = &self.agent else { return };
        let mut constraints = Vec::new();
        match self.add {
            AddKeys::No => return,
            AddKeys::Yes { confirm, lifetime } => {
                let seconds = lifetime.map(|time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
                constraints.extend(seconds.map(Constraint::Lifetime));
                constraints.extend(confirm.then_some(Constraint::Confirm));
            }
            AddKeys::Ask => {
                let fingerprint = key.public_key().fingerprint(Hash::Sha256);
                let question = format!("Add the key {} ({fingerprint}) to the agent?", path.display());
                if !self.prompter.confirm(&question) {
                    return debug!("{}: not added to the agent", path.display());
                }
            }
        }
        let comment = comment.filter(|text| !text.is_empty());
        let comment = comment.unwrap_or_else(|| path.display().to_string());
        match agent.add(AddedKey::new(key), &comment, &constraints) {
            Ok(()) => debug!("{}: added to the agent", path.display()),
            Err(error) => warn!("{}: not added to the agent: {error}", path.display()),
        }
    }
}
