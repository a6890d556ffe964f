//! What an agent answers.

use super::{
    AgentError, EXTENSION_FAILURE, EXTENSION_RESPONSE, FAILURE, IDENTITIES_ANSWER, SIGN_RESPONSE, SUCCESS,
    frame::frame,
};
use ssh_crypto::Secret;
use ssh_wire::{Encode, Reader, Rest};

/// Identities that one agent may have; OpenSSH's bound.
pub const MAX_IDENTITIES: usize = 2048;

/// A key that an agent keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The blob of the public key or certificate.
    pub blob: Vec<u8>,
    /// The comment, with what is not UTF-8 replaced; often a file's name.
    pub comment: String,
}

/// An agent's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// The agent would not or could not.
    Failure,
    /// It is done.
    Success,
    /// The keys it keeps.
    Identities(Vec<Identity>),
    /// A signature blob, its algorithm's name included. Old agents ignore the flags: who asks must look at the name.
    Signature(Vec<u8>),
    /// The extension is known but failed; one that is not known gets [`Reply::Failure`].
    ExtensionFailure,
    /// What an extension answers.
    Extension(Vec<u8>),
}

impl Reply {
    /// Reads a reply; `payload` is what [`Frames`](super::Frames) gave.
    pub fn parse(payload: &[u8]) -> Result<Self, AgentError> {
        let mut reader = Reader::new(payload);
        let reply = match reader.read()? {
            FAILURE => Self::Failure,
            SUCCESS => Self::Success,
            IDENTITIES_ANSWER => Self::Identities(identities(&mut reader)?),
            SIGN_RESPONSE => Self::Signature(reader.string()?.to_vec()),
            EXTENSION_FAILURE => Self::ExtensionFailure,
            EXTENSION_RESPONSE => Self::Extension(reader.read::<Rest<'_>>()?.0.to_vec()),
            number => return Err(AgentError::Unexpected(number)),
        };
        reader.finish()?;
        Ok(reply)
    }

    /// The reply with its length before it.
    pub fn to_frame(&self) -> Result<Secret, AgentError> {
        frame(0, |out| {
            out.push(self.number());
            match self {
                Self::Failure | Self::Success | Self::ExtensionFailure => {}
                Self::Identities(identities) => {
                    (identities.len() as u32).encode(out);
                    for identity in identities {
                        identity.blob.as_slice().encode(out);
                        identity.comment.as_str().encode(out);
                    }
                }
                Self::Signature(signature) => signature.as_slice().encode(out),
                Self::Extension(data) => out.extend_from_slice(data),
            }
            Ok(())
        })
    }

    pub(super) fn number(&self) -> u8 {
        match self {
            Self::Failure => FAILURE,
            Self::Success => SUCCESS,
            Self::Identities(_) => IDENTITIES_ANSWER,
            Self::Signature(_) => SIGN_RESPONSE,
            Self::ExtensionFailure => EXTENSION_FAILURE,
            Self::Extension(_) => EXTENSION_RESPONSE,
        }
    }

    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Failure)
    }

    /// An extension may answer that it is done, or that it failed, instead of with data.
    pub(super) fn serves_for(&self, expected: u8) -> bool {
        expected == EXTENSION_RESPONSE && matches!(self, Self::Success | Self::ExtensionFailure)
    }
}

fn identities(reader: &mut Reader<'_>) -> Result<Vec<Identity>, AgentError> {
    let count: u32 = reader.read()?;
    let mut identities = Vec::new();
    for _ in 0..count {
        if identities.len() == MAX_IDENTITIES {
            return Err(AgentError::Identities);
        }
        let blob = reader.string()?.to_vec();
        let comment = String::from_utf8_lossy(reader.string()?).into_owned();
        identities.push(Identity { blob, comment });
    }
    Ok(identities)
}
