//! Key exchange methods (RFC 4253 §7–8) as the transport engine sees them.
//!
//! A method exchanges messages until both sides agree on a secret. The engine, never the method, hashes, and verifies
//! or makes the host's signature.

use crate::{Hash, RandomError, Secret, SecureRandom};
use ssh_wire::DecodeError;
use std::fmt;

/// A key exchange method as it is negotiated.
pub trait KexAlgorithm: fmt::Debug + Send + Sync {
    /// The name: `curve25519-sha256`.
    fn name(&self) -> &'static str;
    /// The hash of the exchange hash and of key derivation.
    fn hash(&self) -> Hash;
    /// Whether it is implemented for old peers only, and never offered unless it is named.
    fn is_legacy(&self) -> bool {
        false
    }
    /// Starts as the client: the method, and the payload of its first message.
    fn client(&self, random: &'static dyn SecureRandom) -> Result<(Box<dyn KexMethod>, Vec<u8>), KexError>;
    /// Starts as the server, which waits for the client's message.
    fn server(&self, random: &'static dyn SecureRandom) -> Result<Box<dyn KexMethod>, KexError>;
}

/// A key exchange that runs.
pub trait KexMethod: Send {
    /// Takes the payload of a message with a number of 30 to 49.
    fn handle(&mut self, payload: &[u8]) -> Result<Step, KexError>;
}

/// What follows from a message.
#[derive(Debug)]
pub enum Step {
    /// Send this payload and wait for another message.
    Send(Vec<u8>),
    /// The exchange is over.
    Agreed(Agreed),
}

/// What both sides agreed on.
#[derive(Debug)]
pub struct Agreed {
    /// What the exchange hash takes between the host key and the shared secret, encoded: the public values, and the
    /// group if it was exchanged.
    pub exchange: Vec<u8>,
    /// The shared secret as the hash takes it, encoded by its type: `mpint` for Diffie-Hellman, `string` for hybrids.
    pub secret: Secret,
    /// Whose turn the signature is.
    pub proof: Proof,
}

/// The host's proof that it owns its key.
#[derive(Debug)]
pub enum Proof {
    /// As the client received it.
    Received {
        /// K_S, the host key's blob.
        host_key: Vec<u8>,
        /// The signature's blob, over the exchange hash.
        signature: Vec<u8>,
    },
    /// As the server has to send it: `byte number, string K_S, public, string signature`.
    ToSend {
        /// The reply's message number.
        number: u8,
        /// The server's public value, encoded by its type.
        public: Vec<u8>,
    },
}

/// Why a key exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KexError {
    /// A message could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A message came that the method does not expect now.
    #[error("message {0} has no place at this point of the key exchange")]
    Unexpected(u8),
    /// The peer's public value is out of range, off the curve, of the wrong size or leads to a trivial secret.
    #[error("the peer's public value is invalid")]
    PublicValue,
    /// The group the server chose is unusable.
    #[error("the group the server chose is unusable: {0}")]
    Group(&'static str),
    /// No random bytes could be had.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cryptographic library failed.
    #[error("{0} failed")]
    Internal(&'static str),
}
