//! What a user can prove who they are with.

use crate::{Error, ErrorKind};
use ssh_auth::keyfile::PrivateKeyFile;
use ssh_crypto::{KeyPair, PrivateKey, Provider, Secret, Signer};
use std::{fmt, path::Path, sync::Arc};

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
    /// A key.
    Key {
        /// Who signs.
        signer: Arc<dyn Signer>,
        /// Whether the server is asked first if it would accept the key: for signers that need a person (a passphrase,
        /// a touch). It costs a round trip.
        probe: bool,
    },
    /// Answers to what the server asks (RFC 4256): one per prompt, or `None` to give up.
    Interactive(AnswerChallenge),
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

    /// A private key in memory.
    pub fn key(key: &PrivateKey, provider: &Provider) -> Result<Self, Error> {
        let pair = KeyPair::new(key, provider)
            .map_err(|error| Error::with_source(ErrorKind::Usage, "private key is unusable", error))?;
        Ok(Self::signer(Arc::new(pair)))
    }

    /// A private key file of any format [`PrivateKeyFile`] reads, with its passphrase if it has one.
    pub fn key_file(
        path: impl AsRef<Path>,
        passphrase: Option<&[u8]>,
        provider: &Provider,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let failed =
            |error: &dyn fmt::Display| Error::new(ErrorKind::File, format!("{}: {error}", path.display()));
        let bytes = std::fs::read(path).map(Secret::new).map_err(|error| failed(&error))?;
        let file = PrivateKeyFile::parse(&bytes).map_err(|error| failed(&error))?;
        let key = file.decrypt(passphrase).map_err(|error| failed(&error))?;
        Self::key(&key, provider)
    }

    /// Whoever can sign without a person's help.
    pub fn signer(signer: Arc<dyn Signer>) -> Self {
        Self::Key { signer, probe: false }
    }
}

impl fmt::Debug for Credential {
    /// The kind alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password",
            Self::AskPassword(_) => "AskPassword",
            Self::Key { .. } => "Key",
            Self::Interactive(_) => "Interactive",
        })
    }
}
