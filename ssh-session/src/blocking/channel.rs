//! A channel: a stream in both directions, and the requests of RFC 4254 §6.

use super::{
    Connection,
    driver::{Shared, Writing},
    inbox::{Inbox, Source},
    output::Patience,
    readiness::Watch,
    stream::{Halves, Stream},
};
use crate::{Error, ErrorKind, Phase};
use bytes::Bytes;
use ssh_connection::{Blocked, ChannelId, Exit, Written, request::TerminalModes};
use ssh_wire::{
    Encode,
    message::connection::{Break, Env, Exec, PtyReq, Signal, Subsystem, TerminalSize},
    number::EXTENDED_DATA_STDERR,
};
use std::{
    fmt,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Bytes read until credit is given back, unless the window is small.
const CREDIT_STEP: usize = 256 * 1024;

/// A channel of a session. It is a handle: clones are the same channel, and threads may share it, one reading while
/// another writes. Dropping the last handle closes the channel.
///
/// Reading gives what the other side wrote to its standard output, [`Channel::stderr`] the rest. Both come out of one
/// window: see the [module](super) for what happens to a stream that nobody reads.
///
/// For lines, and for many small writes, it goes into the buffers of the standard library:
///
/// ```no_run
/// # fn example(session: ssh_session::blocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::{BufRead, BufReader, BufWriter, Write};
///
/// let channel = session.open_session()?;
/// channel.exec("sort")?;
/// let mut writer = BufWriter::new(&channel);
/// for word in ["pear", "apple"] {
///     writeln!(writer, "{word}")?;
/// }
/// writer.flush()?;
/// channel.shutdown_write()?;
/// for line in BufReader::new(&channel).lines() {
///     println!("{}", line?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Connection,
    id: ChannelId,
    inbox: Arc<Inbox>,
    timeouts: Mutex<ChannelTimeouts>,
    /// Bytes read for which credit was not given back yet.
    unreturned: AtomicUsize,
    /// See [`CREDIT_STEP`].
    credit_step: AtomicUsize,
    /// Requests sent that want a reply.
    requests: AtomicU64,
    /// Whether anybody is told when the channel becomes ready.
    watched: AtomicBool,
}

#[derive(Debug, Clone, Copy, Default)]
struct ChannelTimeouts {
    read: Option<Duration>,
    write: Option<Duration>,
    nonblocking: bool,
}

impl ChannelTimeouts {
    /// How long a read may wait.
    fn reading(self) -> Option<Duration> {
        if self.nonblocking { Some(Duration::ZERO) } else { self.read }
    }

    /// How long a write may wait.
    fn writing(self) -> Option<Duration> {
        if self.nonblocking { Some(Duration::ZERO) } else { self.write }
    }

    /// What it is called that time is over.
    fn explain(self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Timeout(Phase::Read | Phase::Write) if self.nonblocking => {
                Error::new(ErrorKind::WouldBlock, "channel is not ready")
            }
            _ => error,
        }
    }
}

/// The terminal that a pseudo-terminal at the other end stands for (RFC 4254 §6.2).
#[derive(Debug, Clone)]
pub struct Terminal {
    /// The TERM environment variable: `xterm-256color`.
    pub term: String,
    /// Its size.
    pub size: TerminalSize,
    /// How it treats input and output.
    pub modes: TerminalModes,
}

impl Channel {
    pub(super) fn new(connection: Connection, id: ChannelId, inbox: Arc<Inbox>) -> Self {
        let inner = Inner {
            connection,
            id,
            inbox,
            timeouts: Mutex::default(),
            unreturned: AtomicUsize::new(0),
            // The window is looked at when credit is given back for the first time.
            credit_step: AtomicUsize::new(1),
            requests: AtomicU64::new(0),
            watched: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The session the channel belongs to.
    pub fn connection(&self) -> &Connection {
        &self.inner.connection
    }

    /// Runs `command` in the user's shell (RFC 4254 §6.5). A channel runs one command, shell or subsystem.
    pub fn exec(&self, command: impl AsRef<[u8]>) -> Result<(), Error> {
        self.request("exec", &Exec { command: command.as_ref() })
    }

    /// Starts the user's shell (RFC 4254 §6.5).
    pub fn shell(&self) -> Result<(), Error> {
        self.request("shell", &[] as &[u8; 0])
    }

    /// Starts a subsystem: `sftp` (RFC 4254 §6.5).
    pub fn subsystem(&self, name: &str) -> Result<(), Error> {
        self.request("subsystem", &Subsystem { name: name.as_bytes() })
    }

    /// Asks for a pseudo-terminal for the command or shell to come (RFC 4254 §6.2).
    pub fn request_pty(&self, terminal: &Terminal) -> Result<(), Error> {
        let modes = terminal.modes.to_bytes();
        let term = terminal.term.as_bytes();
        self.request("pty-req", &PtyReq { term, size: terminal.size, modes: &modes })
    }

    /// Sets an environment variable for the command or shell to come (RFC 4254 §6.4). Servers accept few names:
    /// OpenSSH those of its `AcceptEnv`.
    pub fn set_env(&self, name: &str, value: &str) -> Result<(), Error> {
        self.request("env", &Env { name: name.as_bytes(), value: value.as_bytes() })
    }

    /// Tells that the terminal has another size (RFC 4254 §6.7).
    pub fn window_change(&self, size: TerminalSize) -> Result<(), Error> {
        self.notify("window-change", &size)
    }

    /// Sends a signal to the command: `TERM` (RFC 4254 §6.9).
    pub fn signal(&self, name: &str) -> Result<(), Error> {
        self.notify("signal", &Signal { name: name.as_bytes() })
    }

    /// Sends a BREAK of this length, rounded to milliseconds (RFC 4335).
    pub fn send_break(&self, length: Duration) -> Result<(), Error> {
        let length = u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
        self.request("break", &Break { length })
    }

    /// Sends any request and waits for the answer; a refusal is an error of kind [`ErrorKind::RequestRefused`].
    pub fn request(&self, name: &str, data: &impl Encode) -> Result<(), Error> {
        let number = self.send_request(name, true, data)?;
        let success = self.inner.inbox.reply(
            self.shared(),
            number,
            self.inner.connection.settings().request_timeout,
        )?;
        if success { Ok(()) } else { Err(refused(name)) }
    }

    /// Sends any request that gets no answer.
    pub fn notify(&self, name: &str, data: &impl Encode) -> Result<(), Error> {
        self.send_request(name, false, data).map(drop)
    }

    /// Sends requests, each with its data encoded, one behind the other and only then waits for the answers: one round
    /// trip for all. Answers, in order, whether the server did what was asked.
    pub fn request_all(&self, requests: &[(&str, Vec<u8>)]) -> Result<Vec<bool>, Error> {
        let numbers: Vec<_> = requests
            .iter()
            .map(|(name, data)| self.send_request(name, true, &ssh_wire::Rest(data)))
            .collect::<Result<_, _>>()?;
        let timeout = self.inner.connection.settings().request_timeout;
        numbers.into_iter().map(|number| self.inner.inbox.reply(self.shared(), number, timeout)).collect()
    }

    /// Queues a request and answers its number among those that want a reply.
    fn send_request(&self, name: &str, want_reply: bool, data: &impl Encode) -> Result<u64, Error> {
        let mut encoded = Vec::new();
        data.encode(&mut encoded);
        let shared = self.shared();
        let mut core = shared.lock();
        core.check()?;
        self.check_open()?;
        core.engine.mux.request(self.inner.id, name.as_bytes(), want_reply, &encoded)?;
        // Counted under the lock, so that numbers follow the order on the wire.
        let number = match want_reply {
            true => self.inner.requests.fetch_add(1, Ordering::Relaxed),
            false => 0,
        };
        shared.send(core);
        Ok(number)
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.inner.inbox.is_closed() { Err(Error::closed("channel")) } else { Ok(()) }
    }

    /// The other side's standard error, or whatever else it sends beside its main stream.
    pub fn stderr(&self) -> Stderr {
        Stderr { channel: self.clone() }
    }

    /// How long a read waits for data; `None`, the default, for ever. A read that times out loses nothing.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.timeouts().read = timeout;
    }

    /// How long a write waits for room; `None`, the default, for ever. A write that times out has written nothing.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) {
        self.timeouts().write = timeout;
    }

    /// Whether reads and writes fail with an error of kind [`ErrorKind::WouldBlock`] instead of waiting; timeouts do
    /// not count then. Everything else goes on waiting for its answer.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        self.timeouts().nonblocking = nonblocking;
    }

    /// Whether what comes on standard error is read from the main stream, in the order in which it arrives. What has
    /// arrived and was not read yet is put behind the main stream's data.
    pub fn merge_stderr(&self, merge: bool) {
        self.inner.inbox.merge(merge);
    }

    /// Changes who is told when the channel becomes ready.
    pub(super) fn watch<T>(&self, change: impl FnOnce(&mut Watch) -> T) -> T {
        // Locked, so that no write and no news gets in between.
        let mut core = self.shared().lock();
        if !self.inner.watched.swap(true, Ordering::Relaxed) {
            // Nobody may be waiting when something comes that has to be told.
            self.shared().reading.follow();
        }
        let writable = core.is_writable(self.inner.id, &self.inner.inbox);
        self.inner.inbox.watch(writable, change)
    }

    pub(super) fn wake_if_ready(&self) {
        self.inner.inbox.wake_if_ready();
    }

    pub(super) fn id(&self) -> ChannelId {
        self.inner.id
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.inner.inbox
    }

    pub(super) fn shared(&self) -> &Shared {
        self.inner.connection.shared()
    }

    fn timeouts(&self) -> MutexGuard<'_, ChannelTimeouts> {
        self.inner.timeouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what has arrived without copying it, waiting for the first byte; empty at the end of the stream.
    pub fn recv(&self) -> Result<Bytes, Error> {
        self.recv_from(Source::Stdout)
    }

    /// Bytes that can be read without waiting.
    pub fn available(&self) -> usize {
        self.inner.inbox.available(Source::Stdout)
    }

    /// Takes what has arrived on either stream without copying it; `None` when both are at their end.
    pub fn recv_any(&self) -> Result<Option<(Source, Bytes)>, Error> {
        let timeouts = *self.timeouts();
        let chunk = self
            .inner
            .inbox
            .recv_any(self.shared(), timeouts.reading())
            .map_err(|error| timeouts.explain(error))?;
        if let Some((_, data)) = &chunk {
            self.credit(data.len());
        }
        Ok(chunk)
    }

    fn recv_from(&self, source: Source) -> Result<Bytes, Error> {
        let timeouts = *self.timeouts();
        let chunk = self.inner.inbox.recv(self.shared(), source, timeouts.reading());
        let chunk = chunk.map_err(|error| timeouts.explain(error))?;
        self.credit(chunk.len());
        Ok(chunk)
    }

    fn read_from(&self, source: Source, buffer: &mut [u8]) -> Result<usize, Error> {
        let timeouts = *self.timeouts();
        let n = self.inner.inbox.read(self.shared(), source, buffer, timeouts.reading());
        let n = n.map_err(|error| timeouts.explain(error))?;
        self.credit(n);
        Ok(n)
    }

    /// Gives the peer credit for what was read, in steps that are worth a lock.
    fn credit(&self, n: usize) {
        let total = self.inner.unreturned.fetch_add(n, Ordering::Relaxed) + n;
        if total < self.inner.credit_step.load(Ordering::Relaxed) {
            return;
        }
        let bytes = self.inner.unreturned.swap(0, Ordering::Relaxed);
        let shared = self.shared();
        let mut core = shared.lock();
        core.engine.mux.consumed(self.inner.id, bytes, Instant::now());
        let step = (core.engine.mux.window(self.inner.id) / 8).clamp(1, CREDIT_STEP);
        self.inner.credit_step.store(step, Ordering::Relaxed);
        shared.send(core);
    }

    /// Writes to the other side's standard error: for who serves a channel.
    pub fn write_stderr(&self, data: &[u8]) -> Result<usize, Error> {
        self.write_to(Some(EXTENDED_DATA_STDERR), data)
    }

    /// Hands as much of `data` as there is room for to the session, waiting for room for the first byte.
    fn write_to(&self, code: Option<u32>, data: &[u8]) -> Result<usize, Error> {
        if data.is_empty() {
            return Ok(0);
        }
        let timeouts = *self.timeouts();
        self.write_within(code, data, timeouts.writing()).map_err(|error| timeouts.explain(error))
    }

    fn write_within(
        &self,
        code: Option<u32>,
        data: &[u8],
        timeout: Option<Duration>,
    ) -> Result<usize, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (shared, id) = (self.shared(), self.inner.id);
        let mut core = shared.lock();
        loop {
            core.check()?;
            self.check_open()?;
            let epoch = self.inner.inbox.window_epoch();
            let engine = &mut core.engine;
            let written = match code {
                None => engine.mux.write(id, data, &mut engine.transport)?,
                Some(code) => engine.mux.write_extended(id, code, data, &mut engine.transport)?,
            };
            if self.inner.watched.load(Ordering::Relaxed) {
                let writable = core.is_writable(id, &self.inner.inbox);
                self.inner.inbox.set_writable(writable);
            }
            match written {
                Written::Bytes(n) if timeout.is_some_and(|timeout| timeout.is_zero()) => {
                    shared.send(core);
                    return Ok(n);
                }
                Written::Bytes(n) => {
                    let is_over = || self.inner.inbox.is_over();
                    shared.send_patiently(core, &Patience { deadline, is_over: &is_over });
                    if is_over() {
                        // It may have become so while the socket took nothing.
                        shared.lock().check()?;
                        self.check_open()?;
                    }
                    return Ok(n);
                }
                Written::Blocked(Blocked::Window) => {
                    shared.send(core);
                    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                    self.inner.inbox.wait_window(shared, epoch, left).map_err(|error| {
                        match error.kind() {
                            ErrorKind::Timeout(_) => {
                                Error::timeout(Phase::Write, timeout.unwrap_or_default())
                            }
                            _ => error,
                        }
                    })?;
                    core = shared.lock();
                }
                Written::Blocked(Blocked::Output) => {
                    if core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() {
                        shared.send(core);
                        core = shared.lock();
                        continue;
                    }
                    let waited = shared.wait_room(core, deadline);
                    core = waited.map_err(|_| Error::timeout(Phase::Write, timeout.unwrap_or_default()))?;
                }
            }
        }
    }

    /// Tells the other side that no more data will come (EOF); reading goes on.
    pub fn shutdown_write(&self) -> Result<(), Error> {
        let shared = self.shared();
        let mut core = shared.lock();
        core.check()?;
        core.engine.mux.eof(self.inner.id);
        shared.send(core);
        Ok(())
    }

    /// Waits until the command has ended. `None` if the server closed the channel without saying how.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>, Error> {
        self.inner.inbox.exit(self.shared(), timeout)
    }

    /// Closes the channel in both directions. What has arrived can still be read, and then comes the end, whether or
    /// not the other side closes the channel, too; writes that wait end with an error of kind [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }

    /// Waits until the other side has closed the channel, too.
    pub fn wait_closed(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.inner.inbox.wait_closed(self.shared(), timeout)
    }
}

fn refused(name: &str) -> Error {
    Error::new(ErrorKind::RequestRefused, format!("server refused the request {name:?}"))
}

impl Inner {
    fn close(&self) {
        let shared = self.connection.shared();
        let mut core = shared.lock();
        core.engine.mux.close(self.id);
        // The other side may never answer, so nobody goes on waiting for it.
        self.inbox.set_left();
        shared.write_bell.ring();
        shared.notify_room(&mut core);
        shared.send(core);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.watched.get_mut() {
            self.connection.shared().reading.unfollow();
        }
        if !self.inbox.is_closed() {
            self.connection.shared().lock().channels.remove(&self.id);
            self.close();
        }
    }
}

impl Read for &Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_from(Source::Stdout, buffer)?)
    }
}

impl Write for &Channel {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(self.write_to(None, data)?)
    }

    /// Does nothing: what is written leaves at once.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for Channel {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl Stream for Channel {
    /// For a session inside a session: over a jump host.
    fn split(self) -> io::Result<Halves> {
        let closer = self.clone();
        let close = move || {
            closer.close();
            closer.inner.inbox.fail(&Error::closed("channel"));
        };
        Ok(Halves {
            reader: Box::new(self.clone()),
            writer: Box::new(self),
            direct: None,
            close: Some(Box::new(close)),
        })
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.inner.id)
    }
}

/// The second stream of a [`Channel`], to read from. It is a handle like the channel itself.
#[derive(Debug, Clone)]
pub struct Stderr {
    channel: Channel,
}

impl Stderr {
    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Takes what has arrived without copying it, waiting for the first byte; empty at the end of the stream.
    pub fn recv(&self) -> Result<Bytes, Error> {
        self.channel.recv_from(Source::Stderr)
    }

    /// Bytes that can be read without waiting.
    pub fn available(&self) -> usize {
        self.channel.inner.inbox.available(Source::Stderr)
    }
}

impl Read for &Stderr {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.channel.read_from(Source::Stderr, buffer)?)
    }
}

impl Read for Stderr {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}
