//! What a user can prove who they are with.

mod methods;

pub(crate) use methods::Prepared;

use crate::{
    Awaited, Error, ErrorKind,
    agent::{Agent, AgentKeys},
    certificate::{self, CertifiedSigner},
};
use ssh_auth::keyfile::PrivateKeyFile;
use ssh_crypto::{KeyPair, PrivateKey, Provider, Secret, SignError, Signer};
use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use ssh_auth::client::Prompt;

/// One way to authenticate. A configuration holds a list of them, which is tried in order as far as the server's
/// answers allow; a server that wants several in a row gets several.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: some servers let everybody in, all others answer with what they would accept.
    None,
    /// A password, for the method `password` and for a `keyboard-interactive` that asks one hidden question.
    Password(Secret),
    /// A password that is asked for when the server wants one. The argument counts the tries, from 1; `None` gives up.
    AskPassword(Arc<dyn Fn(u32) -> Option<Secret> + Send + Sync>),
    /// The same with an answer that is awaited, as [`Credential::ask_password_async`] makes it.
    AskPasswordAsync(AskPasswordAsync),
    /// A key.
    Key {
        /// Who signs.
        signer: Arc<dyn Signer>,
        /// Whether the server is asked first if it would accept the key: for signers that need a person (a passphrase,
        /// a touch). It costs a round trip.
        probe: bool,
    },
    /// A key whose signature is awaited.
    KeyAsync {
        /// Who signs.
        signer: Arc<dyn AsyncSigner>,
        /// As with [`Credential::Key`].
        probe: bool,
    },
    /// A key with its certificate: the certificate is tried first, then the key alone.
    Certified {
        /// Who signs and shows the certificate.
        signer: Arc<CertifiedSigner>,
        /// As with [`Credential::Key`].
        probe: bool,
    },
    /// The keys that an agent keeps.
    Agent(AgentKeys),
    /// The word of this host for its user (RFC 4252 §9), for servers that trust it.
    Hostbased {
        /// Signs with this host's own key, which is mostly root's.
        signer: Arc<dyn Signer>,
        /// This host's full name.
        host: String,
        /// The user's name on this host.
        local_user: String,
    },
    /// What could not be prepared, and why: it is not tried, and the error of a failed authentication tells of it.
    Unavailable(String),
    /// Answers to what the server asks (RFC 4256): one per prompt, or `None` to give up.
    Interactive(AnswerChallenge),
    /// The same with answers that are awaited, as [`Credential::interactive_async`] makes it.
    InteractiveAsync(AnswerChallengeAsync),
}

/// Asks for a password; the argument counts the tries, from 1.
pub type AskPasswordAsync = Arc<dyn Fn(u32) -> Awaited<'static, Option<Secret>> + Send + Sync>;

/// Answers what a server asks, as [`AnswerChallenge`] does, in a while.
pub type AnswerChallengeAsync = Arc<dyn Fn(Challenge) -> Awaited<'static, Option<Vec<Secret>>> + Send + Sync>;

/// A [`Signer`] whose signatures are awaited: a service that keeps keys, or a token that wants a touch. The keys of an
/// agent need none: [`Credential::Agent`] is asked by tasks without a thread.
pub trait AsyncSigner: Send + Sync {
    /// The public key's blob, or the certificate's.
    fn public_key(&self) -> &[u8];
    /// The names of the signature algorithms it can use, the best first.
    fn algorithms(&self) -> Vec<&str>;
    /// The signature blob, its algorithm's name included.
    fn sign<'a>(&'a self, algorithm: &'a str, message: &'a [u8]) -> Awaited<'a, Result<Vec<u8>, SignError>>;
}

/// Answers what a server asks: one secret per prompt, or `None` to give up.
pub type AnswerChallenge = Arc<dyn Fn(&Challenge) -> Option<Vec<Secret>> + Send + Sync>;

/// What a server asks in one round of `keyboard-interactive` (RFC 4256 §3.2). The texts are the server's: clean them
/// before they reach a terminal.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// A title, often empty.
    pub name: String,
    /// What to tell before the prompts, often empty.
    pub instruction: String,
    /// The questions, possibly none.
    pub prompts: Vec<Prompt>,
}

impl Credential {
    /// A password.
    pub fn password(password: impl Into<Secret>) -> Self {
        Self::Password(password.into())
    }

    /// A password that is asked for when the server wants one, by an asynchronous function. Its argument counts the
    /// tries, from 1; `None` gives up.
    pub fn ask_password_async<A>(ask: impl Fn(u32) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Option<Secret>> + Send + 'static,
    {
        Self::AskPasswordAsync(Arc::new(move |attempt| Box::pin(ask(attempt))))
    }

    /// Answers to what the server asks (RFC 4256), by an asynchronous function: one per prompt, or `None` to give up.
    pub fn interactive_async<A>(answer: impl Fn(Challenge) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Option<Vec<Secret>>> + Send + 'static,
    {
        Self::InteractiveAsync(Arc::new(move |challenge| Box::pin(answer(challenge))))
    }

    /// A private key in memory.
    pub fn key(key: &PrivateKey, provider: &Provider) -> Result<Self, Error> {
        let pair = KeyPair::new(key, provider)
            .map_err(|error| Error::with_source(ErrorKind::Usage, "private key is unusable", error))?;
        Ok(Self::signer(Arc::new(pair)))
    }

    /// A private key file of any format [`PrivateKeyFile`] reads, with its passphrase if it has one. A certificate that
    /// stands beside it, as `ssh-keygen -s` puts it there (`id_ed25519-cert.pub`), is used too; one that can't be read
    /// or is for another key is passed over with a warning in the log.
    ///
    /// # Errors
    /// Of kind [`ErrorKind::File`]. What [caused](Error::get_ref) it is an [`io::Error`], or a
    /// [`KeyFileError`](crate::KeyFileError), which tells whether a passphrase is missing or wrong.
    pub fn key_file(
        path: impl AsRef<Path>,
        passphrase: Option<&[u8]>,
        provider: &Provider,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = read(path).map_err(|error| unusable(path, error))?;
        let file = PrivateKeyFile::parse(&bytes).map_err(|error| unusable(path, error))?;
        let key = file.decrypt(passphrase).map_err(|error| unusable(path, error))?;
        let credential = Self::key(&key, provider)?;
        let beside = beside(path);
        if !beside.exists() {
            return Ok(credential);
        }
        credential.clone().with_certificate(&beside).or_else(|error| {
            log::warn!("{error}");
            Ok(credential)
        })
    }

    /// Adds the certificate in this file to a key.
    ///
    /// # Errors
    /// The file can't be read, its certificate is not for a user or for another key, or the credential is no key.
    pub fn with_certificate(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (signer, probe) = match self {
            Self::Key { signer, probe } => (signer, probe),
            Self::Certified { signer, probe } => (signer.signer().clone(), probe),
            _ => return Err(Error::new(ErrorKind::Usage, "only keys have certificates")),
        };
        let certificate = certificate::read_file(path)?;
        let unfit =
            |why: &dyn fmt::Display| Error::new(ErrorKind::File, format!("{}: {why}", path.display()));
        if certificate.kind() != certificate::Kind::User {
            return Err(unfit(&"certificate is for a host"));
        }
        let signer = CertifiedSigner::new(signer, certificate).map_err(|error| unfit(&error))?;
        Ok(Self::Certified { signer: Arc::new(signer), probe })
    }

    /// The keys of an agent, as [`AgentKeys::new`] chooses them.
    pub fn agent(agent: Agent) -> Self {
        Self::Agent(AgentKeys::new(agent))
    }

    /// Whoever can sign without a person's help.
    pub fn signer(signer: Arc<dyn Signer>) -> Self {
        Self::Key { signer, probe: false }
    }
}

/// Of larger key files, in bytes, no more is read, so that nothing can be made of them.
const MAX_FILE: u64 = 1 << 20;

fn read(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    // Never grown: that would leave copies behind.
    let size = file.metadata()?.len().min(MAX_FILE);
    let mut bytes = Vec::with_capacity(size as usize + 64);
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(Secret::new(bytes))
}

/// A file that can't be used, and why.
fn unusable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::File, path.display().to_string(), error)
}

/// Where the certificate for a key file stands.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-cert.pub");
    name.into()
}

impl fmt::Debug for Credential {
    /// The kind alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password",
            Self::AskPassword(_) => "AskPassword",
            Self::AskPasswordAsync(_) => "AskPasswordAsync",
            Self::Key { .. } => "Key",
            Self::KeyAsync { .. } => "KeyAsync",
            Self::Certified { .. } => "Certified",
            Self::Agent(_) => "Agent",
            Self::Hostbased { .. } => "Hostbased",
            Self::Unavailable(_) => "Unavailable",
            Self::Interactive(_) => "Interactive",
            Self::InteractiveAsync(_) => "InteractiveAsync",
        })
    }
}
