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
    bell::Bell,
    forward::Listeners,
    inbox::Inbox,
    output::Writer,
    reading::{Awaited, Follower, Reading},
    stream::{Direct, Halves},
};
use crate::{Error, ErrorKind, Keepalive, Phase, Settings, engine::Engine};
use bytes::Bytes;
use ssh_auth::{client, server::ServerEvent};
use ssh_connection::ChannelId;
use ssh_kex::Receiver;
use ssh_wire::{PacketSink, number::disconnect};
use std::{
    collections::{HashMap, VecDeque},
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What all threads of a session share.
pub(super) struct Shared {
    core: Mutex<Core>,
    pub(super) reading: Reading,
    pub(super) bell: Arc<Bell>,
    /// Something session-wide has changed: a decision is due, a global request was answered, keys are there.
    pub(super) changed: Condvar,
    /// The output has room again.
    room: Condvar,
    /// The writing thread has something to do.
    work: Condvar,
    /// A timer is due earlier than it was.
    clock: Condvar,
    pub(super) writer: Mutex<Writer>,
    /// Ends the wait of a caller that waits for the socket to take something.
    pub(super) write_bell: Bell,
    pub(super) direct: Option<Direct>,
    close_stream: Option<Box<dyn Fn() + Send + Sync>>,
    close_timeout: Duration,
}

/// The engines, and what belongs to them under one lock.
pub(super) struct Core {
    pub(super) engine: Engine,
    pub(super) channels: HashMap<ChannelId, Arc<Inbox>>,
    pub(super) listeners: Listeners,
    /// Channels that data has come for and whose readers do not know yet.
    pub(super) to_wake: Vec<Arc<Inbox>>,
    /// What [`Connection`](super::Connection)'s owner has to decide.
    pub(super) decisions: VecDeque<Decision>,
    /// Who waits for the answers to global requests, in the order these were sent.
    pub(super) global_waiters: VecDeque<Option<u64>>,
    pub(super) global_replies: HashMap<u64, (bool, Bytes)>,
    global_count: u64,
    /// What the peer said before its identification string.
    pub(super) lines: Vec<String>,
    pub(super) failure: Option<Error>,
    pub(super) writing: Writing,
    /// An output buffer that is not in use.
    pub(super) spare: Vec<u8>,
    pub(super) keepalive: Option<Keepalive>,
    /// Whether requests on channels are kept for their owners.
    pub(super) channel_requests: bool,
    pub(super) last_heard: Instant,
    pub(super) keepalives: u32,
    /// Threads that wait for room in the output.
    room_waiters: usize,
    /// Channels that are told when the output has room.
    room_watchers: Vec<Arc<Inbox>>,
    /// When a thread will look at the clock; `None` while it is awake or sleeps without an end.
    pub(super) wakes_at: Option<Instant>,
    finished: bool,
}

/// Who owns the socket's writing half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    Nobody,
    /// A thread that will look for more output when it is through.
    Someone,
    /// The socket is full: the writing thread must wait for it.
    Backlog,
}

/// Something the owner of a session has to decide, or waits for, before the connection protocol begins.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decision {
    /// Client: the server has proved to own this key. [`accept_host_key`](super::Connection::accept_host_key) says
    /// that it is the right one; [`fail`](super::Connection::fail) that it is not.
    HostKey {
        /// The key, or a certificate for it.
        blob: Vec<u8>,
        /// The algorithm of its signature.
        algorithm: String,
    },
    /// The first keys are in use.
    Established,
    /// Client: the authentication asks, or is over; see [`client_auth`](super::Connection::client_auth).
    ClientAuth(client::Event),
    /// Server: the client asks to be let in; see [`server_auth`](super::Connection::server_auth).
    ServerAuth(ServerEvent),
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
    let core = Core {
        engine,
        channels: HashMap::new(),
        listeners: Listeners::default(),
        to_wake: Vec::new(),
        decisions: VecDeque::new(),
        global_waiters: VecDeque::new(),
        global_replies: HashMap::new(),
        global_count: 0,
        lines: Vec::new(),
        failure: None,
        writing: Writing::Nobody,
        spare: Vec::new(),
        keepalive: settings.keepalive,
        channel_requests: settings.channel_requests,
        last_heard: Instant::now(),
        keepalives: 0,
        room_waiters: 0,
        room_watchers: Vec::new(),
        wakes_at: None,
        finished: false,
    };
    let joinable = close.is_some();
    let shared = Arc::new(Shared {
        core: Mutex::new(core),
        reading: Reading::new(reader, direct.is_some(), receiver),
        bell: Arc::default(),
        changed: Condvar::new(),
        room: Condvar::new(),
        work: Condvar::new(),
        clock: Condvar::new(),
        writer: Mutex::new(Writer::new(writer, direct.clone())),
        write_bell: Bell::default(),
        direct,
        close_stream: close,
        close_timeout: settings.close_timeout,
    });
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
        let (mut core, in_time) = wait_until(&self.room, core, deadline);
        core.room_waiters -= 1;
        if in_time { Ok(core) } else { Err(TimedOut) }
    }

    /// The output has room again. Waking costs a system call, so it is done for those only who wait.
    pub(super) fn notify_room(&self, core: &mut Core) {
        if core.room_waiters > 0 {
            self.room.notify_all();
        }
        if !core.room_watchers.is_empty() && core.engine.transport.packet().is_some() {
            core.room_watchers.drain(..).for_each(|inbox| inbox.set_writable(true));
        }
    }

    pub(super) fn notify_changed(&self) {
        self.changed.notify_all();
        self.bell.ring();
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
        core.check()?;
        core.engine.mux.global_request(name, want_reply, data)?;
        let number = core.global_count;
        if want_reply {
            core.global_count += 1;
            core.global_waiters.push_back(Some(number));
            sent(&mut core, number);
        }
        self.send(core);
        if !want_reply {
            return Ok((true, Bytes::new()));
        }
        self.wait(timeout, Phase::Request, |core| core.global_replies.remove(&number)).or_else(|error| {
            let mut core = self.lock();
            // It may have come just now.
            if let Some(answer) = core.global_replies.remove(&number) {
                return Ok(answer);
            }
            // Nobody will fetch the answer if it still comes.
            core.global_waiters
                .iter_mut()
                .filter(|waiter| **waiter == Some(number))
                .for_each(|waiter| *waiter = None);
            core.listeners.forget(number);
            Err(error)
        })
    }

    /// Ends the session for everybody with the same error, of which only the first counts.
    pub(super) fn fail(&self, mut core: MutexGuard<'_, Core>, error: Error) {
        if core.failure.is_none() {
            log::debug!("session ends: {error}");
            let reason = match error.kind() {
                ErrorKind::Protocol => Some(disconnect::PROTOCOL_ERROR),
                ErrorKind::Integrity => Some(disconnect::MAC_ERROR),
                ErrorKind::NothingInCommon | ErrorKind::Crypto => Some(disconnect::KEY_EXCHANGE_FAILED),
                ErrorKind::HostKey => Some(disconnect::HOST_KEY_NOT_VERIFIABLE),
                ErrorKind::Authentication => Some(disconnect::NO_MORE_AUTH_METHODS_AVAILABLE),
                ErrorKind::Closed | ErrorKind::Timeout(_) => Some(disconnect::BY_APPLICATION),
                _ => None,
            };
            if let Some(reason) = reason {
                core.engine.transport.disconnect(reason, "");
            }
            for inbox in core.channels.values() {
                inbox.fail(&error);
            }
            core.failure = Some(error);
        }
        self.send(core);
        self.notify_all();
    }

    /// Ends the session from this side: says so to the peer, waits a little until what was written has left, and cuts
    /// the stream.
    pub(super) fn close(&self) {
        self.fail(self.lock(), Error::closed("session"));
        let deadline = Instant::now().checked_add(self.close_timeout);
        let mut core = self.lock();
        while !core.finished && core.has_output() {
            match self.wait_room(core, deadline) {
                Ok(again) => core = again,
                Err(TimedOut) => {
                    log::debug!("closing: the peer does not take what was written");
                    core = self.lock();
                    break;
                }
            }
        }
        core.finished = true;
        drop(core);
        self.cut();
    }

    /// Cuts the stream and lets the threads end.
    pub(super) fn cut(&self) {
        self.lock().finished = true;
        self.reading.end();
        if let Some(close) = &self.close_stream {
            close();
        }
        self.notify_all();
    }

    fn notify_all(&self) {
        self.notify_changed();
        self.notify_timers();
        self.room.notify_all();
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
            let (again, in_time) = wait_until(&shared.changed, core, deadline);
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

impl Core {
    /// Whether a write to the channel would take something. If not, its inbox will be told when that changes.
    pub(super) fn is_writable(&mut self, channel: ChannelId, inbox: &Arc<Inbox>) -> bool {
        if !self.engine.mux.await_window(channel) {
            return false;
        }
        let has_room = self.engine.transport.packet().is_some();
        if !has_room && !self.room_watchers.iter().any(|watcher| Arc::ptr_eq(watcher, inbox)) {
            self.room_watchers.push(inbox.clone());
        }
        has_room
    }

    /// An error if the session has ended.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    pub(super) fn has_output(&mut self) -> bool {
        self.writing != Writing::Nobody || !self.engine.transport.output().is_empty()
    }

    /// Whether the stream is cut, or about to be.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }
}
