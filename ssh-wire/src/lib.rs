//! SSH-2 on the wire, and nothing else: no I/O, no cryptography.
//!
//! | module | holds | standard |
//! | --- | --- | --- |
//! | [`encode`](mod@encode) | the data types and the traits [`Encode`] and [`Decode`] | RFC 4251 §5 |
//! | [`ident`] | the identification string | RFC 4253 §4.2 |
//! | [`number`] | message numbers, reason codes | RFC 4250 §4 |
//! | [`message`] | every message as a borrowed struct | RFC 4252, 4253, 4254, 4256, 4419, 8308 |
//! | [`packet`] | framing: [`Decoder`] and [`Encoder`] over the traits [`Open`] and [`Seal`] | RFC 4253 §6 |
//! | [`sink`] | [`PacketSink`], where the engines of the upper layers put their messages | |
//!
//! Log records have the target [`LOG_TARGET`]: `trace` tells each message that an [`Encoder`] sends, by its name and
//! without what it holds.
//!
//! Messages borrow from the payload they were decoded from, and encode straight into the send buffer:
//!
//! ```
//! use ssh_wire::message::{Message, transport::Disconnect};
//!
//! let message = Disconnect { reason: 11, description: b"bye", language: b"" };
//! let payload = message.to_payload();
//! assert_eq!(payload[0], Disconnect::NUMBER);
//! assert_eq!(Disconnect::parse(&payload)?, message);
//! # Ok::<(), ssh_wire::DecodeError>(())
//! ```

pub mod encode;
pub mod ident;
pub mod message;
pub mod number;
pub mod packet;
pub mod sink;

pub use encode::{Decode, DecodeError, Encode, Mpint, NameList, Reader, Rest};
pub use message::{Message, Shown};
pub use packet::{
    Compress, Corrupt, Decoder, Decompress, DecompressError, Encoder, Inbound, Layout, Open, Packet,
    PacketError, Seal,
};
pub use sink::PacketSink;

/// The target of the log records that tell of single messages.
pub const LOG_TARGET: &str = "ssh_wire";
