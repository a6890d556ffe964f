//! What key exchange methods are made of: Diffie-Hellman on a curve, and key encapsulation.

use crate::{Curve, KexError, RandomError, Secret, SecureRandom};
use std::fmt;
use zeroize::Zeroizing;

/// Diffie-Hellman on an elliptic curve (RFC 7748, RFC 5656).
pub trait KeyAgreement: fmt::Debug + Send + Sync {
    /// The size of a public value in bytes, as the message carries it.
    fn public_len(&self) -> usize;
    /// A fresh private value, out of `random`.
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
///
/// The `random` given is used where the back end lets it be: AWS-LC takes its own.
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

/// A private scalar of `curve`, uniform by rejection (FIPS 186-5 A.2.2): what `accept` makes of it, which must refuse
/// zero and the order and what is above.
pub(crate) fn scalar<T>(
    curve: Curve,
    random: &dyn SecureRandom,
    accept: impl Fn(&[u8]) -> Option<T>,
) -> Result<T, RandomError> {
    let mut bytes = Zeroizing::new(vec![0; curve.field_len()]);
    // A refusal is rarer than 1 in 2³², so a source that gets so many is broken.
    for _ in 0..64 {
        random.fill(&mut bytes)?;
        if curve == Curve::P521 {
            bytes[0] &= 1;
        }
        if let Some(accepted) = accept(&bytes) {
            return Ok(accepted);
        }
    }
    Err(RandomError)
}
