//! zlib (RFC 1950, RFC 1951): one stream for each set of keys, flushed behind each packet.

use super::CompressionAlgorithm;
use flate2::{Compression, FlushCompress, FlushDecompress, Status};
use ssh_wire::{Compress, Decompress, DecompressError};
use std::fmt;

/// `zlib@openssh.com`.
pub const ZLIB_OPENSSH: &dyn CompressionAlgorithm = &Zlib { name: "zlib@openssh.com", delayed: true };
/// `zlib`.
pub const ZLIB: &dyn CompressionAlgorithm = &Zlib { name: "zlib", delayed: false };

/// From 0 to 9; what OpenSSH uses.
const LEVEL: u32 = 6;
/// Room for compressed or decompressed bytes is made in steps of this many at the least.
const STEP: usize = 4096;

struct Zlib {
    name: &'static str,
    delayed: bool,
}

impl CompressionAlgorithm for Zlib {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_delayed(&self) -> bool {
        self.delayed
    }

    fn compress(&self) -> Box<dyn Compress> {
        Box::new(Deflate(flate2::Compress::new(Compression::new(LEVEL), true)))
    }

    fn decompress(&self) -> Box<dyn Decompress> {
        Box::new(Inflate(flate2::Decompress::new(true)))
    }
}

impl fmt::Debug for Zlib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

struct Deflate(flate2::Compress);

impl Compress for Deflate {
    fn compress(&mut self, payload: &[u8], to: &mut Vec<u8>) {
        let start = self.0.total_in();
        loop {
            if to.len() == to.capacity() {
                to.reserve(STEP);
            }
            let used = (self.0.total_in() - start) as usize;
            // RFC 4253 §6.2: a partial flush. It never fails before the stream is finished, which it never is.
            let rest = payload.get(used..).unwrap_or_default();
            let result = self.0.compress_vec(rest, to, FlushCompress::Partial);
            // Room that is left over was not needed: all of it is out.
            if result.is_err() || to.len() < to.capacity() {
                return;
            }
        }
    }
}

struct Inflate(flate2::Decompress);

impl Decompress for Inflate {
    fn decompress(&mut self, payload: &[u8], limit: usize, to: &mut Vec<u8>) -> Result<(), DecompressError> {
        let (start, front) = (self.0.total_in(), to.len());
        loop {
            if to.len() == to.capacity() {
                // What is in use is doubled, so that a small packet takes little, and a bomb no more than the limit.
                let used = to.len() - front;
                let more = used.max(2 * payload.len()).max(STEP).min(limit.saturating_sub(used) + 1);
                to.reserve_exact(more);
            }
            let used = (self.0.total_in() - start) as usize;
            let rest = payload.get(used..).unwrap_or_default();
            let before = to.len();
            let status = self.0.decompress_vec(rest, to, FlushDecompress::Sync);
            if to.len() - front > limit {
                return Err(DecompressError::TooLarge { limit });
            }
            match status {
                // The peer flushes its stream, and does not end it.
                Err(_) | Ok(Status::StreamEnd) => return Err(DecompressError::Damaged),
                Ok(Status::Ok | Status::BufError) => {}
            }
            let taken = (self.0.total_in() - start) as usize - used;
            // What it has read it may still hold, even if there was room: it is through when nothing moves any more.
            if taken == 0 && to.len() == before {
                return if rest.is_empty() { Ok(()) } else { Err(DecompressError::Damaged) };
            }
        }
    }
}

#[cfg(test)]
mod tests;
