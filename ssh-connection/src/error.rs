//! What can go wrong.

use ssh_wire::DecodeError;

/// The reason why an operation failed or the peer is not to be talked to any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] pub(crate) Repr);

/// What an [`Error`] means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer broke the protocol: disconnect with reason 2 (`PROTOCOL_ERROR`).
    Protocol,
    /// The call does not fit what the channel is doing.
    Usage,
    /// The channel is closed, or this side has asked to close it.
    Closed,
    /// A bound of [`Config`](crate::Config) is reached. The call had no effect and may be repeated later.
    Limit,
}

impl Error {
    /// What it means to the caller.
    pub fn kind(&self) -> ErrorKind {
        match self.0 {
            Repr::Malformed { .. }
            | Repr::Unknown(_)
            | Repr::NoChannel { .. }
            | Repr::State { .. }
            | Repr::WindowExceeded { .. }
            | Repr::WindowOverflow(_)
            | Repr::NoPacketSize
            | Repr::Unsolicited
            | Repr::Flood => ErrorKind::Protocol,
            Repr::NotIncoming | Repr::Unanswered | Repr::EofSent | Repr::TooLong(_) => ErrorKind::Usage,
            Repr::Closed => ErrorKind::Closed,
            Repr::Channels | Repr::Queue => ErrorKind::Limit,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Repr {
    #[error("peer sent a malformed message {number}: {source}")]
    Malformed { number: u8, source: DecodeError },
    #[error("message {0} does not belong to the connection protocol")]
    Unknown(u8),
    #[error("peer sent message {number} for channel {channel}, which is not open")]
    NoChannel { number: u8, channel: u32 },
    #[error("peer sent message {number} on channel {channel} {when}")]
    State { number: u8, channel: u32, when: &'static str },
    #[error("peer sent {sent} bytes on channel {channel}, whose window has {left} left")]
    WindowExceeded { channel: u32, sent: usize, left: u32 },
    #[error("peer raised the window of channel {0} past 2^32-1 bytes")]
    WindowOverflow(u32),
    #[error("peer opened a channel with a maximum packet size of 0")]
    NoPacketSize,
    #[error("peer answered a request that was not made")]
    Unsolicited,
    #[error("peer makes more requests than can be answered")]
    Flood,
    #[error("channel does not wait to be accepted or rejected")]
    NotIncoming,
    #[error("channel waits to be accepted or rejected")]
    Unanswered,
    #[error("end of file was sent already")]
    EofSent,
    #[error("message of {0} bytes does not fit in a packet")]
    TooLong(usize),
    #[error("channel is closed")]
    Closed,
    #[error("too many channels are open")]
    Channels,
    #[error("too many requests wait to be sent")]
    Queue,
}
