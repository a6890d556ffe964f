//! What the peer did.

use crate::ChannelId;
use bytes::Bytes;
use std::fmt;

/// What the peer did, in the order in which it did it.
///
/// `Bytes` are slices of the payload that was handled. Texts and names are the peer's: they may hold anything,
/// control characters included.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer confirmed a channel that we asked for.
    Opened {
        /// The channel.
        channel: ChannelId,
        /// What the channel's type adds; mostly empty.
        data: Bytes,
    },
    /// The peer refused a channel that we asked for. The id is gone.
    OpenFailed {
        /// The channel.
        channel: ChannelId,
        /// One of [`ssh_wire::number::open_failure`].
        reason: u32,
        /// The peer's words.
        description: String,
    },
    /// The peer asks for a channel: answer with [`Mux::accept`](crate::Mux::accept) or
    /// [`Mux::reject`](crate::Mux::reject).
    Incoming {
        /// The channel.
        channel: ChannelId,
        /// `session`, `forwarded-tcpip`, …
        channel_type: Bytes,
        /// What the type adds.
        data: Bytes,
    },
    /// Data; never empty. Report it with [`Mux::consumed`](crate::Mux::consumed) once it is read.
    Data {
        /// The channel.
        channel: ChannelId,
        /// The data.
        data: Bytes,
    },
    /// Data of another stream; never empty. Report it with [`Mux::consumed`](crate::Mux::consumed) once it is read,
    /// and at once if the code means nothing to you: all streams share one window.
    ExtendedData {
        /// The channel.
        channel: ChannelId,
        /// [`ssh_wire::number::EXTENDED_DATA_STDERR`], or any other.
        code: u32,
        /// The data.
        data: Bytes,
    },
    /// A write that found the window closed may go on.
    WindowOpened {
        /// The channel.
        channel: ChannelId,
    },
    /// The peer sends no more data. Its requests (`exit-status`) may follow.
    Eof {
        /// The channel.
        channel: ChannelId,
    },
    /// The peer closed the channel, with or without an EOF before. The id is gone.
    Closed {
        /// The channel.
        channel: ChannelId,
    },
    /// A request on a channel; [`Exit::parse`](crate::Exit::parse) reads those that tell how a command ended.
    Request {
        /// The channel.
        channel: ChannelId,
        /// `exit-status`, `keepalive@openssh.com`, …
        name: Bytes,
        /// Whether it must be answered by [`Mux::reply`](crate::Mux::reply), be it with a failure.
        want_reply: bool,
        /// What the request adds.
        data: Bytes,
    },
    /// The answer to our oldest request on the channel that has none yet. When a channel closes, the requests
    /// without an answer have failed.
    Reply {
        /// The channel.
        channel: ChannelId,
        /// Whether the peer did what was asked.
        success: bool,
    },
    /// A request that concerns no channel.
    GlobalRequest {
        /// `tcpip-forward`, `hostkeys-00@openssh.com`, …
        name: Bytes,
        /// Whether it must be answered by [`Mux::global_reply`](crate::Mux::global_reply), be it with a failure.
        want_reply: bool,
        /// What the request adds.
        data: Bytes,
    },
    /// The answer to our oldest global request that has none yet.
    GlobalReply {
        /// Whether the peer did what was asked.
        success: bool,
        /// What the answer adds: the port of a `tcpip-forward`.
        data: Bytes,
    },
}

impl fmt::Debug for Event {
    /// Sizes in place of data, which may be a password on its way to a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { channel, data } => write!(f, "Opened({channel}, {} bytes)", data.len()),
            Self::OpenFailed { channel, reason, description } => {
                write!(f, "OpenFailed({channel}, {reason}, {description:?})")
            }
            Self::Incoming { channel, channel_type, data } => {
                write!(f, "Incoming({channel}, {channel_type:?}, {} bytes)", data.len())
            }
            Self::Data { channel, data } => write!(f, "Data({channel}, {} bytes)", data.len()),
            Self::ExtendedData { channel, code, data } => {
                write!(f, "ExtendedData({channel}, {code}, {} bytes)", data.len())
            }
            Self::WindowOpened { channel } => write!(f, "WindowOpened({channel})"),
            Self::Eof { channel } => write!(f, "Eof({channel})"),
            Self::Closed { channel } => write!(f, "Closed({channel})"),
            Self::Request { channel, name, want_reply, data } => {
                write!(f, "Request({channel}, {name:?}, want_reply: {want_reply}, {} bytes)", data.len())
            }
            Self::Reply { channel, success } => write!(f, "Reply({channel}, {success})"),
            Self::GlobalRequest { name, want_reply, data } => {
                write!(f, "GlobalRequest({name:?}, want_reply: {want_reply}, {} bytes)", data.len())
            }
            Self::GlobalReply { success, data } => write!(f, "GlobalReply({success}, {} bytes)", data.len()),
        }
    }
}
