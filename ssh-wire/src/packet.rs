//! Packet framing (RFC 4253 §6) for every cipher mode, over two traits.
//!
//! ```text
//!  uint32 packet_length | byte padding_length | payload | padding | tag
//!  `------- head -------'  (its size depends on the mode)
//! ```

mod compress;
mod decode;
mod encode;
mod layout;

pub use compress::{Compress, Decompress, DecompressError};
pub use decode::{Decoder, Inbound, PacketError};
pub use encode::{Encoder, Packet, Usage};
pub use layout::{Clear, Corrupt, Layout, Open, Seal};

/// The size of the `packet_length` field in bytes.
pub const LENGTH_SIZE: usize = 4;
/// What `packet_length` may say at the most unless the decoder is told otherwise, in bytes: what OpenSSH accepts.
pub const MAX_PACKET: usize = 256 * 1024;
/// RFC 4253 §6: at least four bytes of padding.
const MIN_PADDING: usize = 4;
