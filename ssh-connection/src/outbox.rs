//! Requests, opens and replies that wait to be sent, as bytes in one buffer.

use ssh_wire::Encode;

/// A queue of encoded messages, each behind its length.
///
/// ```text
///  bytes: | (sent) | len | message | len | message |
///                  `- start
/// ```
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    start: usize,
    /// Bytes that are kept elsewhere, but count: requests that wait for their channel to be confirmed.
    held: usize,
}

/// The size of a message's length in bytes.
const LENGTH: usize = size_of::<u32>();
/// Sent bytes at the front that are worth moving the rest for.
const COMPACT: usize = 64 * 1024;

impl Outbox {
    /// What waits, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start + self.held
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub(crate) fn push(&mut self, message: &impl Encode) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH]);
        message.encode(&mut self.bytes);
        let length = (self.bytes.len() - at - LENGTH) as u32;
        self.bytes[at..at + LENGTH].copy_from_slice(&length.to_be_bytes());
    }

    pub(crate) fn hold(&mut self, bytes: usize) {
        self.held += bytes;
    }

    pub(crate) fn release(&mut self, bytes: usize) {
        self.held -= bytes;
    }

    /// The next message to send.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        let (length, rest) = self.bytes[self.start..].split_first_chunk()?;
        rest.get(..u32::from_be_bytes(*length) as usize)
    }

    /// Drops the message at the [front](Self::front).
    pub(crate) fn pop(&mut self) {
        self.start += self.front().map_or(0, |message| LENGTH + message.len());
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start >= COMPACT {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_wire::Rest;

    #[test]
    fn messages_leave_in_order() {
        let mut outbox = Outbox::default();
        for round in 0..3 {
            for i in 0..2000u32 {
                outbox.push(&Rest(&vec![i as u8; (i % 200) as usize]));
            }
            for i in 0..2000u32 {
                assert_eq!(outbox.front(), Some(&vec![i as u8; (i % 200) as usize][..]), "{round}");
                outbox.pop();
            }
            assert_eq!(outbox.front(), None);
            assert_eq!(outbox.len(), 0);
            outbox.pop();
        }
    }

    #[test]
    fn what_is_sent_is_forgotten_though_something_always_waits() {
        let mut outbox = Outbox::default();
        outbox.push(&Rest(&[7; 100]));
        for _ in 0..10_000 {
            outbox.push(&Rest(&[7; 100]));
            outbox.pop();
        }
        assert_eq!(outbox.len(), LENGTH + 100);
        assert!(outbox.bytes.len() <= COMPACT + 2 * (LENGTH + 100));
    }
}
