//! What a transport is waiting for.

use crate::{
    Error, Negotiated, NewOpen,
    exchange::{Exchange, Pending, Proposal},
};
use std::time::{Duration, Instant};

/// What the key exchange is waiting for.
pub(crate) enum State {
    /// Nothing: keys are in use and no exchange runs.
    Idle,
    /// Our KEXINIT is sent; for the peer's.
    Proposed(Proposal),
    /// For the method's messages.
    Exchanging(Box<Exchange>),
    /// Client: for the decision whether the host key is the right one.
    HostKey { pending: Box<Pending>, newkeys: bool },
    /// Our NEWKEYS is sent; for the peer's.
    NewKeys(NewOpen),
    /// For nothing any more.
    Closed(Error),
}

/// When the key exchange that runs has taken too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    None,
    /// It began when the time was not known: the clock starts at the next call that tells it.
    Unset,
    At(Instant),
}

impl Deadline {
    /// `limit` from `now`; a limit that no clock reaches is none.
    pub(crate) fn after(now: Instant, limit: Duration) -> Self {
        now.checked_add(limit).map_or(Self::None, Self::At)
    }
}

/// What holds from the first key exchange on.
pub(crate) struct Session {
    /// The first exchange hash.
    pub(crate) id: Vec<u8>,
    /// The host key's blob.
    pub(crate) host_key: Vec<u8>,
    /// The host's signature over the first exchange hash.
    pub(crate) host_signature: Vec<u8>,
    pub(crate) negotiated: Negotiated,
    /// Whether the first key exchange is over in both directions.
    pub(crate) established: bool,
}
