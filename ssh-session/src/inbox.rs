//! What has arrived on a channel and was not read yet.

use crate::{
    Error,
    bell::Bell,
    request::Requests,
    watch::{Callback, Watch},
};
use bytes::{Bytes, BytesMut};
use ssh_connection::Exit;
use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Chunks taken out under one lock and copied outside of it.
pub(crate) const CHUNKS: usize = 8;
/// Smaller pieces than this, in bytes, are put together, or each could keep a whole receive buffer of 256 KiB alive.
const SMALL: usize = 16 * 1024;

/// What stays unread beyond so many bytes is copied if it is less than half of a receive buffer: a peer may fill the rest of each
/// with what is thrown away.
const MUCH: usize = 1024 * 1024;
const HALF: usize = 128 * 1024;

/// Which of a channel's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The main stream.
    Stdout,
    /// The other one (RFC 4254 §5.2).
    Stderr,
}

/// The receiving side of one channel, filled by the thread that reads.
#[derive(Debug)]
pub(crate) struct Inbox {
    bell: Arc<Bell>,
    state: Mutex<State>,
    pub(crate) stdout: Condvar,
    pub(crate) stderr: Condvar,
    pub(crate) control: Condvar,
}

/// What a thread waits for. Those who wait for one thing are not woken by another: waking costs a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    Data(Source),
    /// Data of either stream.
    AnyData,
    /// An answer, the end of the command, room to write.
    Control,
}

/// How many threads wait for what.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    stdout: usize,
    stderr: usize,
    any: usize,
    control: usize,
}

impl Waiting {
    pub(crate) fn count(&mut self, interest: Interest) -> &mut usize {
        match interest {
            Interest::Data(Source::Stdout) => &mut self.stdout,
            Interest::Data(Source::Stderr) => &mut self.stderr,
            Interest::AnyData => &mut self.any,
            Interest::Control => &mut self.control,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    stdout: Queue,
    stderr: Queue,
    /// No more data will come.
    eof: bool,
    /// The peer is done with the channel.
    closed: bool,
    /// This side is.
    left: bool,
    exit: Option<Exit>,
    /// Requests of the peer that were not taken yet.
    pub(crate) requests: Requests,
    pub(crate) failure: Option<Error>,
    /// The peer's answer to the opening of the channel.
    opened: Option<Result<(), Error>>,
    /// Answers to requests, by the request's number on this channel, until they are fetched.
    replies: VecDeque<(u64, bool)>,
    /// Answers that have come so far.
    answered: u64,
    /// Requests whose answers nobody will fetch.
    forgotten: Vec<u64>,
    /// Counts the times the peer has opened the window again.
    window_epoch: u64,
    pub(crate) waiting: Waiting,
    #[cfg(feature = "tokio")]
    pub(crate) tasks: crate::tasks::Tasks<Interest>,
    /// Standard error is put behind what is in the main stream.
    merged: bool,
    /// Those who are told what is ready, if there are any.
    watch: Option<Box<Watch>>,
    /// The thread that reads waits for something here: it takes what has arrived and then tells the watch, which need not
    /// hear of what is gone at once.
    pub(crate) looked_after: bool,
    /// Whether a write would take something; kept while there is a watch only.
    writable: bool,
}

#[derive(Debug, Default)]
struct Queue {
    /// What has come in large pieces, as it lies in the receive buffer.
    chunks: VecDeque<Bytes>,
    /// What has come in small pieces behind the chunks, put together.
    tail: BytesMut,
    len: usize,
}

impl Queue {
    fn push(&mut self, data: Bytes) {
        self.len += data.len();
        let is_small = data.len() < SMALL;
        let joins = is_small && self.tail.len() + data.len() <= SMALL;
        if !joins && !self.tail.is_empty() {
            self.chunks.push_back(mem::take(&mut self.tail).freeze());
        }
        if is_small {
            self.tail.extend_from_slice(&data);
        } else if self.len > MUCH && data.len() < HALF {
            self.chunks.push_back(Bytes::copy_from_slice(&data));
        } else {
            self.chunks.push_back(data);
        }
    }

    fn pop(&mut self, limit: usize) -> Option<Bytes> {
        let chunk = match self.chunks.front_mut() {
            Some(front) if front.len() > limit => front.split_to(limit),
            Some(_) => self.chunks.pop_front()?,
            None if self.tail.is_empty() => return None,
            None if self.tail.len() > limit => self.tail.split_to(limit).freeze(),
            None => mem::take(&mut self.tail).freeze(),
        };
        self.len -= chunk.len();
        Some(chunk)
    }
}

impl State {
    fn queue(&mut self, source: Source) -> &mut Queue {
        match source {
            Source::Stdout => &mut self.stdout,
            Source::Stderr => &mut self.stderr,
        }
    }

    fn ended(&self) -> bool {
        self.eof || self.closed
    }

    /// The peer's answer to the opening of the channel.
    pub(crate) fn opened(&self) -> Option<Result<(), Error>> {
        self.opened.clone()
    }

    /// The answer to the request with this number.
    pub(crate) fn take_reply(&mut self, number: u64) -> Option<bool> {
        let at = self.replies.iter().position(|(answered, _)| *answered == number)?;
        self.replies.remove(at).map(|(_, success)| success)
    }

    /// Whether the peer has opened the window again since `epoch` was read, or is done with the channel.
    pub(crate) fn window_opened(&self, epoch: u64) -> Option<()> {
        (self.window_epoch != epoch || self.closed).then_some(())
    }

    /// Takes up to `room` bytes, as many chunks as there are places for, and answers how many; 0 at the end of the
    /// stream.
    pub(crate) fn take_into(
        &mut self,
        source: Source,
        room: usize,
        chunks: &mut [Bytes; CHUNKS],
    ) -> Option<usize> {
        let mut left = room;
        let queue = self.queue(source);
        for slot in chunks {
            let Some(chunk) = (left > 0).then(|| queue.pop(left)).flatten() else { break };
            left -= chunk.len();
            *slot = chunk;
        }
        let taken = room - left;
        (taken > 0 || self.ended()).then_some(taken)
    }

    /// The next chunk; empty at the end of the stream.
    pub(crate) fn take(&mut self, source: Source) -> Option<Bytes> {
        let chunk = self.queue(source).pop(usize::MAX);
        chunk.or_else(|| self.ended().then(Bytes::new))
    }

    /// The next chunk of either stream, or `None` when both are at their end.
    pub(crate) fn take_any(&mut self) -> Option<Option<(Source, Bytes)>> {
        for source in [Source::Stdout, Source::Stderr] {
            if let Some(chunk) = self.queue(source).pop(usize::MAX) {
                return Some(Some((source, chunk)));
            }
        }
        self.ended().then_some(None)
    }

    /// How the command has ended, if the peer says it.
    pub(crate) fn exit(&self) -> Option<Option<Exit>> {
        match &self.exit {
            Some(exit) => Some(Some(exit.clone())),
            None => self.closed.then_some(None),
        }
    }

    /// Whether the peer has closed the channel.
    pub(crate) fn closed(&self) -> Option<()> {
        self.closed.then_some(())
    }

    /// Whether either side is done with the channel.
    pub(crate) fn is_over(&self) -> bool {
        self.closed || self.left
    }

    /// Tells the watch, if there is one, what is ready now. The answer is to be called with the inbox unlocked.
    #[must_use]
    fn tell(&mut self) -> Option<Callback> {
        let mut watch = self.watch.take()?;
        let failed = self.failure.is_some();
        let over = self.ended() || failed;
        let write = self.writable || self.closed || failed;
        let callback = watch.update(self.stdout.len > 0 || over, self.stderr.len > 0 || over, write);
        self.watch = Some(watch);
        callback
    }
}

impl Inbox {
    /// `bell` ends the wait of a thread that waits for the socket, and for something here.
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Self {
            bell,
            state: Mutex::default(),
            stdout: Condvar::new(),
            stderr: Condvar::new(),
            control: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something that everybody must know of.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        for (waiting, condvar) in [
            (state.waiting.stdout, &self.stdout),
            (state.waiting.stderr, &self.stderr),
            (state.waiting.any + state.waiting.control, &self.control),
        ] {
            self.notify(waiting, condvar);
        }
        self.call(&mut state, |_| true);
        Self::tell(state);
        self.bell.ring();
    }

    /// Has the tasks woken that wait for such a thing.
    #[cfg(feature = "tokio")]
    fn call(&self, state: &mut State, is_meant: impl Fn(Interest) -> bool) {
        state.tasks.call(is_meant, &self.bell.due);
    }

    #[cfg(not(feature = "tokio"))]
    fn call(&self, _: &mut State, _: impl Fn(Interest) -> bool) {}

    /// Wakes as many threads as wait. It costs a system call, even for none.
    fn notify(&self, waiting: usize, condvar: &Condvar) {
        if waiting > 0 {
            condvar.notify_all();
            self.bell.count_woken(waiting);
        }
    }

    /// Tells the watch what has changed, and unlocks.
    pub(crate) fn tell(mut state: MutexGuard<'_, State>) {
        let callback = state.tell();
        drop(state);
        if let Some(callback) = callback {
            callback();
        }
    }

    /// Changes something that only those care about who wait for an answer, the end or room.
    pub(crate) fn change_control(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        self.notify(state.waiting.control, &self.control);
        self.call(&mut state, |interest| interest == Interest::Control);
        Self::tell(state);
        self.bell.ring();
    }

    /// Puts data in. Who waits for it is woken by [`Inbox::wake`], once for all that has come at a time.
    pub(crate) fn push(&self, source: Source, data: Bytes) {
        let mut state = self.lock();
        let source = if state.merged { Source::Stdout } else { source };
        state.queue(source).push(data);
    }

    /// Wakes those who wait for data that is there now.
    pub(crate) fn wake(&self) {
        let mut state = self.lock();
        if state.stdout.len > 0 {
            self.notify(state.waiting.stdout, &self.stdout);
        }
        if state.stderr.len > 0 {
            self.notify(state.waiting.stderr, &self.stderr);
        }
        if state.stdout.len + state.stderr.len > 0 {
            self.notify(state.waiting.any, &self.control);
        }
        let (stdout, stderr) = (state.stdout.len > 0, state.stderr.len > 0);
        self.call(&mut state, |interest| match interest {
            Interest::Data(Source::Stdout) => stdout,
            Interest::Data(Source::Stderr) => stderr,
            Interest::AnyData => stdout || stderr,
            Interest::Control => false,
        });
        if !state.looked_after {
            Self::tell(state);
        }
    }

    pub(crate) fn set_eof(&self) {
        self.change(|state| state.eof = true);
    }

    pub(crate) fn set_closed(&self) {
        self.change(|state| state.closed = true);
    }

    /// This side has closed the channel.
    pub(crate) fn set_left(&self) {
        self.change(|state| {
            state.left = true;
            state.eof = true;
            state.window_epoch += 1;
            state.writable = true;
        });
    }

    pub(crate) fn set_exit(&self, exit: Exit) {
        self.change_control(|state| state.exit = Some(exit));
    }

    pub(crate) fn set_opened(&self, answer: Result<(), Error>) {
        self.change_control(|state| state.opened = Some(answer));
    }

    /// The answer to the oldest request without one.
    pub(crate) fn set_reply(&self, success: bool) {
        self.change_control(|state| {
            let number = state.answered;
            state.answered += 1;
            match state.forgotten.iter().position(|forgotten| *forgotten == number) {
                Some(at) => drop(state.forgotten.swap_remove(at)),
                None => state.replies.push_back((number, success)),
            }
        });
    }

    /// Nobody will fetch the answer to the request with this number, whether it has come or not.
    pub(crate) fn forget_reply(&self, number: u64) {
        let mut state = self.lock();
        if state.take_reply(number).is_none() && number >= state.answered {
            state.forgotten.push(number);
        }
    }

    pub(crate) fn set_window_opened(&self) {
        self.change_control(|state| {
            state.window_epoch += 1;
            state.writable = true;
        });
    }

    /// Puts standard error into the main stream, with what has arrived of it, or keeps it apart from now on.
    pub(crate) fn merge(&self, merge: bool) {
        self.change(|state| {
            state.merged = merge;
            while merge && let Some(chunk) = state.stderr.pop(usize::MAX) {
                state.stdout.push(chunk);
            }
        });
    }

    /// Tells whether a write would take something.
    pub(crate) fn set_writable(&self, writable: bool) {
        let mut state = self.lock();
        state.writable = writable;
        Self::tell(state);
    }

    /// Changes who is told what is ready.
    pub(crate) fn watch<T>(&self, writable: bool, change: impl FnOnce(&mut Watch) -> T) -> T {
        let mut state = self.lock();
        state.writable = writable;
        state.watch.get_or_insert_default();
        let callback = state.tell();
        let result = change(state.watch.get_or_insert_default());
        drop(state);
        if let Some(callback) = callback {
            callback();
        }
        result
    }

    /// Calls the callback, if there is one and anything is ready.
    pub(crate) fn wake_if_ready(&self) {
        let callback = self.lock().watch.as_ref().and_then(|watch| watch.due());
        if let Some(callback) = callback {
            callback();
        }
    }

    /// What has arrived can still be read; behind it comes `error`.
    pub(crate) fn fail(&self, error: &Error) {
        self.change(|state| state.failure = Some(error.clone()));
    }

    /// Counts the times the peer has opened the window again.
    pub(crate) fn window_epoch(&self) -> u64 {
        self.lock().window_epoch
    }

    /// Bytes that can be read without waiting.
    pub(crate) fn available(&self, source: Source) -> usize {
        self.lock().queue(source).len
    }

    /// Whether either side is done with the channel, or all is over.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.lock();
        state.closed || state.left || state.failure.is_some()
    }

    /// Whether the peer is done with the channel.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_keeps_few_receive_buffers() {
        let (mut queue, mut kept) = (Queue::default(), Vec::new());
        for _ in 0..4 * MUCH / SMALL {
            let buffer = Bytes::from(vec![0; 256 * 1024]);
            queue.push(buffer.slice(..SMALL));
            kept.push(buffer);
        }
        assert_eq!(queue.len, 4 * MUCH);
        assert_eq!(kept.iter().filter(|buffer| !buffer.is_unique()).count(), MUCH / SMALL);
    }
}
