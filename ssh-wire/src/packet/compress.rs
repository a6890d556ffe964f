//! What a compression method must do for payloads to go through it (RFC 4253 §6.2).

/// The sending half: it keeps its state from one packet to the next.
pub trait Compress: Send {
    /// Appends `payload`, compressed and flushed so that the other half can make all of it out of these bytes alone.
    fn compress(&mut self, payload: &[u8], to: &mut Vec<u8>);
}

/// The receiving half: it keeps its state from one packet to the next, and is not used again after an error.
pub trait Decompress: Send {
    /// Appends what `payload` decompresses to: at most `limit` bytes, however much more it would be.
    fn decompress(&mut self, payload: &[u8], limit: usize, to: &mut Vec<u8>) -> Result<(), DecompressError>;
}

/// Why a payload could not be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecompressError {
    /// It is not what the method makes.
    #[error("compressed data are damaged")]
    Damaged,
    /// It would be larger than a payload may be.
    #[error("a packet decompresses to more than {limit} bytes")]
    TooLarge {
        /// What a payload may be, in bytes.
        limit: usize,
    },
    /// It holds nothing.
    #[error("a packet decompresses to nothing")]
    Empty,
}
