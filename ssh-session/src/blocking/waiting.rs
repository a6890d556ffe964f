//! How threads wait for what comes with a channel's inbox.

use super::{
    driver::{Shared, TimedOut, wait_until},
    reading::Awaited,
};
use crate::{
    Error, Phase,
    inbox::{CHUNKS, Inbox, Interest, Source, State},
    request,
};
use bytes::Bytes;
use ssh_connection::Exit;
use std::time::{Duration, Instant};

impl Inbox {
    /// Waits until `ready` has an answer.
    fn wait<T>(
        &self,
        shared: &Shared,
        interest: Interest,
        timeout: Option<Duration>,
        phase: Phase,
        ready: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut awaited = AwaitedInInbox { inbox: self, interest, ready, answer: None };
        let in_time = shared.await_input(deadline, &mut awaited);
        match (awaited.answer, in_time) {
            (Some(answer), _) => answer,
            (None, _) => Err(Error::timeout(phase, timeout.unwrap_or_default())),
        }
    }

    /// Waits for the peer's answer to the opening of the channel.
    pub(super) fn opened(&self, shared: &Shared, timeout: Option<Duration>) -> Result<(), Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Open, |state| state.opened())?
    }

    /// Waits for the answer to the request with this number.
    pub(super) fn reply(
        &self,
        shared: &Shared,
        number: u64,
        timeout: Option<Duration>,
    ) -> Result<bool, Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Request, |state| state.take_reply(number))
            .inspect_err(|_| self.forget_reply(number))
    }

    /// Waits until the peer has opened the window again since `epoch` was read, or is done with the channel.
    pub(super) fn wait_window(
        &self,
        shared: &Shared,
        epoch: u64,
        timeout: Option<Duration>,
    ) -> Result<(), Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Write, |state| state.window_opened(epoch))
    }

    /// Reads what is there, waiting for the first byte; 0 at the end of the stream.
    pub(super) fn read(
        &self,
        shared: &Shared,
        source: Source,
        buffer: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<usize, Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut filled = 0;
        loop {
            let mut chunks: [Bytes; CHUNKS] = Default::default();
            let room = buffer.len() - filled;
            let take =
                |state: &mut State| state.take_into(source, room, &mut chunks).or((filled > 0).then_some(0));
            let taken = self.wait(shared, Interest::Data(source), timeout, Phase::Read, take)?;
            for chunk in &chunks {
                buffer[filled..filled + chunk.len()].copy_from_slice(chunk);
                filled += chunk.len();
            }
            if taken == 0 || filled == buffer.len() {
                return Ok(filled);
            }
        }
    }

    /// Takes the next chunk without a copy; empty at the end of the stream.
    pub(super) fn recv(
        &self,
        shared: &Shared,
        source: Source,
        timeout: Option<Duration>,
    ) -> Result<Bytes, Error> {
        self.wait(shared, Interest::Data(source), timeout, Phase::Read, |state| state.take(source))
    }

    /// Takes the next chunk of either stream, or `None` when both are at their end.
    pub(super) fn recv_any(
        &self,
        shared: &Shared,
        timeout: Option<Duration>,
    ) -> Result<Option<(Source, Bytes)>, Error> {
        self.wait(shared, Interest::AnyData, timeout, Phase::Read, State::take_any)
    }

    /// Waits until the command has ended, and answers how, if the server says it.
    pub(super) fn exit(&self, shared: &Shared, timeout: Option<Duration>) -> Result<Option<Exit>, Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Wait, |state| state.exit())
    }

    /// Waits for the next request of the peer; `None` when either side is done with the channel.
    pub(super) fn next_request(
        &self,
        shared: &Shared,
        timeout: Option<Duration>,
    ) -> Result<Option<request::Waiting>, Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Request, State::next_request)
    }

    /// Waits until the peer has closed the channel.
    pub(super) fn wait_closed(&self, shared: &Shared, timeout: Option<Duration>) -> Result<(), Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Wait, |state| state.closed())
    }
}

/// Something that comes with the inbox.
struct AwaitedInInbox<'a, T, F> {
    inbox: &'a Inbox,
    interest: Interest,
    ready: F,
    answer: Option<Result<T, Error>>,
}

impl<T, F: FnMut(&mut State) -> Option<T>> AwaitedInInbox<'_, T, F> {
    fn look(&mut self, state: &mut State) -> bool {
        self.answer = match (self.ready)(state) {
            Some(answer) => Some(Ok(answer)),
            None => state.failure.clone().map(Err),
        };
        self.answer.is_some()
    }
}

impl<T, F: FnMut(&mut State) -> Option<T>> Awaited for AwaitedInInbox<'_, T, F> {
    fn is_ready(&mut self) -> bool {
        let mut state = self.inbox.lock();
        let is_ready = self.look(&mut state);
        state.looked_after = !is_ready;
        Inbox::tell(state);
        is_ready
    }

    fn leave(&mut self) {
        let mut state = self.inbox.lock();
        state.looked_after = false;
        Inbox::tell(state);
    }

    fn park(&mut self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        self.leave();
        let changed = match self.interest {
            Interest::Data(Source::Stdout) => &self.inbox.stdout,
            Interest::Data(Source::Stderr) => &self.inbox.stderr,
            Interest::AnyData | Interest::Control => &self.inbox.control,
        };
        let mut state = self.inbox.lock();
        while !self.look(&mut state) {
            *state.waiting.count(self.interest) += 1;
            let (again, in_time) = wait_until(changed, state, deadline);
            state = again;
            *state.waiting.count(self.interest) -= 1;
            if !in_time {
                return Err(TimedOut);
            }
        }
        Inbox::tell(state);
        Ok(())
    }
}
