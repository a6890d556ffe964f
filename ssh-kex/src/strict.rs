//! Strict key exchange (OpenSSH PROTOCOL §1.10), which ends the Terrapin attack (CVE-2023-48795).
//!
//! | rule | where it holds |
//! | --- | --- |
//! | each side says so by a marker in its first KEXINIT | [`Strict::agree`] |
//! | the peer's first packet is its KEXINIT | [`Strict::agree`] |
//! | until the first NEWKEYS, nothing but what the key exchange needs is accepted | [`crate::allowed`] |
//! | sequence numbers start again at 0 behind every NEWKEYS | [`Strict::is_on`], as the keys change |

use crate::{Error, Role, error::Cause};
use ssh_wire::NameList;

const CLIENT: &str = "kex-strict-c-v00@openssh.com";
const SERVER: &str = "kex-strict-s-v00@openssh.com";

/// Whether a name among the key exchange methods is the marker.
pub(crate) fn is_marker(name: &str) -> bool {
    name == CLIENT || name == SERVER
}

/// The marker that `role` puts into its first KEXINIT.
pub(crate) fn marker(role: Role) -> &'static str {
    match role {
        Role::Client => CLIENT,
        Role::Server => SERVER,
    }
}

/// Whether key exchanges of this session are strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strict {
    /// We don't offer it.
    Off,
    /// We offer it; the peer's first KEXINIT will tell.
    Offered,
    /// Both sides do it.
    On,
}

impl Strict {
    pub(crate) fn new(offered: bool) -> Self {
        if offered { Self::Offered } else { Self::Off }
    }

    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }

    /// Settles it with the methods in the first KEXINIT of the peer, which plays `peer` and sent it under `seq`.
    pub(crate) fn agree(self, peer: Role, kex: NameList<'_>, seq: u32) -> Result<Self, Error> {
        if self != Self::Offered || !kex.contains(marker(peer)) {
            return Ok(Self::Off);
        }
        if seq != 0 {
            return Err(Cause::Strict("the peer's first packet is not its KEXINIT").into());
        }
        Ok(Self::On)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn both_sides_must_offer_it() {
        let kex = NameList::from("curve25519-sha256,kex-strict-s-v00@openssh.com");
        let agree = |strict: Strict, peer| strict.agree(peer, kex, 0).unwrap();
        assert!(agree(Strict::new(true), Role::Server).is_on());
        assert!(!agree(Strict::new(false), Role::Server).is_on());
        // A server's marker from a client is none.
        assert!(!agree(Strict::new(true), Role::Client).is_on());
    }

    #[test]
    fn kexinit_must_be_the_first_packet() {
        let kex = NameList::from(SERVER);
        let error = Strict::Offered.agree(Role::Server, kex, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert_eq!(Strict::Off.agree(Role::Server, kex, 1), Ok(Strict::Off));
    }
}
