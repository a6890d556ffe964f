//! Keys in files, which may ask for a passphrase when the server accepts them.

use super::keeper::Keeper;
use crate::{
    prompt::Prompter,
    settings::{IdentityPath, Login},
};
use log::debug;
use ssh_client::{
    KeyPair, PrivateKey, PrivateKeyFile, Provider, Secret, Signer,
    auth::keyfile::KeyFileErrorKind,
    crypto::{PublicKey, SignError},
};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// A key file, as far as it can be read without asking anybody.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// Whether the user named it.
    pub(super) explicit: bool,
    /// The public half, from wherever it could be read.
    pub(super) public: Option<PublicKey>,
    /// Who signs, and whether that may ask a person; or why nobody does.
    pub(super) signer: Result<(Arc<dyn Signer>, bool), String>,
}

/// Reads a key file; `None` if it is one of the usual ones and not there.
pub(super) fn open(
    identity: &IdentityPath,
    login: &Login,
    provider: &Arc<Provider>,
    prompter: &Prompter,
    keeper: &Arc<Keeper>,
) -> Option<KeyFile> {
    let (path, explicit) = (identity.path.clone(), identity.explicit);
    let (bytes, exposed) = match read(&path) {
        Ok(found) => found,
        Err(error) => {
            // The public half alone names a key of the agent.
            let public = public_beside(&path);
            if error.kind() == ErrorKind::NotFound && !explicit && public.is_none() {
                return None;
            }
            return Some(KeyFile { path, explicit, public, signer: Err(error.to_string()) });
        }
    };
    if let Some(public) = std::str::from_utf8(&bytes).ok().and_then(public_line) {
        let signer = Err("it is a public key, and the agent has none for it".to_owned());
        return Some(KeyFile { path, explicit, public: Some(public), signer });
    }
    let parsed = match exposed {
        Some(problem) => Err(problem),
        None => PrivateKeyFile::parse(&bytes).map_err(|error| error.to_string()),
    };
    let file = match parsed {
        Ok(file) => file,
        Err(problem) => {
            let public = public_beside(&path);
            return Some(KeyFile { path, explicit, public, signer: Err(problem) });
        }
    };
    let public = file.public_key().cloned().or_else(|| public_beside(&path));
    let unlock = Unlock {
        path: path.clone(),
        provider: provider.clone(),
        prompter: prompter.clone(),
        tries: login.password_prompts,
    };
    let opened = signer(file, public.as_ref(), unlock, keeper);
    let (public, signer) = match opened {
        Ok((public, signer, probe)) => (Some(public), Ok((signer, probe))),
        Err(problem) => (public, Err(problem)),
    };
    Some(KeyFile { path, explicit, public, signer })
}

type Opened = (PublicKey, Arc<dyn Signer>, bool);

fn signer(
    file: PrivateKeyFile,
    public: Option<&PublicKey>,
    unlock: Unlock,
    keeper: &Arc<Keeper>,
) -> Result<Opened, String> {
    let (public, state) = if !file.is_encrypted() {
        let (key, comment) = file.decrypt_with_comment(None).map_err(|error| error.to_string())?;
        (key.public_key(), State::Open(unlock.pair(&key)?, keeper.wants().then_some((key, comment))))
    } else if !unlock.prompter.can_ask() {
        return Err("needs a passphrase, and there is nobody to ask".to_owned());
    } else if let Some(public) = public {
        (public.clone(), State::Locked(file))
    } else {
        // Without its public half the key can't even be offered.
        let (key, comment) = unlock.ask(&file)?;
        (key.public_key(), State::Open(unlock.pair(&key)?, keeper.wants().then_some((key, comment))))
    };
    let suites = unlock.provider.signatures.iter().filter(|suite| suite.key_type() == public.key_type());
    let algorithms = suites.map(|suite| suite.name()).collect();
    // A key that the agent is to keep should be the right one.
    let probe = matches!(state, State::Locked(_)) || keeper.wants();
    let blob = public.to_blob();
    let signer = Identity { blob, algorithms, state: Mutex::new(state), unlock, keeper: keeper.clone() };
    Ok((public, Arc::new(signer), probe))
}

/// Reads a file, and tells why a private key in it is not used: one that others can read is as good as lost.
fn read(path: &Path) -> io::Result<(Secret, Option<String>)> {
    let file = File::open(path)?;
    let mut exposed = None;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata()?;
        if metadata.uid() == rustix::process::getuid().as_raw() && metadata.mode() & 0o077 != 0 {
            let mode = metadata.mode() & 0o777;
            exposed = Some(format!("others may read it (mode {mode:o}): chmod 600"));
        }
    }
    // Room for all at once, or copies of the key would be left behind.
    let mut bytes = Vec::with_capacity(MAX_FILE as usize);
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok((Secret::new(bytes), exposed))
}

fn public_beside(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    public_line(&fs::read_to_string(name).ok()?)
}

fn public_line(text: &str) -> Option<PublicKey> {
    PublicKey::from_line(text.trim()).ok().map(|(public, _)| public)
}

/// Longer files are no private keys.
const MAX_FILE: u64 = 1 << 20;

/// A key of which only the public half may be known as yet.
struct Identity {
    blob: Vec<u8>,
    /// All there are for keys of its type.
    algorithms: Vec<&'static str>,
    state: Mutex<State>,
    unlock: Unlock,
    keeper: Arc<Keeper>,
}

enum State {
    Locked(PrivateKeyFile),
    /// With the key for the agent, if it is to keep it and was not given it yet.
    Open(KeyPair, Option<(PrivateKey, Option<String>)>),
}

impl Signer for Identity {
    fn public_key(&self) -> &[u8] {
        &self.blob
    }

    fn algorithms(&self) -> Vec<&str> {
        self.algorithms.clone()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let path = &self.unlock.path;
        if let State::Locked(file) = &*state {
            let failed = |problem| SignError::Failed(format!("{}: {problem}", path.display()));
            let (key, comment) = self.unlock.ask(file).map_err(failed)?;
            let pair = self.unlock.pair(&key).map_err(failed)?;
            if pair.public_key() != self.blob {
                return Err(failed("the public key beside it is another one's".to_owned()));
            }
            *state = State::Open(pair, self.keeper.wants().then_some((key, comment)));
        }
        match &mut *state {
            State::Open(pair, to_keep) => {
                if let Some((key, comment)) = to_keep.take() {
                    self.keeper.keep(path, key, comment);
                }
                pair.sign(algorithm, message)
            }
            State::Locked(_) => Err(SignError::Failed("the key is locked".to_owned())),
        }
    }
}

/// What opening a key file takes.
struct Unlock {
    path: PathBuf,
    provider: Arc<Provider>,
    prompter: Prompter,
    tries: u32,
}

impl Unlock {
    fn ask(&self, file: &PrivateKeyFile) -> Result<(PrivateKey, Option<String>), String> {
        let mut prompt = format!("Passphrase of {}: ", self.path.display());
        for _ in 0..self.tries {
            let passphrase = self.prompter.secret(&prompt).ok_or("no passphrase was given")?;
            match file.decrypt_with_comment(Some(&passphrase)) {
                Ok(opened) => return Ok(opened),
                Err(error) if error.kind() == KeyFileErrorKind::WrongPassphrase => {
                    debug!("{}: {error}", self.path.display());
                    prompt = format!("Wrong. Passphrase of {}: ", self.path.display());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the passphrase was wrong".to_owned())
    }

    /// What it may be used for, the settings say.
    fn pair(&self, key: &PrivateKey) -> Result<KeyPair, String> {
        KeyPair::with_legacy(key, &self.provider).map_err(|error| error.to_string())
    }
}
