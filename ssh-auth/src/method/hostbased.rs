//! `hostbased`: the client's host vouches for the user with its own host key (RFC 4252 §9).

use super::signed_head;
use ssh_wire::{Encode, message::auth::HostbasedRequest};

/// The method's name.
pub const NAME: &str = "hostbased";

/// A host that vouches for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostbasedMethod {
    /// The client's host key: its public blob.
    pub host_key: Vec<u8>,
    /// The signature algorithm.
    pub algorithm: String,
    /// The client's host name, fully qualified.
    pub host: String,
    /// The user's name on the client's host.
    pub local_user: String,
    /// The caller's number, which comes back in [`Event::Sign`](crate::Event::Sign).
    pub id: usize,
}

impl HostbasedMethod {
    pub(crate) fn body<'a>(&'a self, algorithm: &'a str) -> HostbasedRequest<'a> {
        HostbasedRequest {
            algorithm: algorithm.as_bytes(),
            host_key: &self.host_key,
            host: self.host.as_bytes(),
            local_user: self.local_user.as_bytes(),
        }
    }
}

/// What the host's key signs.
pub(crate) fn signed_data(
    session_id: &[u8],
    user: &[u8],
    service: &[u8],
    body: &HostbasedRequest<'_>,
) -> Vec<u8> {
    let mut data = signed_head(session_id, user, service, NAME.as_bytes());
    body.encode(&mut data);
    data
}
