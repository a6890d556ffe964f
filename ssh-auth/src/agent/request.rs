//! What a client asks an agent for.

use super::{
    ADD_ID_CONSTRAINED, ADD_IDENTITY, ADD_TOKEN, ADD_TOKEN_CONSTRAINED, AgentError, EXTENSION,
    EXTENSION_RESPONSE, IDENTITIES_ANSWER, LOCK, REMOVE_ALL_IDENTITIES, REMOVE_IDENTITY, REMOVE_TOKEN,
    REQUEST_IDENTITIES, SIGN_REQUEST, SIGN_RESPONSE, SUCCESS, UNLOCK,
    destination::{self, Destination, RESTRICT_DESTINATION},
    frame::frame,
    private::AddedKey,
};
use ssh_crypto::Secret;
use ssh_wire::{Decode, DecodeError, Encode, Reader, Rest};
use std::fmt;

/// A request to an agent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Which keys are there?
    Identities,
    /// Sign.
    Sign {
        /// The blob of the public key or certificate.
        public_key: &'a [u8],
        /// What to sign.
        data: &'a [u8],
        /// See [`sign_flags`].
        flags: u32,
    },
    /// Keep a key.
    Add {
        /// The key.
        key: Box<AddedKey>,
        /// The comment.
        comment: &'a [u8],
        /// How it may be used.
        constraints: Vec<Constraint>,
    },
    /// Forget a key.
    Remove {
        /// The blob of the public key or certificate.
        public_key: &'a [u8],
    },
    /// Forget all keys.
    RemoveAll,
    /// Use the keys on a token.
    AddToken {
        /// The path of the token's PKCS#11 library.
        provider: &'a [u8],
        /// The token's PIN; empty without one.
        pin: &'a [u8],
        /// How its keys may be used.
        constraints: Vec<Constraint>,
    },
    /// Forget the keys on a token.
    RemoveToken {
        /// The path of the token's PKCS#11 library.
        provider: &'a [u8],
        /// The token's PIN, which OpenSSH's agent does not look at.
        pin: &'a [u8],
    },
    /// Refuse everything until unlocked.
    Lock {
        /// What unlocks it.
        passphrase: &'a [u8],
    },
    /// End a lock.
    Unlock {
        /// What it was locked with.
        passphrase: &'a [u8],
    },
    /// Something else, such as [`SessionBind`].
    Extension {
        /// The extension's name.
        name: &'a [u8],
        /// Its fields, encoded.
        data: &'a [u8],
    },
}

/// A limit on the use of a key (draft-ietf-sshm-ssh-agent §4.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// It is forgotten after so many seconds.
    Lifetime(u32),
    /// The user must agree to each use.
    Confirm,
    /// It is used on these hops only (OpenSSH PROTOCOL.agent §2), over connections that are bound to their servers by
    /// [`SessionBind`].
    Destinations(Vec<Destination>),
    /// Something else.
    Extension {
        /// The constraint's name.
        name: Vec<u8>,
        /// Its fields, encoded.
        data: Vec<u8>,
    },
}

/// The flags with which a key signs by this algorithm: RSA keys sign with SHA-1 without any.
pub fn sign_flags(algorithm: &str) -> u32 {
    const RSA_SHA2_256: u32 = 2;
    const RSA_SHA2_512: u32 = 4;
    match algorithm {
        "rsa-sha2-256" => RSA_SHA2_256,
        "rsa-sha2-512" => RSA_SHA2_512,
        _ => 0,
    }
}

impl<'a> Request<'a> {
    /// Reads a request; `payload` is what [`Frames`](super::Frames) gave.
    pub fn parse(payload: &'a [u8]) -> Result<Self, AgentError> {
        let mut reader = Reader::new(payload);
        let request = match reader.read()? {
            REQUEST_IDENTITIES => Self::Identities,
            SIGN_REQUEST => {
                Self::Sign { public_key: reader.read()?, data: reader.read()?, flags: reader.read()? }
            }
            number @ (ADD_IDENTITY | ADD_ID_CONSTRAINED) => {
                let key = Box::new(AddedKey::read(&mut reader)?);
                let comment = reader.read()?;
                let mut constraints = Vec::new();
                while number == ADD_ID_CONSTRAINED && !reader.is_empty() {
                    constraints.push(Constraint::read(&mut reader)?);
                }
                Self::Add { key, comment, constraints }
            }
            number @ (ADD_TOKEN | ADD_TOKEN_CONSTRAINED) => {
                let (provider, pin) = (reader.read()?, reader.read()?);
                let mut constraints = Vec::new();
                while number == ADD_TOKEN_CONSTRAINED && !reader.is_empty() {
                    constraints.push(Constraint::read(&mut reader)?);
                }
                Self::AddToken { provider, pin, constraints }
            }
            REMOVE_TOKEN => Self::RemoveToken { provider: reader.read()?, pin: reader.read()? },
            REMOVE_IDENTITY => Self::Remove { public_key: reader.read()? },
            REMOVE_ALL_IDENTITIES => Self::RemoveAll,
            LOCK => Self::Lock { passphrase: reader.read()? },
            UNLOCK => Self::Unlock { passphrase: reader.read()? },
            EXTENSION => Self::Extension { name: reader.read()?, data: reader.read::<Rest<'_>>()?.0 },
            number => return Err(AgentError::Unexpected(number)),
        };
        reader.finish()?;
        Ok(request)
    }

    /// The request with its length before it; an error if it is too long.
    pub fn to_frame(&self) -> Result<Secret, AgentError> {
        /// Room for a key of any size.
        const KEY: usize = 32 * 1024;
        let size = |constraints: &[Constraint]| constraints.iter().map(Constraint::size).sum::<usize>();
        let capacity = match self {
            Self::Add { comment, constraints, .. } => KEY + comment.len() + size(constraints),
            Self::AddToken { provider, pin, constraints } => {
                provider.len() + pin.len() + 16 + size(constraints)
            }
            Self::RemoveToken { provider, pin } => provider.len() + pin.len() + 16,
            Self::Lock { passphrase } | Self::Unlock { passphrase } => passphrase.len() + 5,
            _ => 0,
        };
        frame(capacity, |out| self.write(out))
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), AgentError> {
        match self {
            Self::Identities => out.push(REQUEST_IDENTITIES),
            Self::Sign { public_key, data, flags } => {
                out.push(SIGN_REQUEST);
                public_key.encode(out);
                data.encode(out);
                flags.encode(out);
            }
            Self::Add { key, comment, constraints } => {
                out.push(if constraints.is_empty() { ADD_IDENTITY } else { ADD_ID_CONSTRAINED });
                key.write(out)?;
                comment.encode(out);
                constraints.iter().for_each(|constraint| constraint.write(out));
            }
            Self::Remove { public_key } => {
                out.push(REMOVE_IDENTITY);
                public_key.encode(out);
            }
            Self::RemoveAll => out.push(REMOVE_ALL_IDENTITIES),
            Self::AddToken { provider, pin, constraints } => {
                out.push(if constraints.is_empty() { ADD_TOKEN } else { ADD_TOKEN_CONSTRAINED });
                provider.encode(out);
                pin.encode(out);
                constraints.iter().for_each(|constraint| constraint.write(out));
            }
            Self::RemoveToken { provider, pin } => {
                out.push(REMOVE_TOKEN);
                provider.encode(out);
                pin.encode(out);
            }
            Self::Lock { passphrase } => {
                out.push(LOCK);
                passphrase.encode(out);
            }
            Self::Unlock { passphrase } => {
                out.push(UNLOCK);
                passphrase.encode(out);
            }
            Self::Extension { name, data } => {
                out.push(EXTENSION);
                name.encode(out);
                out.extend_from_slice(data);
            }
        }
        Ok(())
    }

    /// The reply to it, if it is not refused.
    pub(super) fn answered_by(&self) -> u8 {
        match self {
            Self::Identities => IDENTITIES_ANSWER,
            Self::Sign { .. } => SIGN_RESPONSE,
            Self::Extension { .. } => EXTENSION_RESPONSE,
            _ => SUCCESS,
        }
    }
}

impl fmt::Debug for Request<'_> {
    /// Without passphrases, and without data that may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identities => f.write_str("Identities"),
            Self::Sign { flags, .. } => f.debug_struct("Sign").field("flags", flags).finish_non_exhaustive(),
            Self::Add { key, constraints, .. } => f
                .debug_struct("Add")
                .field("key", key)
                .field("constraints", constraints)
                .finish_non_exhaustive(),
            Self::Remove { .. } => f.write_str("Remove"),
            Self::RemoveAll => f.write_str("RemoveAll"),
            Self::AddToken { provider, constraints, .. } => f
                .debug_struct("AddToken")
                .field("provider", &String::from_utf8_lossy(provider))
                .field("constraints", constraints)
                .finish_non_exhaustive(),
            Self::RemoveToken { provider, .. } => write!(f, "RemoveToken({})", provider.escape_ascii()),
            Self::Lock { .. } => f.write_str("Lock"),
            Self::Unlock { .. } => f.write_str("Unlock"),
            Self::Extension { name, .. } => write!(f, "Extension({})", name.escape_ascii()),
        }
    }
}

impl Constraint {
    const LIFETIME: u8 = 1;
    const CONFIRM: u8 = 2;
    const EXTENSION: u8 = 255;

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Lifetime(seconds) => {
                out.push(Self::LIFETIME);
                seconds.encode(out);
            }
            Self::Confirm => out.push(Self::CONFIRM),
            Self::Destinations(destinations) => {
                out.push(Self::EXTENSION);
                RESTRICT_DESTINATION.encode(out);
                destination::write(destinations).as_slice().encode(out);
            }
            Self::Extension { name, data } => {
                out.push(Self::EXTENSION);
                name.as_slice().encode(out);
                data.as_slice().encode(out);
            }
        }
    }

    /// Its size on the wire, in bytes.
    fn size(&self) -> usize {
        let mut out = Vec::new();
        self.write(&mut out);
        out.len()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, AgentError> {
        match reader.read()? {
            Self::LIFETIME => Ok(Self::Lifetime(reader.read()?)),
            Self::CONFIRM => Ok(Self::Confirm),
            Self::EXTENSION => match (reader.string()?, reader.string()?) {
                (RESTRICT_DESTINATION, data) => Ok(Self::Destinations(destination::read(data)?)),
                (name, data) => Ok(Self::Extension { name: name.to_vec(), data: data.to_vec() }),
            },
            other => Err(AgentError::Constraint(other)),
        }
    }
}

/// The name of the extension [`SessionBind`].
pub const SESSION_BIND: &[u8] = b"session-bind@openssh.com";

/// Tells an agent which server a connection goes to, so that it can keep keys to their destinations (OpenSSH
/// PROTOCOL.agent §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionBind<'a> {
    /// The server's host key blob.
    pub host_key: &'a [u8],
    /// The session id: the first exchange hash.
    pub session_id: &'a [u8],
    /// The server's signature over it.
    pub signature: &'a [u8],
    /// Whether the agent is being forwarded to that server.
    pub is_forwarding: bool,
}

impl Encode for SessionBind<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.host_key.encode(out);
        self.session_id.encode(out);
        self.signature.encode(out);
        self.is_forwarding.encode(out);
    }
}

impl<'a> Decode<'a> for SessionBind<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            host_key: reader.read()?,
            session_id: reader.read()?,
            signature: reader.read()?,
            is_forwarding: reader.read()?,
        })
    }
}
