//! What key exchange methods are made of: Diffie-Hellman on a curve, and key encapsulation.

use crate::{KexError, Secret, SecureRandom};
use std::fmt;

/// Diffie-Hellman on an elliptic curve (RFC 7748, RFC 5656).
pub trait KeyAgreement: fmt::Debug + Send + Sync {
    /// The size of a public value in bytes, as the message carries it.
    fn public_len(&self) -> usize;
    /// A fresh private value.
    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Ephemeral>, KexError>;
}

/// A private value, used once.
pub trait Ephemeral: Send {
    /// The public value, as the message carries it.
    fn public(&self) -> &[u8];
    /// The secret shared with the owner of the `peer`'s public value: the X coordinate, at its full size.
    ///
    /// A value that is not on the curve, or that leads to zero, is [`KexError::PublicValue`].
    fn agree(self: Box<Self>, peer: &[u8]) -> Result<Secret, KexError>;
}

/// A key encapsulation mechanism (FIPS 203).
pub trait Kem: fmt::Debug + Send + Sync {
    /// The size of an encapsulation key in bytes.
    fn public_len(&self) -> usize;
    /// The size of a ciphertext in bytes.
    fn ciphertext_len(&self) -> usize;
    /// A fresh key pair: the side that decapsulates.
    fn generate(&self, random: &dyn SecureRandom) -> Result<Box<dyn Decapsulate>, KexError>;
    /// A shared secret and its ciphertext for the owner of `public`: the other side.
    fn encapsulate(&self, public: &[u8], random: &dyn SecureRandom) -> Result<(Vec<u8>, Secret), KexError>;
}

/// The private half of a [`Kem`]'s key pair.
pub trait Decapsulate: Send {
    /// The encapsulation key, for the other side.
    fn public(&self) -> &[u8];
    /// The shared secret in `ciphertext`.
    fn decapsulate(self: Box<Self>, ciphertext: &[u8]) -> Result<Secret, KexError>;
}
