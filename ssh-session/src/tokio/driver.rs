//! The future that runs a session.

use super::{shared::Shared, wire::Wire};
use crate::{Error, ErrorKind, pace::Pace};
use ssh_kex::{Received, Receiver};
use std::{
    fmt,
    future::Future,
    io, mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::yield_now,
    time::Sleep,
};

/// How often the driver looks for more before it lets other tasks run.
const MAX_ROUNDS: usize = 8;
/// Nor does it look for more once it has read so many bytes: their readers come while they lie in the processor's caches.
const MAX_READ: usize = 128 * 1024;
/// A session to which nothing has come for so long gives its buffers back.
const AT_REST: Duration = Duration::from_millis(20);
/// Bytes that are read before there are keys to open them.
const MAX_AHEAD: usize = 64 * 1024;
/// Nobody waits longer for a session to close, and no clock overflows.
const MAX_CLOSE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs a session: nothing is read, written or timed unless this future is polled. It ends with the session, and answers
/// how; dropping it ends the session without a word to the peer.
#[must_use = "a session does nothing unless its driver is polled"]
pub struct Driver<S> {
    shared: Arc<Shared>,
    /// `None` once the session is over.
    stream: Option<Wire<S>>,
    receiver: Receiver,
    batch: Vec<Received>,
    /// Bytes that were read since it was polled.
    read: usize,
    pace: Pace,
    /// Nothing is read before.
    paused_until: Option<Instant>,
    /// What is being written, from `written` on.
    output: Vec<u8>,
    written: usize,
    /// Something was written that the stream may keep in a buffer of its own.
    unflushed: bool,
    sleep: Option<Pin<Box<Sleep>>>,
    /// When `sleep` ends, if it was not seen to end.
    wakes_at: Option<Instant>,
    /// When the session is at rest if nothing comes until then; `None` if it is.
    rests_at: Option<Instant>,
    close_timeout: Duration,
    /// The session is over for its handles, and what was written may leave until then.
    closes_at: Option<Instant>,
}

/// What came of looking for something to do.
#[derive(PartialEq, Eq)]
enum Progress {
    Some,
    None,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Driver<S> {
    pub(super) fn new(shared: Arc<Shared>, stream: S, receiver: Receiver, close_timeout: Duration) -> Self {
        Self {
            shared,
            stream: Some(Wire::new(stream)),
            receiver,
            batch: Vec::new(),
            read: 0,
            pace: Pace::default(),
            paused_until: None,
            output: Vec::new(),
            written: 0,
            unflushed: false,
            sleep: None,
            wakes_at: None,
            rests_at: None,
            close_timeout: close_timeout.min(MAX_CLOSE_TIMEOUT),
            closes_at: None,
        }
    }

    /// Does everything once that can be done without waiting. `Err` says how the session has ended.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<Progress, Error> {
        let mut progress = Progress::None;
        if self.closes_at.is_none() {
            progress = self.read(cx);
        } else {
            // Nothing is read any more, and the end of a pause would be due for ever.
            self.paused_until = None;
        }
        let due = self.look_at_engine().into_iter().chain(self.rest()).chain(self.paused_until).min();
        if self.write(cx) == Progress::Some || self.sleep_until(due, cx) == Progress::Some {
            progress = Progress::Some;
        }
        if self.has_ended(cx) {
            return Err(self.end());
        }
        Ok(progress)
    }

    /// Reads once, and handles what has arrived.
    fn read(&mut self, cx: &mut Context<'_>) -> Progress {
        match self.is_paused() {
            Ok(false) => {}
            Ok(true) => return Progress::None,
            Err(error) => return self.hung_up(Some(error)),
        }
        let Some(stream) = &mut self.stream else { return Progress::None };
        // The keys for what follows may wait for the decision on the host key. Some is read ahead, so that the end of the
        // stream ends the asking.
        let awaits_keys = self.receiver.awaits_keys();
        if !(awaits_keys && self.shared.lock().engine.has_open()) {
            if awaits_keys && self.receiver.buffered() >= MAX_AHEAD {
                return Progress::None;
            }
            let mut space = ReadBuf::new(self.receiver.space());
            let room = space.capacity();
            match Pin::new(stream).poll_read(cx, &mut space) {
                Poll::Pending => {
                    // A session at rest that was looked at for another reason.
                    if self.rests_at.is_none() {
                        self.receiver.release();
                    }
                    return Progress::None;
                }
                Poll::Ready(Ok(())) if !space.filled().is_empty() => {
                    let n = space.filled().len();
                    self.receiver.filled(n);
                    self.pace.count(n, room, Instant::now());
                    self.read += n;
                    self.rests_at = Some(Instant::now() + AT_REST);
                }
                Poll::Ready(Ok(())) => return self.hung_up(None),
                Poll::Ready(Err(error)) => return self.hung_up(Some(error)),
            }
        }
        if let Err(error) = self.receive() {
            self.shared.fail(self.shared.lock(), error);
        }
        Progress::Some
    }

    /// Whether more is let gather. The runtime's clock has no ticks short enough for the first pauses.
    fn is_paused(&mut self) -> io::Result<bool> {
        if let Some((_, until)) = self.pace.pause(&self.shared.written)
            && self.pace.lasts()
        {
            self.paused_until = Some(until);
            self.stream.as_mut().map_or(Ok(()), Wire::unwatch)?;
        }
        self.paused_until = self.paused_until.filter(|until| Instant::now() < *until);
        Ok(self.paused_until.is_some())
    }

    /// Decodes and handles everything that has arrived.
    fn receive(&mut self) -> Result<(), Error> {
        loop {
            let decoded = loop {
                match self.receiver.decode() {
                    Ok(Some(received)) => self.batch.push(received),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            let mut core = self.shared.lock();
            // A packet whose rest is on its way has been sent already.
            let is_settled = !self.receiver.awaits_keys() && !self.receiver.is_midway();
            let open = core.handle(&mut self.batch, decoded, is_settled, Instant::now())?;
            self.shared.release(core);
            match open {
                Some(open) => self.receiver.install(open),
                None => return Ok(()),
            }
        }
    }

    /// The stream has ended or failed: nothing more can be said either.
    fn hung_up(&mut self, error: Option<io::Error>) -> Progress {
        let mut core = self.shared.lock();
        let error = core.hung_up(error);
        core.fail(error);
        core.engine.transport.output().clear();
        self.shared.release(core);
        self.drop_output();
        self.closes_at = Some(Instant::now());
        Progress::Some
    }

    /// Nothing more can be said. What has arrived is read all the same, unless the session is over.
    fn write_failed(&mut self, error: io::Error) -> Progress {
        if self.closes_at.is_some() {
            return self.hung_up(Some(error));
        }
        let mut core = self.shared.lock();
        core.write_failed(error, self.close_timeout);
        self.shared.release(core);
        self.drop_output();
        Progress::Some
    }

    fn drop_output(&mut self) {
        self.output.clear();
        self.written = 0;
        self.unflushed = false;
    }

    /// Runs the timers, fetches the output, and sees whether the session is over. Answers when the next timer is due.
    fn look_at_engine(&mut self) -> Option<Instant> {
        let mut core = self.shared.lock();
        let mut due = None;
        if core.failure.is_none() {
            match core.run_timers() {
                Ok(next) => due = next,
                Err(error) => core.fail(error),
            }
        }
        let takes_nothing = core.write_failure.is_some();
        if takes_nothing {
            core.engine.transport.output().clear();
        } else if self.written == self.output.len() && !core.engine.transport.output().is_empty() {
            core.put_spare(mem::take(&mut self.output));
            self.output = core.take_output();
            self.written = 0;
            core.notify_room();
        }
        if core.failure.is_some() && self.closes_at.is_none() {
            let patience = if takes_nothing { Duration::ZERO } else { self.close_timeout };
            self.closes_at = Some(Instant::now() + patience);
        }
        self.shared.release(core);
        self.closes_at.or(due)
    }

    /// Gives back the buffers of a session that is at rest. Answers when it will be.
    fn rest(&mut self) -> Option<Instant> {
        let at = self.rests_at?;
        if Instant::now() < at {
            return Some(at);
        }
        self.rests_at = None;
        self.receiver.release();
        self.batch = Vec::new();
        if self.written == self.output.len() {
            self.output = Vec::new();
            self.written = 0;
        }
        self.shared.lock().rest();
        None
    }

    /// Writes what the stream takes.
    fn write(&mut self, cx: &mut Context<'_>) -> Progress {
        let Some(stream) = &mut self.stream else { return Progress::None };
        let mut progress = Progress::None;
        while self.written < self.output.len() {
            match Pin::new(&mut *stream).poll_write(cx, &self.output[self.written..]) {
                Poll::Pending => return progress,
                Poll::Ready(Ok(n)) if n > 0 => {
                    self.written += n;
                    self.unflushed = true;
                    progress = Progress::Some;
                }
                Poll::Ready(Ok(_)) => return self.write_failed(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Err(error)) => return self.write_failed(error),
            }
        }
        if self.unflushed {
            match Pin::new(stream).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return self.write_failed(error),
            }
        }
        progress
    }

    /// Sees to it that the task is woken when `due` has come.
    fn sleep_until(&mut self, due: Option<Instant>, cx: &mut Context<'_>) -> Progress {
        let Some(due) = due else { return Progress::None };
        // One that is due later is seen to when this one ends: most are put off with everything that arrives.
        if self.wakes_at.is_none_or(|wakes_at| due < wakes_at) {
            self.wakes_at = Some(due);
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(due.into()),
                none => *none = Some(Box::pin(tokio::time::sleep_until(due.into()))),
            }
        }
        match self.sleep.as_mut().map(|sleep| sleep.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => {
                self.wakes_at = None;
                Progress::Some
            }
            _ => Progress::None,
        }
    }

    /// Whether the session is over, and all has left that should, or can't any more.
    fn has_ended(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(closes_at) = self.closes_at else { return false };
        if closes_at <= Instant::now() {
            return true;
        }
        let is_written = self.written == self.output.len()
            && !self.unflushed
            && self.shared.lock().engine.transport.output().is_empty();
        match &mut self.stream {
            Some(stream) if is_written => Pin::new(stream).poll_shutdown(cx).is_ready(),
            _ => false,
        }
    }
}

impl<S> Driver<S> {
    /// Ends the session for its handles, if it did not end before, and lets go of the stream.
    fn end(&mut self) -> Error {
        drop(self.stream.take());
        let mut core = self.shared.lock();
        if core.failure.is_none() {
            core.fail(Error::new(ErrorKind::Io, "the session's driver was dropped"));
        }
        core.finish();
        core.engine.transport.output().clear();
        core.notify_changed();
        let error = core.failure.clone();
        self.shared.release(core);
        error.unwrap_or_else(|| Error::closed("session"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Future for Driver<S> {
    type Output = Error;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let this = self.get_mut();
        // Before anything is looked at: what changes from here on wakes again.
        this.shared.driver_runs(cx.waker());
        this.read = 0;
        for _ in 0..MAX_ROUNDS {
            match this.round(cx) {
                Ok(Progress::Some) if this.read < MAX_READ => {}
                Ok(Progress::Some) => break,
                Ok(Progress::None) => return Poll::Pending,
                Err(error) => return Poll::Ready(error),
            }
        }
        // A waker of its own would bring it back before the future that the runtime blocks on.
        let _ = pin!(yield_now()).poll(cx);
        Poll::Pending
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.end();
        }
    }
}

impl<S> Unpin for Driver<S> {}

impl<S> fmt::Debug for Driver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (&self.stream, self.closes_at) {
            (None, _) => "over",
            (_, Some(_)) => "closing",
            _ => "active",
        };
        write!(f, "Driver({state})")
    }
}
