//! Which message may come when: the one table of message numbers (RFC 4250 §4.1, RFC 4253 §7.1).
//!
//! "Messages that the current state does not allow" is a class of attacks (CVE-2018-10933, CVE-2023-46445): here,
//! whatever is not listed is refused. Within a key exchange, the state machine and the method refine what it says.

use crate::Role;
use ssh_wire::number as n;

/// How far the peer is with its key exchanges, as far as its messages tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The first KEXINIT has not come.
    Start,
    /// Between the first KEXINIT and the first NEWKEYS.
    FirstKex {
        /// Whether the key exchange is strict.
        strict: bool,
    },
    /// Keys are in use, and the peer has not sent KEXINIT again; whether we have does not matter.
    Open,
    /// Between a later KEXINIT and its NEWKEYS.
    Rekey,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The transport layer deals with it: DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, EXT_INFO, PING.
    Transport,
    /// It belongs to the key exchange.
    Kex,
    /// It is for the layers above.
    Upper,
    /// The peer is told that it is not known.
    Unknown,
    /// It has no place here: the session ends.
    Refused,
}

/// What becomes of message `number` in `phase`, at the side that plays `role`.
pub(crate) fn verdict(phase: Phase, role: Role, number: u8) -> Verdict {
    use Verdict::{Kex, Refused, Transport, Unknown, Upper};
    match phase {
        // Whether the exchange is strict is not known yet: its first check is that KEXINIT had sequence number 0.
        Phase::Start => match number {
            n::DISCONNECT..=n::DEBUG => Transport,
            n::KEXINIT => Kex,
            _ => Refused,
        },
        // OpenSSH PROTOCOL §1.10: only what the key exchange needs.
        Phase::FirstKex { strict: true } => match number {
            n::DISCONNECT => Transport,
            n::NEWKEYS | n::KEX_FIRST..=n::KEX_LAST => Kex,
            _ => Refused,
        },
        // RFC 4253 §7.1: messages 1 to 19 but SERVICE_REQUEST and SERVICE_ACCEPT, 20 to 29 but another KEXINIT, 30 to
        // 49. EXT_INFO has its places behind NEWKEYS.
        Phase::FirstKex { strict: false } | Phase::Rekey => match number {
            n::DISCONNECT..=n::DEBUG => Transport,
            n::NEWKEYS | n::KEX_FIRST..=n::KEX_LAST => Kex,
            n::NEWCOMPRESS..=19 | 22..=29 => Unknown,
            _ => Refused,
        },
        Phase::Open => match (number, role) {
            (n::DISCONNECT..=n::DEBUG | n::EXT_INFO, _) => Transport,
            (n::SERVICE_REQUEST, Role::Server) | (n::SERVICE_ACCEPT, Role::Client) => Upper,
            (n::SERVICE_REQUEST | n::SERVICE_ACCEPT, _) => Refused,
            (n::KEXINIT, _) => Kex,
            (n::NEWKEYS | n::KEX_FIRST..=n::KEX_LAST, _) => Refused,
            (50..=127, _) => Upper,
            (n::PING, _) => Transport,
            (0 | 8..=19 | 22..=29 | 128.., _) => Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict::*, *};

    /// Every number in every phase, written down once more, from the other side: what is allowed, as ranges.
    #[test]
    fn whole_table() {
        let cases = |phase, role| -> Vec<(std::ops::RangeInclusive<u8>, Verdict)> {
            match (phase, role) {
                (Phase::Start, _) => vec![(1..=4, Transport), (20..=20, Kex)],
                (Phase::FirstKex { strict: true }, _) => {
                    vec![(1..=1, Transport), (21..=21, Kex), (30..=49, Kex)]
                }
                (Phase::FirstKex { strict: false } | Phase::Rekey, _) => vec![
                    (1..=4, Transport),
                    (8..=19, Unknown),
                    (21..=21, Kex),
                    (22..=29, Unknown),
                    (30..=49, Kex),
                ],
                (Phase::Open, role) => vec![
                    (0..=0, Unknown),
                    (1..=4, Transport),
                    match role {
                        Role::Server => (5..=5, Upper),
                        Role::Client => (6..=6, Upper),
                    },
                    (7..=7, Transport),
                    (8..=19, Unknown),
                    (20..=20, Kex),
                    (22..=29, Unknown),
                    (50..=127, Upper),
                    (128..=191, Unknown),
                    (192..=192, Transport),
                    (193..=255, Unknown),
                ],
            }
        };
        let phases = [
            Phase::Start,
            Phase::FirstKex { strict: true },
            Phase::FirstKex { strict: false },
            Phase::Open,
            Phase::Rekey,
        ];
        for phase in phases {
            for role in [Role::Client, Role::Server] {
                let cases = cases(phase, role);
                for number in 0..=u8::MAX {
                    let case = cases.iter().find(|(range, _)| range.contains(&number));
                    let expected = case.map_or(Refused, |&(_, verdict)| verdict);
                    assert_eq!(verdict(phase, role, number), expected, "{phase:?} {role:?} {number}");
                }
            }
        }
    }
}
