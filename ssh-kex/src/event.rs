//! What the transport tells its user.

use ssh_wire::ident::Identification;

/// What happened, or what must be decided. See [`Transport::poll_event`](crate::Transport::poll_event).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A line that the server sent before its identification string, as it came; control characters may be in it.
    Line(Vec<u8>),
    /// The peer's identification string.
    Identified(Identification),
    /// Client: the server owns this key, as its signature proved. Whether it is the right server's is to be decided:
    /// answer with [`accept_host_key`](crate::Transport::accept_host_key) or
    /// [`reject_host_key`](crate::Transport::reject_host_key). It comes once, not again in a rekey.
    HostKey {
        /// The key's blob.
        key: Vec<u8>,
        /// The negotiated signature algorithm: `ssh-ed25519`, `rsa-sha2-512`.
        algorithm: String,
    },
    /// New keys are in use in both directions.
    Established {
        /// Whether it was a rekey, not the first key exchange.
        rekey: bool,
    },
    /// The peer told its extensions.
    ExtInfo,
    /// A text for debugging, without control characters.
    Debug {
        /// The text.
        message: String,
        /// Whether the peer wants it shown in any case.
        always_display: bool,
    },
    /// The peer does not know the message that was sent under this sequence number.
    Unimplemented {
        /// The sequence number.
        seq: u32,
    },
    /// The peer ended the session.
    Disconnected(Disconnected),
}

/// The peer's last words (RFC 4253 §11.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnected {
    /// One of [`ssh_wire::number::disconnect`], or any other number.
    pub reason: u32,
    /// For a person to read, without control characters.
    pub description: String,
}
