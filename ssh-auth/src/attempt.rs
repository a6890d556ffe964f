//! What was tried, and what the server said to it.

use crate::certificate::Certificate;
use base64ct::{Base64Unpadded, Encoding};
use ssh_crypto::{Hash, SignError};
use ssh_wire::{NameList, Reader};
use std::fmt;

/// Names of a server's list that are kept; more methods than this no server has.
const MAX_NAMES: usize = 32;
/// RFC 4251 §6: the length of a name in bytes.
const MAX_NAME: usize = 64;

/// One attempt of the client, or the reason why there was none.
///
/// Its text tells all of it: `publickey (ssh-ed25519 SHA256:…): refused; the server goes on with password`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The caller's number of the method, if the method has one.
    pub id: Option<usize>,
    /// The method's name: `publickey`.
    pub method: &'static str,
    /// The key's type and SHA-256 fingerprint, where there is a key; the signature algorithm if it has another name.
    pub detail: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an [`Attempt`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The server has not answered yet, or the connection ended before it did.
    Unanswered,
    /// Refused.
    Failed {
        /// The methods with which the server would go on.
        methods: Vec<String>,
    },
    /// Accepted, but the server wants more.
    Partial {
        /// The methods with which the server would go on.
        methods: Vec<String>,
    },
    /// Accepted: the user is authenticated.
    Succeeded,
    /// Not tried, or not to its end.
    Skipped(Reason),
}

/// Why a method was passed over or given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The server does not go on with this method.
    NotOffered {
        /// Those with which it does.
        methods: Vec<String>,
    },
    /// The server takes none of the signature algorithms that the key may be used with.
    NoAlgorithm {
        /// The key's.
        key: Vec<String>,
        /// The server's, as `server-sig-algs` tells.
        server: Vec<String>,
    },
    /// The server has already judged this very key.
    Duplicate,
    /// The caller had no answer: the user cancelled, or there is no such credential.
    Cancelled,
    /// There was no signature.
    Signing(SignError),
    /// The caller answered another number of prompts than there were.
    Answers {
        /// Prompts.
        expected: usize,
        /// Answers.
        found: usize,
    },
    /// What should be sent does not fit into a packet.
    TooLong,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        write!(f, ": {}", self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered => f.write_str("no answer"),
            Self::Failed { methods } => write!(f, "refused; the server goes on with {}", Names(methods)),
            Self::Partial { methods } => {
                write!(f, "accepted, but the server wants more: {}", Names(methods))
            }
            Self::Succeeded => f.write_str("accepted"),
            Self::Skipped(reason) => write!(f, "skipped, for {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered { methods } => write!(f, "the server only goes on with {}", Names(methods)),
            Self::NoAlgorithm { key, server } => {
                write!(f, "the key signs with {} and the server takes {}", Names(key), Names(server))
            }
            Self::Duplicate => f.write_str("the server has judged this key already"),
            Self::Cancelled => f.write_str("no further answer was given"),
            Self::Signing(error) => write!(f, "the key gave no signature: {error}"),
            Self::Answers { expected, found } => {
                write!(f, "{found} answers were given to {expected} prompts")
            }
            Self::TooLong => f.write_str("it does not fit into a packet"),
        }
    }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("nothing") } else { f.write_str(&self.0.join(", ")) }
    }
}

/// The names of a peer's list, bounded in number and size.
pub(crate) fn names(list: NameList<'_>) -> Vec<String> {
    list.iter().filter(|name| name.len() <= MAX_NAME).take(MAX_NAMES).map(str::to_owned).collect()
}

/// The type at the beginning of a public key blob; empty for what is no blob.
pub(crate) fn key_type(blob: &[u8]) -> &str {
    Reader::new(blob).string().ok().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

/// `ssh-ed25519 SHA256:…`, as `ssh-keygen -l` spells it: a certificate's fingerprint is its key's.
pub(crate) fn describe_key(blob: &[u8]) -> String {
    let certified = Certificate::parse(blob).ok().map(|certificate| certificate.key().to_blob());
    let digest = Hash::Sha256.digest(&[certified.as_deref().unwrap_or(blob)]);
    format!("{} SHA256:{}", key_type(blob).escape_debug(), Base64Unpadded::encode_string(&digest))
}
