//! The sizes and bounds of a [`Mux`](crate::Mux).

use ssh_wire::Packet;

/// The most data one message carries, in bytes: what is left of the largest payload behind number, recipient, code
/// and length.
pub(crate) const MAX_DATA: u32 = (Packet::MAX_PAYLOAD - (1 + 4 + 4 + 4)) as u32;

/// The sizes and bounds of a [`Mux`](crate::Mux). What cannot be (a window of 0, a maximum below the start) is raised
/// to what can.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The receive window of a new channel, in bytes (2 MiB). Windows [grow](crate::window) from there.
    pub window: u32,
    /// What one channel's receive window grows to at the most, in bytes (64 MiB): the memory that a reader who stops
    /// reading may cost.
    pub max_window: u32,
    /// What the receive windows of all channels together may come to, in bytes (256 MiB). When it is used up, windows
    /// no longer grow and new channels start with one packet's worth.
    pub max_session_window: u64,
    /// The most data in one message to us, in bytes (64 KiB). OpenSSH fills what it is given, and larger packets cost
    /// both sides less per byte. RFC 4254 §5.1 calls it the maximum packet size.
    pub max_packet: u32,
    /// Channels that may be open at the same time, by whichever side (4096).
    pub max_channels: usize,
    /// Bytes of requests, opens and replies that may wait to be sent (1 MiB). Commands fail when half of it is used;
    /// a peer that makes requests while all of it waits breaks the protocol.
    pub max_queue: usize,
    /// Requests of the peer that may wait for an answer (4096).
    pub max_unanswered: usize,
    /// Answer every request of the peer with a failure, at once. The events are still given, with `want_reply: false`.
    /// Off, each [`Event::Request`](crate::Event::Request) and
    /// [`Event::GlobalRequest`](crate::Event::GlobalRequest) that wants a reply must get one from the caller.
    pub refuse_requests: bool,
    /// Refuse every channel that the peer opens, at once and without an event. Off, each
    /// [`Event::Incoming`](crate::Event::Incoming) must be accepted or rejected by the caller.
    pub refuse_channels: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window: 2 << 20,
            max_window: 64 << 20,
            max_session_window: 256 << 20,
            max_packet: 64 << 10,
            max_channels: 4096,
            max_queue: 1 << 20,
            max_unanswered: 4096,
            refuse_requests: false,
            refuse_channels: false,
        }
    }
}

impl Config {
    /// With every value one that can be.
    pub(crate) fn clamped(mut self) -> Self {
        self.window = self.window.max(1);
        self.max_window = self.max_window.max(self.window);
        self.max_packet = self.max_packet.clamp(1, MAX_DATA);
        self.max_channels = self.max_channels.min(u32::MAX as usize);
        self
    }
}
