//! The engines of a session, and what belongs to them under one lock, whoever drives it.

use crate::{
    Error, ErrorKind, Keepalive, Settings, bell::Bell, engine::Engine, inbox::Inbox, listeners::Listeners,
    peer_requests::PeerRequests,
};
use bytes::Bytes;
use ssh_auth::{client, server::ServerEvent};
use ssh_connection::ChannelId;
use ssh_kex::{NewOpen, Received};
use ssh_wire::PacketSink;
use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Condvar},
    time::{Duration, Instant},
};

/// An output buffer that grew over this size in bytes is not kept.
const MAX_SPARE: usize = 4 << 20;

/// What wakes those who wait for the session as a whole.
#[derive(Default)]
pub(crate) struct Signals {
    pub(crate) bell: Arc<Bell>,
    /// Something session-wide has changed: a decision is due, a global request was answered, keys are there.
    pub(crate) changed: Condvar,
    /// The output has room again.
    pub(crate) room: Condvar,
}

impl Signals {
    pub(crate) fn notify_changed(&self) {
        self.changed.notify_all();
        self.bell.ring();
    }
}

/// The engines, and what belongs to them under one lock.
pub(crate) struct Core {
    pub(crate) engine: Engine,
    signals: Arc<Signals>,
    pub(crate) channels: HashMap<ChannelId, Arc<Inbox>>,
    pub(crate) listeners: Listeners,
    pub(crate) peer_requests: PeerRequests,
    /// Channels that data has come for and whose readers do not know yet.
    pub(crate) to_wake: Vec<Arc<Inbox>>,
    /// What the session's owner has to decide.
    pub(crate) decisions: VecDeque<Decision>,
    /// Who waits for the answers to global requests, in the order these were sent.
    pub(crate) global_waiters: VecDeque<Option<u64>>,
    pub(crate) global_replies: HashMap<u64, (bool, Bytes)>,
    global_count: u64,
    /// What the peer said before its identification string.
    pub(crate) lines: Vec<String>,
    pub(crate) failure: Option<Error>,
    /// Nothing can be written any more, but it is still read.
    pub(crate) write_failure: Option<WriteFailure>,
    pub(crate) writing: Writing,
    /// An output buffer that is not in use.
    pub(crate) spare: Vec<u8>,
    pub(crate) keepalive: Option<Keepalive>,
    /// Whether requests on channels are kept for their owners.
    pub(crate) channel_requests: bool,
    pub(crate) last_heard: Instant,
    /// How often the peer was asked for a sign of life since then, and when it was last.
    pub(crate) keepalives: u32,
    pub(crate) asked_at: Option<Instant>,
    /// Threads that wait for room in the output.
    pub(crate) room_waiters: usize,
    /// Channels that are told when the output has room.
    room_watchers: Vec<Arc<Inbox>>,
    #[cfg(feature = "tokio")]
    pub(crate) tasks: crate::tasks::Tasks<Occasion>,
    /// When a thread will look at the clock; `None` while it is awake or sleeps without an end.
    pub(crate) wakes_at: Option<Instant>,
    finished: bool,
}

/// What tasks wait for that comes with the session.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// See [`Signals::changed`].
    Changed,
    /// See [`Signals::room`].
    Room,
}

/// Who owns the socket's writing half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Nobody,
    /// A thread that will look for more output when it is through.
    Someone,
    /// The socket is full: the writing thread must wait for it.
    Backlog,
}

/// Why nothing can be written any more.
pub(crate) struct WriteFailure {
    pub(crate) error: Error,
    /// When the session ends with that, unless it has ended before.
    pub(crate) until: Option<Instant>,
}

/// Something the owner of a session has to decide, or waits for, before the connection protocol begins.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decision {
    /// Client: the server has proved to own this key. [`accept_host_key`](crate::blocking::Connection::accept_host_key) says
    /// that it is the right one; [`fail`](crate::blocking::Connection::fail) that it is not.
    HostKey {
        /// The key, or a certificate for it.
        blob: Vec<u8>,
        /// The algorithm of its signature.
        algorithm: String,
    },
    /// The first keys are in use.
    Established,
    /// Client: the authentication asks, or is over; see [`client_auth`](crate::blocking::Connection::client_auth).
    ClientAuth(client::Event),
    /// Server: the client asks to be let in; see [`server_auth`](crate::blocking::Connection::server_auth).
    ServerAuth(ServerEvent),
}

impl Core {
    pub(crate) fn new(engine: Engine, settings: &Settings, signals: Arc<Signals>) -> Self {
        Self {
            engine,
            signals,
            channels: HashMap::new(),
            listeners: Listeners::default(),
            peer_requests: PeerRequests::default(),
            to_wake: Vec::new(),
            decisions: VecDeque::new(),
            global_waiters: VecDeque::new(),
            global_replies: HashMap::new(),
            global_count: 0,
            lines: Vec::new(),
            failure: None,
            write_failure: None,
            writing: Writing::Nobody,
            spare: Vec::new(),
            keepalive: settings.keepalive,
            channel_requests: settings.channel_requests,
            last_heard: Instant::now(),
            keepalives: 0,
            asked_at: None,
            room_waiters: 0,
            room_watchers: Vec::new(),
            #[cfg(feature = "tokio")]
            tasks: Default::default(),
            wakes_at: None,
            finished: false,
        }
    }

    /// An inbox for a channel of this session.
    pub(crate) fn new_inbox(&self) -> Arc<Inbox> {
        Arc::new(Inbox::new(self.signals.bell.clone()))
    }

    /// Something session-wide has changed.
    pub(crate) fn notify_changed(&mut self) {
        self.signals.notify_changed();
        #[cfg(feature = "tokio")]
        self.tasks.call(|occasion| occasion == Occasion::Changed, &self.signals.bell.due);
    }

    /// The output has room again. Waking costs a system call, so it is done for those only who wait.
    pub(crate) fn notify_room(&mut self) {
        if self.room_waiters > 0 {
            self.signals.room.notify_all();
        }
        if !self.room_watchers.is_empty() && self.engine.transport.packet().is_some() {
            self.room_watchers.drain(..).for_each(|inbox| inbox.set_writable(true));
        }
        #[cfg(feature = "tokio")]
        self.tasks.call(|occasion| occasion == Occasion::Room, &self.signals.bell.due);
    }

    /// Handles what has arrived, up to a packet that could not be decoded. Answers with the key for what follows, if it
    /// is there.
    ///
    /// `is_settled` says whether that is all the peer has sent so far, as far as can be known.
    pub(crate) fn handle(
        &mut self,
        batch: &mut Vec<Received>,
        decoded: Result<(), ssh_kex::Error>,
        is_settled: bool,
        now: Instant,
    ) -> Result<Option<NewOpen>, Error> {
        self.last_heard = now;
        self.keepalives = 0;
        self.asked_at = None;
        for received in batch.drain(..) {
            self.engine.handle(received, now)?;
            self.dispatch()?;
        }
        decoded?;
        self.dispatch()?;
        let open = self.engine.take_open();
        if is_settled {
            self.engine.settle();
            self.dispatch()?;
        }
        Ok(open)
    }

    /// Sends a global request; its number is answered if an answer is wanted.
    pub(crate) fn global_request(
        &mut self,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
    ) -> Result<Option<u64>, Error> {
        self.check()?;
        self.engine.mux.global_request(name, want_reply, data)?;
        if !want_reply {
            return Ok(None);
        }
        let number = self.global_count;
        self.global_count += 1;
        self.global_waiters.push_back(Some(number));
        Ok(Some(number))
    }

    /// Nobody will fetch the answer to this request. It may have come just now.
    pub(crate) fn forget_global(&mut self, number: u64) -> Option<(bool, Bytes)> {
        if let Some(answer) = self.global_replies.remove(&number) {
            return Some(answer);
        }
        if !self.listeners.forget(number) {
            self.global_waiters
                .iter_mut()
                .filter(|waiter| **waiter == Some(number))
                .for_each(|waiter| *waiter = None);
        }
        None
    }

    /// Ends the session for everybody with the same error, of which only the first counts.
    pub(crate) fn fail(&mut self, error: Error) {
        if self.failure.is_some() {
            return;
        }
        log::debug!("session ends: {error}");
        if let Some((reason, text)) = error.disconnect() {
            self.engine.transport.disconnect(reason, &text);
        }
        for inbox in self.channels.values() {
            inbox.fail(&error);
        }
        self.failure = Some(error);
        #[cfg(feature = "tokio")]
        self.tasks.call(|_| true, &self.signals.bell.due);
    }

    /// The stream takes nothing more. What the peer has said by then is read all the same, for as long as `patience`: it may
    /// be what a command has written, how it has ended, or why the peer has hung up.
    pub(crate) fn write_failed(&mut self, error: io::Error, patience: Duration) {
        let error = self.hung_up(Some(error));
        log::debug!("nothing more can be written: {error}");
        self.write_failure = Some(WriteFailure { error, until: Instant::now().checked_add(patience) });
        self.engine.transport.output().clear();
        // Who waits for room tries again, and learns of it.
        self.channels.values().for_each(|inbox| inbox.set_window_opened());
        self.notify_room();
    }

    /// What it means that the stream has ended, or failed with this error.
    pub(crate) fn hung_up(&self, error: Option<io::Error>) -> Error {
        if let Some(failed) = &self.write_failure {
            return failed.error.clone();
        }
        if let Some(error) = error {
            return Error::with_source(ErrorKind::Io, "connection lost", error);
        }
        let said = match self.lines.as_slice() {
            _ if self.engine.transport.peer_identification().is_some() => String::new(),
            [] => " before it sent an identification string".to_owned(),
            lines => format!(" without an identification string; it said {lines:?}"),
        };
        let peer = self.engine.peer();
        Error::new(ErrorKind::Io, format!("connection closed by the {peer}{said}"))
    }

    /// Takes the output, leaving an empty buffer.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        let spare = std::mem::take(&mut self.spare);
        std::mem::replace(self.engine.transport.output(), spare)
    }

    pub(crate) fn put_spare(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_SPARE {
            buffer.clear();
            self.spare = buffer;
        }
    }

    /// Gives back the memory that nothing is in: the session is at rest.
    #[cfg(feature = "tokio")]
    pub(crate) fn rest(&mut self) {
        self.spare = Vec::new();
        self.decisions.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.to_wake.shrink_to_fit();
        self.engine.transport.shrink_to_fit();
        self.engine.mux.shrink_to_fit();
        let output = self.engine.transport.output();
        if output.is_empty() {
            *output = Vec::new();
        }
    }

    /// Whether a write to the channel would take something. If not, its inbox will be told when that changes.
    pub(crate) fn is_writable(&mut self, channel: ChannelId, inbox: &Arc<Inbox>) -> bool {
        if self.write_failure.is_some() {
            // It would take the error.
            return true;
        }
        if !self.engine.mux.await_window(channel) {
            return false;
        }
        let has_room = self.engine.transport.packet().is_some();
        if !has_room && !self.room_watchers.iter().any(|watcher| Arc::ptr_eq(watcher, inbox)) {
            self.room_watchers.push(inbox.clone());
        }
        has_room
    }

    /// An error if the session has ended, or nothing can be written any more.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let write_failure = self.write_failure.as_ref().map(|failed| &failed.error);
        self.failure.as_ref().or(write_failure).map_or(Ok(()), |error| Err(error.clone()))
    }

    pub(crate) fn has_output(&mut self) -> bool {
        self.writing != Writing::Nobody || !self.engine.transport.output().is_empty()
    }

    /// Whether the stream is cut, or about to be.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}
