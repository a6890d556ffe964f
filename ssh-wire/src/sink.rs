//! Where the engines of the upper layers put their messages.

use crate::{Message, Packet};

/// A source of empty packets: the encoder while it can take more, or a transport that may be rekeying.
pub trait PacketSink {
    /// A packet to fill and send, or `None` while nothing may be sent: a key exchange runs (RFC 4253 §7.1) or the
    /// output is full. The caller keeps what it wanted to say as state and tries again later.
    fn packet(&mut self) -> Option<Packet<'_>>;

    /// Sends one message; `false` if nothing may be sent now.
    fn send(&mut self, message: &impl Message) -> bool
    where
        Self: Sized,
    {
        self.packet().map(|packet| packet.send_message(message)).is_some()
    }
}
