//! Private keys as they are handed to an agent (draft-ietf-sshm-ssh-agent §4.2).

use super::AgentError;
use crate::{certificate::Certificate, keyfile::read_private_key};
use ssh_crypto::{PrivateKey, PublicKey, key::CertificateType};
use ssh_wire::{Encode, Mpint, Reader};
use std::fmt;
use zeroize::Zeroizing;

/// A key for an agent, with its certificate or without.
#[derive(Clone, PartialEq, Eq)]
pub struct AddedKey {
    key: PrivateKey,
    certificate: Option<Certificate>,
}

impl AddedKey {
    /// The key alone.
    pub fn new(key: PrivateKey) -> Self {
        Self { key, certificate: None }
    }

    /// The key as its certificate names it, which must be for this very key.
    pub fn certified(key: PrivateKey, certificate: Certificate) -> Result<Self, AgentError> {
        if key.public_key() != *certificate.key() {
            return Err(AgentError::Key("the certificate is for another key".to_owned()));
        }
        Ok(Self { key, certificate: Some(certificate) })
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The certificate.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The blob by which the agent knows it.
    pub fn blob(&self) -> Vec<u8> {
        self.certificate
            .as_ref()
            .map_or_else(|| self.key.public_key().to_blob(), |found| found.blob().to_vec())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), AgentError> {
        if let Some(certificate) = &self.certificate {
            certificate.key_type().encode(out);
            certificate.blob().encode(out);
        } else {
            self.key.public_key().key_type().encode(out);
        }
        // What the certificate holds already is left out, but for Ed25519.
        let is_plain = self.certificate.is_none();
        match &self.key {
            PrivateKey::Ed25519 { seed, public } => {
                public.as_slice().encode(out);
                Zeroizing::new([&**seed, public].concat()).as_slice().encode(out);
            }
            PrivateKey::MlDsa44Ed25519 { seeds, public } => {
                if is_plain {
                    public.as_slice().encode(out);
                }
                seeds.as_ref().encode(out);
            }
            PrivateKey::Ecdsa { curve, scalar, point } => {
                if is_plain {
                    curve.name().encode(out);
                    point.as_slice().encode(out);
                }
                Mpint::from_unsigned(scalar).encode(out);
            }
            PrivateKey::Rsa { e, n, d, p, q, iqmp } => {
                if is_plain {
                    Mpint::from_unsigned(n).encode(out);
                    Mpint::from_unsigned(e).encode(out);
                }
                for number in [d, iqmp, p, q] {
                    Mpint::from_unsigned(number).encode(out);
                }
            }
            PrivateKey::Dsa { p, q, g, y, x } => {
                if is_plain {
                    for number in [p, q, g, y] {
                        Mpint::from_unsigned(number).encode(out);
                    }
                }
                Mpint::from_unsigned(x).encode(out);
            }
            other => {
                let key_type = other.public_key().key_type();
                return Err(AgentError::Key(format!("the private half of {key_type} can't be handed out")));
            }
        }
        Ok(())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AgentError> {
        let invalid = |error: &dyn fmt::Display| AgentError::Key(error.to_string());
        let key_type = reader.clone().string()?;
        if CertificateType::from_name(key_type).is_none() {
            let key = read_private_key(reader).map_err(|error| invalid(&error))?;
            return Ok(Self::new(key));
        }
        reader.string()?;
        let certificate = Certificate::parse(reader.string()?).map_err(|error| invalid(&error))?;
        if certificate.key_type().as_bytes() != key_type {
            return Err(AgentError::Key("the certificate is of another type".to_owned()));
        }
        // With what the certificate holds put back it is a key like any other.
        let whole = whole_key(certificate.key(), reader)?;
        let key = read_private_key(&mut Reader::new(&whole)).map_err(|error| invalid(&error))?;
        Self::certified(key, certificate)
    }
}

fn whole_key(public: &PublicKey, reader: &mut Reader<'_>) -> Result<Zeroizing<Vec<u8>>, AgentError> {
    let blob = public.to_blob();
    let (held, strings) = match public {
        PublicKey::Ed25519(_) => (Vec::new(), 2),
        PublicKey::Ecdsa { .. } | PublicKey::MlDsa44Ed25519(_) => (fields(&blob)?.to_vec(), 1),
        PublicKey::Rsa { e, n } => {
            let mut held = Vec::new();
            Mpint::from_unsigned(n).encode(&mut held);
            Mpint::from_unsigned(e).encode(&mut held);
            (held, 4)
        }
        PublicKey::Dsa { .. } => (fields(&blob)?.to_vec(), 1),
        other => {
            return Err(AgentError::Key(format!(
                "the private half of {} can't be handed out",
                other.key_type()
            )));
        }
    };
    let rest = reader.rest();
    for _ in 0..strings {
        reader.string()?;
    }
    let added = &rest[..rest.len() - reader.rest().len()];
    // Never grown: that would leave copies behind.
    let mut whole = Zeroizing::new(Vec::with_capacity(64 + held.len() + added.len()));
    public.key_type().encode(&mut whole);
    whole.extend_from_slice(&held);
    whole.extend_from_slice(added);
    Ok(whole)
}

/// What stands in a public key blob behind its type.
fn fields(blob: &[u8]) -> Result<&[u8], AgentError> {
    let mut reader = Reader::new(blob);
    reader.string()?;
    Ok(reader.rest())
}

impl fmt::Debug for AddedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddedKey({})", self.key.public_key().key_type())
    }
}
