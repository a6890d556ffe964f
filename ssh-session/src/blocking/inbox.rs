//! What has arrived on a channel and was not read yet.

use super::{
    bell::Bell,
    driver::{Shared, TimedOut, wait_until},
    readiness::{Callback, Watch},
    reading::Awaited,
    request::{Requests, Waiting as WaitingRequest},
};
use crate::{Error, Phase};
use bytes::{Bytes, BytesMut};
use ssh_connection::Exit;
use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Chunks taken out under one lock and copied outside of it.
const CHUNKS: usize = 8;
/// Smaller pieces than this, in bytes, are put together, or each could keep a whole receive buffer of 256 KiB alive.
const SMALL: usize = 16 * 1024;

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
pub(super) struct Inbox {
    bell: Arc<Bell>,
    state: Mutex<State>,
    stdout: Condvar,
    stderr: Condvar,
    control: Condvar,
}

/// What a thread waits for. Those who wait for one thing are not woken by another: waking costs a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interest {
    Data(Source),
    /// Data of either stream.
    AnyData,
    /// An answer, the end of the command, room to write.
    Control,
}

/// How many threads wait for what.
#[derive(Debug, Default)]
struct Waiting {
    stdout: usize,
    stderr: usize,
    any: usize,
    control: usize,
}

impl Waiting {
    fn count(&mut self, interest: Interest) -> &mut usize {
        match interest {
            Interest::Data(Source::Stdout) => &mut self.stdout,
            Interest::Data(Source::Stderr) => &mut self.stderr,
            Interest::AnyData => &mut self.any,
            Interest::Control => &mut self.control,
        }
    }
}

#[derive(Debug, Default)]
struct State {
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
    requests: Requests,
    failure: Option<Error>,
    /// The peer's answer to the opening of the channel.
    opened: Option<Result<(), Error>>,
    /// Answers to requests, by the request's number on this channel, until they are fetched.
    replies: VecDeque<(u64, bool)>,
    /// Answers that have come so far.
    answered: u64,
    /// Counts the times the peer has opened the window again.
    window_epoch: u64,
    waiting: Waiting,
    /// Standard error is put behind what is in the main stream.
    merged: bool,
    /// Those who are told what is ready, if there are any.
    watch: Option<Box<Watch>>,
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
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Self {
            bell,
            state: Mutex::default(),
            stdout: Condvar::new(),
            stderr: Condvar::new(),
            control: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
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
        Self::tell(state);
        self.bell.ring();
    }

    /// Wakes as many threads as wait. It costs a system call, even for none.
    fn notify(&self, waiting: usize, condvar: &Condvar) {
        if waiting > 0 {
            condvar.notify_all();
            self.bell.count_woken(waiting);
        }
    }

    /// Tells the watch what has changed, and unlocks.
    fn tell(mut state: MutexGuard<'_, State>) {
        let callback = state.tell();
        drop(state);
        if let Some(callback) = callback {
            callback();
        }
    }

    /// Changes something that only those care about who wait for an answer, the end or room.
    fn change_control(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        self.notify(state.waiting.control, &self.control);
        Self::tell(state);
        self.bell.ring();
    }

    /// Puts data in. Who waits for it is woken by [`Inbox::wake`], once for all that has come at a time.
    pub(super) fn push(&self, source: Source, data: Bytes) {
        let mut state = self.lock();
        let source = if state.merged { Source::Stdout } else { source };
        state.queue(source).push(data);
    }

    /// Wakes those who wait for data that is there now.
    pub(super) fn wake(&self) {
        let state = self.lock();
        if state.stdout.len > 0 {
            self.notify(state.waiting.stdout, &self.stdout);
        }
        if state.stderr.len > 0 {
            self.notify(state.waiting.stderr, &self.stderr);
        }
        if state.stdout.len + state.stderr.len > 0 {
            self.notify(state.waiting.any, &self.control);
        }
        Self::tell(state);
    }

    pub(super) fn set_eof(&self) {
        self.change(|state| state.eof = true);
    }

    pub(super) fn set_closed(&self) {
        self.change(|state| state.closed = true);
    }

    /// This side has closed the channel.
    pub(super) fn set_left(&self) {
        self.change(|state| {
            state.left = true;
            state.eof = true;
            state.window_epoch += 1;
            state.writable = true;
        });
    }

    pub(super) fn set_exit(&self, exit: Exit) {
        self.change_control(|state| state.exit = Some(exit));
    }

    pub(super) fn set_opened(&self, answer: Result<(), Error>) {
        self.change_control(|state| state.opened = Some(answer));
    }

    /// Keeps a request of the peer until it is taken; an error if too many wait.
    pub(super) fn push_request(&self, name: &[u8], want_reply: bool, data: &[u8]) -> Result<(), Error> {
        let mut result = Ok(());
        self.change_control(|state| result = state.requests.push(name, want_reply, data));
        result
    }

    /// Waits for the next request of the peer; `None` when either side is done with the channel.
    pub(super) fn next_request(
        &self,
        shared: &Shared,
        timeout: Option<Duration>,
    ) -> Result<Option<WaitingRequest>, Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Request, |state| match state.requests.pop() {
            Some(request) => Some(Some(request)),
            None => (state.closed || state.left).then_some(None),
        })
    }

    /// The answer to the oldest request without one.
    pub(super) fn set_reply(&self, success: bool) {
        self.change_control(|state| {
            state.replies.push_back((state.answered, success));
            state.answered += 1;
        });
    }

    pub(super) fn set_window_opened(&self) {
        self.change_control(|state| {
            state.window_epoch += 1;
            state.writable = true;
        });
    }

    /// Puts standard error into the main stream, with what has arrived of it, or keeps it apart from now on.
    pub(super) fn merge(&self, merge: bool) {
        self.change(|state| {
            state.merged = merge;
            while merge && let Some(chunk) = state.stderr.pop(usize::MAX) {
                state.stdout.push(chunk);
            }
        });
    }

    /// Tells whether a write would take something.
    pub(super) fn set_writable(&self, writable: bool) {
        let mut state = self.lock();
        state.writable = writable;
        Self::tell(state);
    }

    /// Changes who is told what is ready.
    pub(super) fn watch<T>(&self, writable: bool, change: impl FnOnce(&mut Watch) -> T) -> T {
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
    pub(super) fn wake_if_ready(&self) {
        let callback = self.lock().watch.as_ref().and_then(|watch| watch.due());
        if let Some(callback) = callback {
            callback();
        }
    }

    /// What has arrived can still be read; behind it comes `error`.
    pub(super) fn fail(&self, error: &Error) {
        self.change(|state| state.failure = Some(error.clone()));
    }

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
        self.wait(shared, Interest::Control, timeout, Phase::Open, |state| state.opened.clone())?
    }

    /// Waits for the answer to the request with this number.
    pub(super) fn reply(
        &self,
        shared: &Shared,
        number: u64,
        timeout: Option<Duration>,
    ) -> Result<bool, Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Request, |state| {
            let at = state.replies.iter().position(|(answered, _)| *answered == number)?;
            state.replies.remove(at).map(|(_, success)| success)
        })
    }

    /// See [`Inbox::wait_window`].
    pub(super) fn window_epoch(&self) -> u64 {
        self.lock().window_epoch
    }

    /// Waits until the peer has opened the window again since `epoch` was read, or is done with the channel.
    pub(super) fn wait_window(
        &self,
        shared: &Shared,
        epoch: u64,
        timeout: Option<Duration>,
    ) -> Result<(), Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Write, |state| {
            (state.window_epoch != epoch || state.closed).then_some(())
        })
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
            let take = |state: &mut State| {
                let mut left = room;
                let queue = state.queue(source);
                for slot in &mut chunks {
                    let Some(chunk) = (left > 0).then(|| queue.pop(left)).flatten() else { break };
                    left -= chunk.len();
                    *slot = chunk;
                }
                let taken = room - left;
                (taken > 0 || filled > 0 || state.ended()).then_some(taken)
            };
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
        self.wait(shared, Interest::Data(source), timeout, Phase::Read, |state| {
            let chunk = state.queue(source).pop(usize::MAX);
            chunk.or_else(|| state.ended().then(Bytes::new))
        })
    }

    /// Takes the next chunk of either stream, or `None` when both are at their end.
    pub(super) fn recv_any(
        &self,
        shared: &Shared,
        timeout: Option<Duration>,
    ) -> Result<Option<(Source, Bytes)>, Error> {
        self.wait(shared, Interest::AnyData, timeout, Phase::Read, |state| {
            for source in [Source::Stdout, Source::Stderr] {
                if let Some(chunk) = state.queue(source).pop(usize::MAX) {
                    return Some(Some((source, chunk)));
                }
            }
            state.ended().then_some(None)
        })
    }

    /// Bytes that can be read without waiting.
    pub(super) fn available(&self, source: Source) -> usize {
        self.lock().queue(source).len
    }

    /// Whether either side is done with the channel, or all is over.
    pub(super) fn is_over(&self) -> bool {
        let state = self.lock();
        state.closed || state.left || state.failure.is_some()
    }

    /// Whether the peer is done with the channel.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until the command has ended, and answers how, if the server says it.
    pub(super) fn exit(&self, shared: &Shared, timeout: Option<Duration>) -> Result<Option<Exit>, Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Wait, |state| match &state.exit {
            Some(exit) => Some(Some(exit.clone())),
            None => state.closed.then_some(None),
        })
    }

    /// Waits until the peer has closed the channel.
    pub(super) fn wait_closed(&self, shared: &Shared, timeout: Option<Duration>) -> Result<(), Error> {
        self.wait(shared, Interest::Control, timeout, Phase::Wait, |state| state.closed.then_some(()))
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
        Inbox::tell(state);
        is_ready
    }

    fn park(&mut self, deadline: Option<Instant>) -> Result<(), TimedOut> {
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
