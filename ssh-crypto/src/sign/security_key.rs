//! Signatures of FIDO security keys (OpenSSH's PROTOCOL.u2f), which are verified and never made here.

use super::wrong_key;
use crate::{Curve, Hash, PrivateKey, PublicKey, SignError, SignatureAlgorithm, SigningKey};
use ssh_wire::Reader;

/// What a security key says about the moment it signed.
///
/// A signature holds without it: whether a touch is demanded is for the one to decide who asked for the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// The key was touched.
    pub user_present: bool,
    /// The user was verified, by a PIN or a fingerprint.
    pub user_verified: bool,
    /// How many signatures the key has made, or zero if it does not count.
    pub counter: u32,
}

impl Presence {
    /// What stands in a signature blob that was verified; `None` for one that no security key made.
    pub fn of(signature: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(signature);
        let name = reader.string().ok()?;
        if name != SkEd25519::NAME.as_bytes() && name != SkEcdsa::NAME.as_bytes() {
            return None;
        }
        reader.string().ok()?;
        let (flags, counter): (u8, u32) = (reader.read().ok()?, reader.read().ok()?);
        Some(Self { user_present: flags & 1 != 0, user_verified: flags & 4 != 0, counter })
    }
}

/// Checks an Ed25519 signature over a message.
type VerifyEd25519 = fn(&[u8; 32], &[u8], &[u8]) -> Result<(), SignError>;

/// `sk-ssh-ed25519@openssh.com`.
#[derive(Debug)]
pub(crate) struct SkEd25519(pub(crate) VerifyEd25519);

impl SkEd25519 {
    const NAME: &'static str = "sk-ssh-ed25519@openssh.com";
}

impl SignatureAlgorithm for SkEd25519 {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn key_type(&self) -> &'static str {
        Self::NAME
    }

    fn tail_len(&self) -> usize {
        TAIL
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let PublicKey::SkEd25519 { key, application } = key else {
            return Err(wrong_key(self.name(), key));
        };
        let (signature, signed) = signed(application, message, signature)?;
        (self.0)(key, &signed, signature)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        Err(wrong_key(self.name(), &key.public_key()))
    }
}

/// Checks an ECDSA signature, `mpint r, mpint s`, over a message.
type VerifyEcdsa = fn(Curve, &[u8], &[u8], &[u8]) -> Result<(), SignError>;

/// `sk-ecdsa-sha2-nistp256@openssh.com`.
#[derive(Debug)]
pub(crate) struct SkEcdsa(pub(crate) VerifyEcdsa);

impl SkEcdsa {
    const NAME: &'static str = "sk-ecdsa-sha2-nistp256@openssh.com";
}

impl SignatureAlgorithm for SkEcdsa {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn key_type(&self) -> &'static str {
        Self::NAME
    }

    fn tail_len(&self) -> usize {
        TAIL
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let PublicKey::SkEcdsa { point, application } = key else {
            return Err(wrong_key(self.name(), key));
        };
        let (signature, signed) = signed(application, message, signature)?;
        (self.0)(Curve::P256, point, &signed, signature)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, SignError> {
        Err(wrong_key(self.name(), &key.public_key()))
    }
}

/// `byte flags, uint32 counter`.
const TAIL: usize = 5;

/// The signature without its tail, and what it is over: SHA-256 of the application, the tail, SHA-256 of the message.
fn signed<'a>(
    application: &[u8],
    message: &[u8],
    signature: &'a [u8],
) -> Result<(&'a [u8], Vec<u8>), SignError> {
    let at = signature.len().checked_sub(TAIL).ok_or(SignError::Invalid)?;
    let (signature, tail) = signature.split_at(at);
    let [application, message] = [application, message].map(|part| Hash::Sha256.digest(&[part]));
    Ok((signature, [&application[..], tail, &message].concat()))
}
