//! Answers that the peer is owed and that can't be sent now: bounded, for a peer may ask and never read.

use crate::{Error, error::Cause};
use bytes::Bytes;
use std::collections::VecDeque;

/// Answers kept, and their bytes. A peer that obscures the timing of keystrokes sends fifty pings a second.
const MAX_ANSWERS: usize = 1024;
const MAX_BYTES: usize = 256 * 1024;
/// The longest ping that is answered: RFC 4253 §6.1 asks for payloads of this size, and no more.
const MAX_PING: usize = 32 * 1024;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// PONG with these data.
    Pong(Bytes),
    /// UNIMPLEMENTED for the packet with this sequence number.
    Unimplemented(u32),
}

/// Answers in the order of the questions.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    answers: VecDeque<Answer>,
    bytes: usize,
}

impl Owed {
    /// Keeps an answer; an error if there are too many.
    pub(crate) fn push(&mut self, answer: Answer) -> Result<(), Error> {
        let bytes = self.bytes + answer.len();
        if self.answers.len() >= MAX_ANSWERS || bytes > MAX_BYTES || answer.len() > MAX_PING {
            return Err(Cause::Flood("pings and unknown messages").into());
        }
        self.bytes = bytes;
        self.answers.push_back(match answer {
            // A copy, for the slice would keep the whole receive buffer alive.
            Answer::Pong(data) => Answer::Pong(Bytes::copy_from_slice(&data)),
            other => other,
        });
        Ok(())
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.answers.shrink_to_fit();
    }

    /// The oldest answer.
    pub(crate) fn pop(&mut self) -> Option<Answer> {
        let answer = self.answers.pop_front()?;
        self.bytes -= answer.len();
        Some(answer)
    }
}

impl Answer {
    fn len(&self) -> usize {
        match self {
            Self::Pong(data) => data.len(),
            Self::Unimplemented(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_size_are_bounded() {
        let mut owed = Owed::default();
        for seq in 0..MAX_ANSWERS {
            owed.push(Answer::Unimplemented(seq as u32)).unwrap();
        }
        assert!(owed.push(Answer::Unimplemented(0)).is_err());
        assert_eq!(owed.pop(), Some(Answer::Unimplemented(0)));
        owed.push(Answer::Unimplemented(9)).unwrap();

        let mut owed = Owed::default();
        let large = Bytes::from(vec![0; MAX_PING]);
        for _ in 0..MAX_BYTES / MAX_PING {
            owed.push(Answer::Pong(large.clone())).unwrap();
        }
        assert!(owed.push(Answer::Pong(Bytes::from_static(b"x"))).is_err());
        assert_eq!(owed.pop(), Some(Answer::Pong(large.clone())));
        owed.push(Answer::Pong(large)).unwrap();
        let huge = Bytes::from(vec![0; MAX_PING + 1]);
        assert!(Owed::default().push(Answer::Pong(huge)).is_err());
    }
}
