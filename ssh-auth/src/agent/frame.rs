//! A message and its length before it (draft-ietf-sshm-ssh-agent §3).

use super::AgentError;
use ssh_crypto::Secret;
use std::fmt;
use zeroize::Zeroizing;

/// The longest message that is sent or taken, in bytes; OpenSSH's bound.
pub const MAX_FRAME: usize = 256 * 1024;
const LENGTH_SIZE: usize = 4;

/// Cuts a stream of bytes into messages. What it holds is wiped: on the agent's side there are private keys in it.
#[derive(Default)]
pub struct Frames {
    buffer: Zeroizing<Vec<u8>>,
    failed: Option<usize>,
}

impl Frames {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes of the stream, of any number.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if self.buffer.len() + bytes.len() > self.buffer.capacity() {
            // A buffer that grew by itself would leave a copy behind.
            let capacity = (self.buffer.len() + bytes.len()).next_power_of_two();
            let mut grown = Zeroizing::new(Vec::with_capacity(capacity));
            grown.extend_from_slice(&self.buffer);
            self.buffer = grown;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message without its length, once it has arrived whole. A length out of bounds is an error at once and
    /// for ever.
    pub fn next_frame(&mut self) -> Result<Option<Secret>, AgentError> {
        if let Some(length) = self.failed {
            return Err(AgentError::Length(length));
        }
        let Some((head, rest)) = self.buffer.split_first_chunk::<LENGTH_SIZE>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if !(1..=MAX_FRAME).contains(&length) {
            self.failed = Some(length);
            self.buffer = Zeroizing::default();
            return Err(AgentError::Length(length));
        }
        let Some(payload) = rest.get(..length).map(Secret::from) else { return Ok(None) };
        self.buffer.drain(..LENGTH_SIZE + length);
        Ok(Some(payload))
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frames({} bytes)", self.buffer.len())
    }
}

/// Puts its length before what `write` writes. `capacity` is as much as it may become: a buffer that grew would leave
/// a copy behind.
pub(super) fn frame(
    capacity: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), AgentError>,
) -> Result<Secret, AgentError> {
    let mut out = Zeroizing::new(Vec::with_capacity(LENGTH_SIZE + capacity));
    out.extend_from_slice(&[0; LENGTH_SIZE]);
    write(&mut out)?;
    let length = out.len() - LENGTH_SIZE;
    if length > MAX_FRAME {
        return Err(AgentError::Length(length));
    }
    out[..LENGTH_SIZE].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(Secret::new(std::mem::take(&mut out)))
}
