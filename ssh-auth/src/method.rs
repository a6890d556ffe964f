//! The methods a client can try, each with what it sends (RFC 4252 §5.2, 7–9, RFC 4256).
//!
//! | method | standard | module |
//! | --- | --- | --- |
//! | `none` | RFC 4252 §5.2 | here |
//! | `publickey`, `publickey-hostbound-v00@openssh.com` | RFC 4252 §7, RFC 8332, OpenSSH PROTOCOL §3.1 | [`publickey`] |
//! | `password` | RFC 4252 §8 | [`password`] |
//! | `hostbased` | RFC 4252 §9 | [`hostbased`] |
//! | `keyboard-interactive` | RFC 4256 | [`interactive`] |

pub mod hostbased;
pub mod interactive;
pub mod password;
pub mod publickey;

use crate::attempt::describe_key;
use hostbased::HostbasedMethod;
use publickey::KeyMethod;
use ssh_crypto::Secret;
use ssh_wire::{Encode, Packet, Rest, message::auth::UserauthRequest};

/// Something the client may try. It holds no secret: those are asked for by events that carry `id`, a number of the
/// caller's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// `none`: succeeds where no authentication is needed; elsewhere the server tells its methods.
    None,
    /// `publickey` with one key.
    Publickey(KeyMethod),
    /// `password`.
    Password {
        /// The caller's number.
        id: usize,
    },
    /// `keyboard-interactive`: the server asks questions.
    KeyboardInteractive {
        /// The caller's number.
        id: usize,
        /// Hints on what the server should ask, separated by commas; mostly empty (RFC 4256 §3.1).
        submethods: String,
    },
    /// `hostbased`: the client's host vouches for the user.
    Hostbased(HostbasedMethod),
}

impl Method {
    /// The method's name, as it stands in the server's list.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Publickey(_) => publickey::NAME,
            Self::Password { .. } => password::NAME,
            Self::KeyboardInteractive { .. } => interactive::NAME,
            Self::Hostbased(_) => hostbased::NAME,
        }
    }

    /// The caller's number.
    pub fn id(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Publickey(key) => Some(key.id),
            Self::Password { id } | Self::KeyboardInteractive { id, .. } => Some(*id),
            Self::Hostbased(host) => Some(host.id),
        }
    }

    /// The key it proves, if it is about a key.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Publickey(key) => Some(&key.public_key),
            Self::Hostbased(host) => Some(&host.host_key),
            _ => None,
        }
    }

    /// What tells it from others of its name, for a person to read.
    pub(crate) fn detail(&self, algorithm: Option<&str>) -> Option<String> {
        let blob = self.key()?;
        let mut detail = describe_key(blob);
        if let Some(algorithm) = algorithm.filter(|&name| name != crate::attempt::key_type(blob)) {
            detail = format!("{detail}, {algorithm}");
        }
        Some(detail)
    }
}

/// What a request adds to its method, kept until a packet can be sent; secrets go from here straight into the packet.
#[derive(Debug)]
pub(crate) enum Request {
    None,
    Password { password: Secret, new_password: Option<Secret> },
    Probe { algorithm: String },
    Signed { algorithm: String, signature: Vec<u8>, host_key: Option<Vec<u8>> },
    Interactive,
    Hostbased { algorithm: String, signature: Vec<u8> },
}

impl Request {
    /// Writes the whole message (RFC 4252 §5).
    pub(crate) fn write(&self, method: &Method, user: &str, service: &str, packet: &mut Packet<'_>) {
        let name = match self {
            Self::Signed { host_key: Some(_), .. } => publickey::HOSTBOUND,
            _ => method.name(),
        };
        let (user, service) = (user.as_bytes(), service.as_bytes());
        packet.push(&UserauthRequest { user, service, method: name.as_bytes(), data: Rest(b"") });
        match (self, method) {
            (Self::Password { password, new_password }, _) => {
                packet.push(&password::body(password, new_password.as_ref()));
            }
            (Self::Probe { algorithm }, Method::Publickey(key)) => {
                packet.push(&publickey::Body { key, algorithm, host_key: None, signature: None });
            }
            (Self::Signed { algorithm, signature, host_key }, Method::Publickey(key)) => {
                let (host_key, signature) = (host_key.as_deref(), Some(signature.as_slice()));
                packet.push(&publickey::Body { key, algorithm, host_key, signature });
            }
            (Self::Interactive, Method::KeyboardInteractive { submethods, .. }) => {
                packet.push(&interactive::body(submethods));
            }
            (Self::Hostbased { algorithm, signature }, Method::Hostbased(host)) => {
                packet.push(&host.body(algorithm));
                packet.push(signature.as_slice());
            }
            _ => {}
        }
    }

    /// An upper bound of the message's size in bytes, names of methods and lengths of fields included.
    pub(crate) fn size(&self, method: &Method, user: &str, service: &str) -> usize {
        const FIXED: usize = 256;
        let own = match self {
            Self::None | Self::Interactive => 0,
            Self::Password { password, new_password } => {
                password.len() + new_password.as_ref().map_or(0, |new| new.len())
            }
            Self::Probe { algorithm } => algorithm.len(),
            Self::Signed { algorithm, signature, host_key } => {
                algorithm.len() + signature.len() + host_key.as_ref().map_or(0, Vec::len)
            }
            Self::Hostbased { algorithm, signature } => algorithm.len() + signature.len(),
        };
        let of_method = match method {
            Method::None | Method::Password { .. } => 0,
            Method::Publickey(key) => key.public_key.len(),
            Method::KeyboardInteractive { submethods, .. } => submethods.len(),
            Method::Hostbased(host) => host.host_key.len() + host.host.len() + host.local_user.len(),
        };
        FIXED + user.len() + service.len() + own + of_method
    }
}

/// What every signature of a user begins with (RFC 4252 §7, §9): the session and the head of the request.
pub(crate) fn signed_head(session_id: &[u8], user: &[u8], service: &[u8], method: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    session_id.encode(&mut data);
    UserauthRequest { user, service, method, data: Rest(b"") }.encode(&mut data);
    data
}
