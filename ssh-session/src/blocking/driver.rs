//! What a session's threads and the callers' threads share, and the threads themselves.
//!
//! ```text
//!  socket → who leads: read, decrypt (no lock) ─ lock ─ engine ─ events ─ unlock → inboxes → callers
//!  callers ─ lock ─ engine: seal into the output ─ unlock → socket, if it takes all at once; else → writing thread
//! ```
//!
//! Who reads never waits for the socket to take something: two full peers would wait for each other.
//! Locks are taken in the order core, writer, inbox.

use super::{
    output::Writer,
    reading::{Awaited, Follower, Reading},
    stream::{Direct, Halves},
};
use crate::{
    Error, ErrorKind, Phase, Settings,
    bell::Bell,
    core::{Core, Decision, Signals},
    engine::Engine,
};
use bytes::Bytes;
use ssh_kex::Receiver;
use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What all threads of a session share.
pub(super) struct Shared {
    core: Mutex<Core>,
    pub(super) reading: Reading,
    pub(super) signals: Arc<Signals>,
    /// The writing thread has something to do.
    work: Condvar,
    /// A timer is due earlier than it was.
    clock: Condvar,
    pub(super) writer: Mutex<Writer>,
    /// Ends the wait of a caller that waits for the socket to take something.
    pub(super) write_bell: Bell,
    pub(super) direct: Option<Direct>,
    close_stream: Option<Box<dyn Fn() + Send + Sync>>,
    pub(super) close_timeout: Duration,
}

/// The threads of a session, joined when it ends.
pub(super) struct Threads {
    reader: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

/// Starts a session's threads over `halves`.
pub(super) fn start(
    halves: Halves,
    engine: Engine,
    receiver: Receiver,
    settings: &Settings,
) -> Result<(Arc<Shared>, Threads), Error> {
    let Halves { reader, writer, direct, close } = halves;
    let signals = Arc::<Signals>::default();
    let core = Core::new(engine, settings, signals.clone());
    let joinable = close.is_some();
    let shared = Arc::new(Shared {
        core: Mutex::new(core),
        reading: Reading::new(reader, direct.is_some(), receiver),
        signals,
        work: Condvar::new(),
        clock: Condvar::new(),
        writer: Mutex::new(Writer::new(writer, direct.clone())),
        write_bell: Bell::default(),
        direct,
        close_stream: close,
        close_timeout: settings.close_timeout,
    });
    #[cfg(unix)]
    if shared.direct.is_some() {
        // Later, a process without descriptors would lose a session that lives.
        let none = |error| Error::with_source(ErrorKind::Io, "no descriptors for the session", error);
        shared.signals.bell.prepare().map_err(none)?;
    }
    let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|error| Error::with_source(ErrorKind::Io, "no thread for the session", error))
    };
    let for_reader = shared.clone();
    let reader = spawn("ssh-reader", Box::new(move || for_reader.read_loop()))?;
    let for_writer = shared.clone();
    let writer = match spawn("ssh-writer", Box::new(move || for_writer.write_loop())) {
        Ok(writer) => writer,
        Err(error) => {
            shared.close();
            return Err(error);
        }
    };
    shared.send(shared.lock());
    // A stream that nothing can end keeps its threads until the peer hangs up; waiting for them could take for ever.
    let threads = if joinable {
        Threads { reader: Some(reader), writer: Some(writer) }
    } else {
        Threads { reader: None, writer: None }
    };
    Ok((shared, threads))
}

impl Threads {
    pub(super) fn join(&mut self) {
        for thread in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            if thread.thread().id() != thread::current().id() {
                // A thread that panicked has nothing more to say.
                let _ = thread.join();
            }
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` has an answer, the session fails or time is up.
    pub(super) fn wait<T>(
        &self,
        timeout: Option<Duration>,
        phase: Phase,
        ready: impl FnMut(&mut Core) -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut awaited = AwaitedInCore { shared: self, ready, answer: None };
        let in_time = self.await_input(deadline, &mut awaited);
        match (awaited.answer, in_time) {
            (Some(answer), _) => answer,
            (None, _) => Err(Error::timeout(phase, timeout.unwrap_or_default())),
        }
    }

    /// Waits for the next decision; the time counts from the call.
    pub(super) fn decision(&self, timeout: Option<Duration>, phase: Phase) -> Result<Decision, Error> {
        self.wait(timeout, phase, |core| core.decisions.pop_front())
    }

    /// Waits, with the core unlocked, until the output has room or `deadline` has passed. While keys are renewed, that
    /// takes the peer's messages, and somebody to read them.
    pub(super) fn wait_room<'a>(
        &self,
        mut core: MutexGuard<'a, Core>,
        deadline: Option<Instant>,
    ) -> Result<MutexGuard<'a, Core>, TimedOut> {
        core.room_waiters += 1;
        let _follower = core.engine.transport.is_rekeying().then(|| Follower::new(&self.reading));
        let (mut core, in_time) = wait_until(&self.signals.room, core, deadline);
        core.room_waiters -= 1;
        if in_time { Ok(core) } else { Err(TimedOut) }
    }

    pub(super) fn notify_changed(&self) {
        self.signals.notify_changed();
    }

    pub(super) fn notify_writer(&self) {
        self.work.notify_one();
    }

    pub(super) fn notify_timers(&self) {
        self.work.notify_one();
        self.clock.notify_one();
    }

    /// Sends a global request and, if an answer is wanted, waits for it.
    pub(super) fn global_request(
        &self,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
        timeout: Option<Duration>,
    ) -> Result<(bool, Bytes), Error> {
        self.global_request_with(name, want_reply, data, timeout, |_, _| {})
    }

    /// The same; `sent` learns the number of the request, if it has one, before any answer can come.
    pub(super) fn global_request_with(
        &self,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
        timeout: Option<Duration>,
        sent: impl FnOnce(&mut Core, u64),
    ) -> Result<(bool, Bytes), Error> {
        let mut core = self.lock();
        let number = core.global_request(name, want_reply, data)?;
        if let Some(number) = number {
            sent(&mut core, number);
        }
        self.send(core);
        let Some(number) = number else { return Ok((true, Bytes::new())) };
        self.wait(timeout, Phase::Request, |core| core.global_replies.remove(&number))
            .or_else(|error| self.lock().forget_global(number).ok_or(error))
    }

    /// Ends the session for everybody with the same error, of which only the first counts.
    pub(super) fn fail(&self, mut core: MutexGuard<'_, Core>, error: Error) {
        core.fail(error);
        self.send(core);
        self.notify_all();
    }

    /// Ends the session from this side: says so to the peer, waits a little until what was written has left, and cuts
    /// the stream.
    pub(super) fn close(&self) {
        self.fail(self.lock(), Error::closed("session"));
        let deadline = Instant::now().checked_add(self.close_timeout);
        let mut core = self.lock();
        while !core.is_finished() && core.has_output() {
            match self.wait_room(core, deadline) {
                Ok(again) => core = again,
                Err(TimedOut) => {
                    log::debug!("closing: the peer does not take what was written");
                    core = self.lock();
                    break;
                }
            }
        }
        core.finish();
        drop(core);
        self.cut();
    }

    /// Cuts the stream and lets the threads end.
    pub(super) fn cut(&self) {
        self.lock().finish();
        self.reading.end();
        if let Some(close) = &self.close_stream {
            close();
        }
        self.notify_all();
    }

    fn notify_all(&self) {
        self.notify_changed();
        self.notify_timers();
        self.signals.room.notify_all();
        self.write_bell.ring();
    }

    /// Sleeps until there is work or `until` has come.
    pub(super) fn wait_work<'a>(
        &'a self,
        core: MutexGuard<'a, Core>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, Core> {
        wait_until(&self.work, core, until).0
    }

    /// Sleeps until a timer is due earlier or `until` has come.
    pub(super) fn wait_clock<'a>(
        &'a self,
        core: MutexGuard<'a, Core>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, Core> {
        wait_until(&self.clock, core, until).0
    }
}

/// Ends the session when one of its threads panics, as the caller's stream and callbacks can make it: everybody would
/// wait for that thread.
pub(super) struct EndOnPanic<'a>(pub(super) &'a Shared);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Another panic while this one unwinds would end the process.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| {
                let error = Error::new(ErrorKind::Io, "a thread of the session panicked");
                self.0.fail(self.0.lock(), error);
                self.0.cut();
            }));
        }
    }
}

/// The time set is over.
#[derive(Debug)]
pub(super) struct TimedOut;

/// Something that comes with the core.
struct AwaitedInCore<'a, T, F> {
    shared: &'a Shared,
    ready: F,
    answer: Option<Result<T, Error>>,
}

impl<T, F: FnMut(&mut Core) -> Option<T>> AwaitedInCore<'_, T, F> {
    fn look(&mut self, core: &mut Core) -> bool {
        self.answer = match (self.ready)(core) {
            Some(answer) => Some(Ok(answer)),
            None => core.failure.clone().map(Err),
        };
        self.answer.is_some()
    }
}

impl<T, F: FnMut(&mut Core) -> Option<T>> Awaited for AwaitedInCore<'_, T, F> {
    fn is_ready(&mut self) -> bool {
        let shared = self.shared;
        self.look(&mut shared.lock())
    }

    fn park(&mut self, deadline: Option<Instant>) -> Result<(), TimedOut> {
        let shared = self.shared;
        let mut core = shared.lock();
        while !self.look(&mut core) {
            let (again, in_time) = wait_until(&shared.signals.changed, core, deadline);
            core = again;
            if !in_time {
                return Err(TimedOut);
            }
        }
        Ok(())
    }
}

/// Sleeps until `condvar` is notified. `false` if `deadline` has passed already.
pub(super) fn wait_until<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> (MutexGuard<'a, T>, bool) {
    let Some(deadline) = deadline else {
        return (condvar.wait(guard).unwrap_or_else(PoisonError::into_inner), true);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (guard, false);
    }
    (condvar.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0, true)
}
