//! What the peer asks for on a channel: to run a command, to set a variable.

use crate::{
    Error, ErrorKind,
    core::Core,
    inbox::{Inbox, State},
};
use ssh_connection::ChannelId;
use std::{collections::VecDeque, fmt};

/// Requests that wait on one channel to be taken. A peer that makes more is flooding; OpenSSH's client sends all its
/// variables in one flight, each in a request.
const MAX_WAITING: usize = 1024;
/// Bytes of waiting requests on one channel from which on no further one is kept.
const MAX_BYTES: usize = 256 * 1024;

/// Something the peer asks for on a channel (RFC 4254 §5.4). Dropping it refuses.
///
/// Answers carry no number: the peer takes them in the order in which it asked. Answer one before the next is taken.
pub struct ChannelRequest {
    name: Vec<u8>,
    data: Vec<u8>,
    /// How to answer, where an answer is owed.
    answer: Option<Box<dyn FnOnce(bool) + Send>>,
}

impl ChannelRequest {
    /// `answer` is called once if an answer is owed.
    pub(crate) fn new(waiting: Waiting, answer: impl FnOnce(bool) + Send + 'static) -> Self {
        let Waiting { name, want_reply, data } = waiting;
        Self { name, data, answer: want_reply.then(|| Box::new(answer) as _) }
    }

    /// What is asked for: `exec`, `pty-req`. The peer's words.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What the request adds, encoded: [`Exec`](ssh_wire::message::connection::Exec) for instance.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Tells the peer, if it wants to know, whether it was done.
    pub fn reply(mut self, success: bool) {
        self.answer(success);
    }

    fn answer(&mut self, success: bool) {
        if let Some(answer) = self.answer.take() {
            answer(success);
        }
    }
}

impl Drop for ChannelRequest {
    fn drop(&mut self) {
        self.answer(false);
    }
}

impl fmt::Debug for ChannelRequest {
    /// The size in place of the data, which may be a secret of the environment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelRequest({}, {} bytes)", self.name.escape_ascii(), self.data.len())
    }
}

/// Requests that wait to be taken.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    queue: VecDeque<Waiting>,
    bytes: usize,
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Waiting {
    name: Vec<u8>,
    want_reply: bool,
    data: Vec<u8>,
}

impl Requests {
    fn push(&mut self, name: &[u8], want_reply: bool, data: &[u8]) -> Result<(), Error> {
        if self.queue.len() >= MAX_WAITING || self.bytes >= MAX_BYTES {
            return Err(Error::new(ErrorKind::Protocol, "too many requests wait on a channel"));
        }
        // Copies: a slice would keep the whole receive buffer alive.
        self.bytes += name.len() + data.len();
        self.queue.push_back(Waiting { name: name.to_vec(), want_reply, data: data.to_vec() });
        Ok(())
    }

    fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_front()?;
        self.bytes -= waiting.name.len() + waiting.data.len();
        Some(waiting)
    }
}

impl State {
    /// The next request of the peer; `Some(None)` when either side is done with the channel.
    pub(crate) fn next_request(&mut self) -> Option<Option<Waiting>> {
        match self.requests.pop() {
            Some(request) => Some(Some(request)),
            None => self.is_over().then_some(None),
        }
    }
}

impl Inbox {
    /// Keeps a request of the peer until it is taken; an error if too many wait.
    fn push_request(&self, name: &[u8], want_reply: bool, data: &[u8]) -> Result<(), Error> {
        let mut result = Ok(());
        self.change_control(|state| result = state.requests.push(name, want_reply, data));
        result
    }
}

impl Core {
    /// Keeps a request for the owner of its channel, or refuses it if nobody will take it.
    pub(crate) fn keep_request(
        &mut self,
        channel: ChannelId,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
    ) -> Result<(), Error> {
        match self.channels.get(&channel).filter(|_| self.channel_requests) {
            Some(inbox) => inbox.push_request(name, want_reply, data),
            None if want_reply => {
                self.engine.mux.reply(channel, false);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, MAX_WAITING, Requests};

    #[test]
    fn floods_are_refused() {
        let mut many = Requests::default();
        for _ in 0..MAX_WAITING {
            many.push(b"env", false, b"").unwrap();
        }
        assert!(many.push(b"env", false, b"").is_err());
        assert!(many.pop().is_some());
        assert!(many.push(b"env", false, b"").is_ok());

        let mut large = Requests::default();
        large.push(b"exec", true, &vec![0; MAX_BYTES]).unwrap();
        assert!(large.push(b"env", false, b"").is_err());
        assert!(large.pop().is_some());
        assert!(large.push(b"env", false, b"").is_ok());
    }
}
