//! The user's keys in the order in which they are tried, as OpenSSH's client has it: certificates that are named, the
//! agent's keys that are in the files, its other keys, keys that are in files alone. Certificates that are found beside
//! keys go first, too, where OpenSSH has them behind their keys: who has a certificate is mostly known by it alone, and
//! no refusal is spent.
//!
//! Servers hang up after few refusals (six of OpenSSH's, `MaxAuthTries`). So of the agent's keys that nobody has named
//! only as many are tried as make [`MAX_KEYS`] together with those that were. Keys that were named are tried all.

mod file;
mod keeper;

use crate::{
    prompt::Prompter,
    settings::{IdentityPath, Login},
};
use file::KeyFile;
use keeper::Keeper;
use log::{debug, warn};
use ssh_client::{
    Credential, Provider, Signer,
    agent::{Agent, AgentSigner, Identity, SessionBinding},
    certificate::{self, Certificate, CertifiedSigner, Kind},
    crypto::SignError,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Keys to try if no more were named, so that a password still has its turn.
const MAX_KEYS: usize = 5;

/// The keys that can be used, in order; those that can't be are told in the log, and by the error if all fails.
/// `session` is what the agent is told before it signs.
pub(crate) fn load(
    login: &Login,
    provider: &Arc<Provider>,
    prompter: &Prompter,
    session: Option<&SessionBinding>,
) -> Vec<Credential> {
    let mut notes = Vec::new();
    let agent = login.agent.as_deref().and_then(|path| connect(path, &mut notes));
    let keeper = Arc::new(Keeper { agent: agent.clone(), add: login.add_keys, prompter: prompter.clone() });
    let open = |identity: &IdentityPath| file::open(identity, login, provider, prompter, &keeper);
    let files: Vec<KeyFile> = login.identities.iter().filter_map(open).collect();
    let listed = agent.map_or_else(Vec::new, |agent| list(&agent, session, &mut notes));
    let (own, others): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|key| files.iter().any(|file| is_of(key, file)));

    let mut keys = certified(&files, &own, login, &mut notes);
    for key in &own {
        let file = files.iter().find(|file| is_of(key, file)).and_then(|file| file.signer.as_ref().ok());
        let file =
            file.map(|(signer, _)| signer.clone()).filter(|file| file.public_key() == key.public_key());
        let signer = Arc::new(AgentFirst { agent: key.clone(), file });
        keys.extend(allowed(signer, true, login, &name_in_agent(key), &mut notes));
    }
    let mut alone = Vec::new();
    for file in &files {
        let is_kept = file.public.as_ref().is_some_and(|public| {
            let blob = public.to_blob();
            own.iter().any(|key| key.public_key() == blob)
        });
        match &file.signer {
            _ if is_kept => {}
            Ok((signer, probe)) => {
                let name = format!("identity {}", file.path.display());
                alone.extend(allowed(signer.clone(), *probe, login, &name, &mut notes));
            }
            Err(problem) => {
                let note = format!("identity {}: {problem}", file.path.display());
                if file.explicit {
                    warn!("{note}");
                } else {
                    debug!("{note}");
                }
                notes.push(note);
            }
        }
    }
    let other = |key: AgentSigner| {
        let name = name_in_agent(&key);
        allowed(Arc::new(key), true, login, &name, &mut notes)
    };
    let others: Vec<_> = others.into_iter().filter_map(other).collect();
    let limit = MAX_KEYS.saturating_sub(keys.len() + alone.len());
    if login.identities_only {
        note_others(others.len(), "IdentitiesOnly leaves them out", &mut notes);
    } else {
        let more = others.len().saturating_sub(limit);
        note_others(more, "servers hang up after few refusals; name those to try by -i", &mut notes);
        keys.extend(others.into_iter().take(limit));
    }
    keys.extend(alone);
    keys.extend(notes.into_iter().map(Credential::Unavailable));
    keys
}

/// A key or a certificate with those of its algorithms that are allowed; without any it is not tried.
fn allowed(
    signer: Arc<dyn Signer>,
    probe: bool,
    login: &Login,
    name: &str,
    notes: &mut Vec<String>,
) -> Option<Credential> {
    let own = signer.algorithms();
    let of_key = login.algorithms.iter().filter(|allowed| own.contains(&allowed.as_str()));
    let algorithms: Vec<String> = of_key.cloned().collect();
    if algorithms.is_empty() {
        let note = format!("{name}: no signature algorithm for it is allowed");
        debug!("{note}");
        notes.push(note);
        return None;
    }
    Some(Credential::Key { signer: Arc::new(Allowed { signer, algorithms }), probe })
}

fn note_others(count: usize, why: &str, notes: &mut Vec<String>) {
    if count > 0 {
        notes.push(format!("agent: {count} keys were not tried: {why}"));
    }
}

/// Without an agent the files are still there.
fn connect(path: &Path, notes: &mut Vec<String>) -> Option<Agent> {
    Agent::connect_to(path).inspect_err(|error| note_agent(error, notes)).ok()
}

fn note_agent(error: &ssh_client::Error, notes: &mut Vec<String>) {
    debug!("{error}");
    notes.push(format!("agent: not tried: {error}"));
}

/// The agent's keys, those included that are not allowed.
fn list(agent: &Agent, session: Option<&SessionBinding>, notes: &mut Vec<String>) -> Vec<AgentSigner> {
    let bound = match session {
        Some(session) => agent.bound_to(session),
        None => Ok(agent.clone()),
    };
    let listed = bound.and_then(|agent| Ok((agent.list()?, agent)));
    let (identities, agent) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            note_agent(&error, notes);
            return Vec::new();
        }
    };
    let signer = |identity: Identity| {
        debug!("the agent has {}", identity.comment);
        AgentSigner::new(agent.clone(), identity).with_legacy()
    };
    identities.into_iter().map(signer).collect()
}

fn name_in_agent(key: &AgentSigner) -> String {
    format!("agent: {}", key.identity().comment)
}

/// Whether it is the key in this file; a certificate counts as its key.
fn is_of(key: &AgentSigner, file: &KeyFile) -> bool {
    let Some(public) = &file.public else { return false };
    let (blob, own) = (public.to_blob(), key.public_key());
    own == blob || Certificate::parse(own).is_ok_and(|certificate| certificate.key().to_blob() == blob)
}

/// Certificates of the files that were named, or else of those beside the keys, each with a key that signs.
fn certified(
    files: &[KeyFile],
    own: &[AgentSigner],
    login: &Login,
    notes: &mut Vec<String>,
) -> Vec<Credential> {
    let paths: Vec<PathBuf> = match login.certificates.as_slice() {
        [] => files.iter().map(|file| beside(&file.path)).filter(|path| path.exists()).collect(),
        named => named.to_vec(),
    };
    let mut keys: Vec<Credential> = Vec::new();
    for path in paths {
        match certificate::read_file(&path).map_err(|error| error.to_string()).and_then(|found| {
            certify(found, files, own).map_err(|problem| format!("{}: {problem}", path.display()))
        }) {
            Ok((signer, probe)) => {
                let name = format!("certificate {}", path.display());
                keys.extend(allowed(Arc::new(signer), probe, login, &name, notes));
            }
            Err(problem) => {
                warn!("certificate {problem}");
                notes.push(format!("certificate {problem}"));
            }
        }
    }
    keys
}

fn certify(
    certificate: Certificate,
    files: &[KeyFile],
    own: &[AgentSigner],
) -> Result<(CertifiedSigner, bool), String> {
    if certificate.kind() != Kind::User {
        return Err("is for a host".to_owned());
    }
    let blob = certificate.key().to_blob();
    let from_agent = own.iter().find(|key| key.public_key() == blob);
    let from_file = files
        .iter()
        .find(|file| file.public.as_ref().is_some_and(|public| public.to_blob() == blob))
        .and_then(|file| file.signer.as_ref().ok());
    let (signer, probe): (Arc<dyn Signer>, bool) = match (from_agent, from_file) {
        (Some(key), file) => {
            let file = file.map(|(signer, _)| signer.clone());
            (Arc::new(AgentFirst { agent: key.clone(), file }), true)
        }
        (None, Some((signer, probe))) => (signer.clone(), *probe),
        (None, None) => return Err("there is no key for it".to_owned()),
    };
    let signer = CertifiedSigner::new(signer, certificate).map_err(|error| error.to_string())?;
    Ok((signer, probe))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-cert.pub");
    name.into()
}

/// What signs, by those of its algorithms that are allowed, in the order in which they are.
struct Allowed {
    signer: Arc<dyn Signer>,
    algorithms: Vec<String>,
}

impl Signer for Allowed {
    fn public_key(&self) -> &[u8] {
        self.signer.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        self.algorithms.iter().map(String::as_str).collect()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(algorithm, message)
    }
}

/// A key of the agent that stands in a file, too, which signs if the agent refuses.
struct AgentFirst {
    agent: AgentSigner,
    file: Option<Arc<dyn Signer>>,
}

impl Signer for AgentFirst {
    fn public_key(&self) -> &[u8] {
        self.agent.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        self.agent.algorithms()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.agent.sign(algorithm, message).or_else(|error| match &self.file {
            Some(file) => {
                warn!("{}: {error}", self.agent.identity().comment);
                file.sign(algorithm, message)
            }
            None => Err(error),
        })
    }
}
