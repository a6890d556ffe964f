//! Signatures of FIDO security keys (OpenSSH's PROTOCOL.u2f), which are verified and never made here.

use super::{
    ecdsa::{self, VerifyEcdsa},
    ed25519::VerifyEd25519,
    wrong_key,
};
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
        if name != ED25519.as_bytes() && name != ECDSA.as_bytes() {
            return None;
        }
        reader.string().ok()?;
        let (flags, counter): (u8, u32) = (reader.read().ok()?, reader.read().ok()?);
        Some(Self { user_present: flags & 1 != 0, user_verified: flags & 4 != 0, counter })
    }
}

/// An algorithm of security keys, with what checks the signature within.
#[derive(Debug)]
pub(crate) enum SecurityKey {
    Ed25519(VerifyEd25519),
    /// On nistp256.
    Ecdsa(VerifyEcdsa),
}

const ED25519: &str = "sk-ssh-ed25519@openssh.com";
const ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com";

impl SignatureAlgorithm for SecurityKey {
    fn name(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => ED25519,
            Self::Ecdsa(_) => ECDSA,
        }
    }

    fn key_type(&self) -> &'static str {
        self.name()
    }

    fn tail_len(&self) -> usize {
        TAIL
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        match (self, key) {
            (Self::Ed25519(verify), PublicKey::SkEd25519 { key, application }) => {
                let (signature, signed) = signed(application, message, signature)?;
                verify(key, &signed, signature)
            }
            (Self::Ecdsa(verify), PublicKey::SkEcdsa { point, application }) => {
                let (signature, signed) = signed(application, message, signature)?;
                ecdsa::verify(*verify, Curve::P256, point, &signed, signature)
            }
            _ => Err(wrong_key(self.name(), key)),
        }
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
