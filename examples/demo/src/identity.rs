//! The user's keys: files, which may ask for a passphrase when the server accepts them.

use crate::{
    prompt::Prompter,
    settings::{IdentityPath, Login},
};
use log::{debug, warn};
use ssh_client::{
    Credential, KeyPair, PrivateKey, PrivateKeyFile, Provider, Secret, Signer,
    auth::keyfile::KeyFileErrorKind,
    crypto::{PublicKey, SignError},
};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The keys that can be used, in order. A file that can't be is told in the log.
pub(crate) fn load(login: &Login, provider: &Arc<Provider>, prompter: &Prompter) -> Vec<Credential> {
    let mut credentials = Vec::new();
    for identity in &login.identities {
        let path = &identity.path;
        match open(identity, login, provider, prompter) {
            Ok(Some(credential)) => credentials.push(credential),
            Ok(None) => {}
            Err(problem) if identity.explicit => warn!("identity {}: {problem}", path.display()),
            Err(problem) => debug!("identity {}: {problem}", path.display()),
        }
    }
    credentials
}

fn open(
    identity: &IdentityPath,
    login: &Login,
    provider: &Arc<Provider>,
    prompter: &Prompter,
) -> Result<Option<Credential>, String> {
    let path = &identity.path;
    let bytes = match read_private(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !identity.explicit => return Ok(None),
        bytes => bytes.map_err(|error| error.to_string())?,
    };
    let file = PrivateKeyFile::parse(&bytes).map_err(|error| error.to_string())?;
    let unlock = Unlock {
        path: path.clone(),
        provider: provider.clone(),
        prompter: prompter.clone(),
        tries: login.password_prompts,
    };
    let (public, state) = if !file.is_encrypted() {
        let key = file.decrypt(None).map_err(|error| error.to_string())?;
        (key.public_key(), State::Open(unlock.pair(&key)?))
    } else if !prompter.can_ask() {
        return Err("needs a passphrase, and there is nobody to ask".to_owned());
    } else if let Some(public) = file.public_key().cloned().or_else(|| public_beside(path)) {
        (public, State::Locked(file))
    } else {
        // Without its public half the key can't even be offered.
        let key = unlock.ask(&file)?;
        (key.public_key(), State::Open(unlock.pair(&key)?))
    };
    let algorithms: Vec<String> = login
        .signatures
        .iter()
        .filter(|name| provider.signature(name).is_some_and(|suite| suite.key_type() == public.key_type()))
        .cloned()
        .collect();
    if algorithms.is_empty() {
        return Err(format!("no signature algorithm for {} keys is allowed", public.key_type()));
    }
    let probe = matches!(state, State::Locked(_));
    let blob = public.to_blob();
    let signer = Arc::new(Identity { blob, algorithms, state: Mutex::new(state), unlock });
    Ok(Some(Credential::Key { signer, probe }))
}

/// A private key that others can read is as good as lost: it is not used.
fn read_private(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata()?;
        if metadata.uid() == rustix::process::getuid().as_raw() && metadata.mode() & 0o077 != 0 {
            let problem = format!("others may read it (mode {:o}): chmod 600", metadata.mode() & 0o777);
            return Err(io::Error::new(ErrorKind::PermissionDenied, problem));
        }
    }
    // Room for all at once, or copies of the key would be left behind.
    let mut bytes = Vec::with_capacity(MAX_FILE as usize);
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(Secret::new(bytes))
}

fn public_beside(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let line = fs::read_to_string(name).ok()?;
    PublicKey::from_line(line.trim()).ok().map(|(public, _)| public)
}

/// Longer files are no private keys.
const MAX_FILE: u64 = 1 << 20;

/// A key of which only the public half may be known as yet.
struct Identity {
    blob: Vec<u8>,
    algorithms: Vec<String>,
    state: Mutex<State>,
    unlock: Unlock,
}

enum State {
    Locked(PrivateKeyFile),
    Open(KeyPair),
}

impl Signer for Identity {
    fn public_key(&self) -> &[u8] {
        &self.blob
    }

    fn algorithms(&self) -> Vec<&str> {
        self.algorithms.iter().map(String::as_str).collect()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Locked(file) = &*state {
            let opened = self.unlock.ask(file).and_then(|key| self.unlock.pair(&key));
            let pair = opened
                .map_err(|problem| SignError::Failed(format!("{}: {problem}", self.unlock.path.display())))?;
            if pair.public_key() != self.blob {
                let problem =
                    format!("{}: the public key beside it is another one's", self.unlock.path.display());
                return Err(SignError::Failed(problem));
            }
            *state = State::Open(pair);
        }
        match &*state {
            State::Open(pair) => pair.sign(algorithm, message),
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
    fn ask(&self, file: &PrivateKeyFile) -> Result<PrivateKey, String> {
        let mut prompt = format!("Passphrase of {}: ", self.path.display());
        for _ in 0..self.tries {
            let passphrase = self.prompter.secret(&prompt).ok_or("no passphrase was given")?;
            match file.decrypt(Some(&passphrase)) {
                Ok(key) => return Ok(key),
                Err(error) if error.kind() == KeyFileErrorKind::WrongPassphrase => {
                    debug!("{}: {error}", self.path.display());
                    prompt = format!("Wrong. Passphrase of {}: ", self.path.display());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the passphrase was wrong".to_owned())
    }

    /// What it may be used for, `Identity::algorithms` says.
    fn pair(&self, key: &PrivateKey) -> Result<KeyPair, String> {
        KeyPair::with_legacy(key, &self.provider).map_err(|error| error.to_string())
    }
}
