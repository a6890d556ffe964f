//! Compression of payloads (RFC 4253 §6.2).
//!
//! | name | begins | source |
//! | --- | --- | --- |
//! | `zlib@openssh.com` | when the user is authenticated | draft-miller-secsh-compression-delayed |
//! | `zlib` | with the first keys | RFC 4253 §6.2 |
//!
//! None of them is offered unless it is named. It pays on slow lines only, for one core compresses some 20 MB/s; and the
//! size of a packet then tells of what is in it: who can make a user send something of their choice beside a secret
//! may find the secret out, byte by byte, from the sizes alone, as CRIME did in TLS. With `zlib` everybody who can
//! connect reaches the decompressor of a server, and passwords are compressed, too.

mod zlib;

pub use zlib::{ZLIB, ZLIB_OPENSSH};

use ssh_wire::{Compress, Decompress};
use std::fmt;

/// A compression method as it is negotiated, one for each direction. New keys come with a new state.
pub trait CompressionAlgorithm: fmt::Debug + Send + Sync {
    /// The name: `zlib@openssh.com`.
    fn name(&self) -> &'static str;
    /// Whether it begins only behind USERAUTH_SUCCESS.
    fn is_delayed(&self) -> bool;
    /// The sending half.
    fn compress(&self) -> Box<dyn Compress>;
    /// The receiving half.
    fn decompress(&self) -> Box<dyn Decompress>;
}

/// All methods, the best first.
pub(crate) static ALL: [&dyn CompressionAlgorithm; 2] = [ZLIB_OPENSSH, ZLIB];
