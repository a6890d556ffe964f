//! The terminal behind a channel.

use ssh_connection::request::TerminalModes;
use ssh_wire::{
    Encode,
    message::connection::{PtyReq, TerminalSize},
};

/// The terminal that a pseudo-terminal at the other end stands for (RFC 4254 §6.2). Encoded, it is the data of the
/// request `pty-req`.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// The TERM environment variable: `xterm-256color`.
    pub term: String,
    /// Its size.
    pub size: TerminalSize,
    /// How it treats input and output.
    pub modes: TerminalModes,
}

impl Encode for Terminal {
    fn encode(&self, out: &mut Vec<u8>) {
        let modes = self.modes.to_bytes();
        PtyReq { term: self.term.as_bytes(), size: self.size, modes: &modes }.encode(out);
    }
}
