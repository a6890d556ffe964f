//! A channel: a stream in both directions, and the requests of RFC 4254 §6.

use super::{
    Connection,
    driver::Shared,
    output::Patience,
    stream::{Halves, Stream},
};
use crate::{
    ChannelRequest, Error, ErrorKind, Phase, Terminal,
    core::Writing,
    endpoint::Endpoint,
    inbox::{Inbox, Source},
    watch::Watch,
};
use bytes::Bytes;
use ssh_connection::{Blocked, ChannelId, Exit, Written};
use ssh_wire::{
    Encode, Rest,
    message::connection::{Break, Env, Exec, Signal, Subsystem, TerminalSize},
    number::EXTENDED_DATA_STDERR,
};
use std::{
    fmt,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

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
    end: Endpoint,
    timeouts: Mutex<ChannelTimeouts>,
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

impl Channel {
    pub(super) fn new(connection: Connection, id: ChannelId, inbox: Arc<Inbox>) -> Self {
        let inner = Inner {
            connection,
            end: Endpoint::new(id, inbox),
            timeouts: Mutex::default(),
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
        self.request("pty-req", terminal)
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
        let success = self.inner.end.inbox.reply(
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

    /// Tells the other side how what ran for it has ended: what a server does before it shuts down its writing half and closes.
    pub fn send_exit(&self, exit: &Exit) -> Result<(), Error> {
        let (name, data) = exit.to_request();
        self.notify(name, &Rest(&data))
    }

    /// Sends requests, each with its data encoded, one behind the other and only then waits for the answers: one round
    /// trip for all. Answers, in order, whether the server did what was asked.
    pub fn request_all(&self, requests: &[(&str, Vec<u8>)]) -> Result<Vec<bool>, Error> {
        let numbers: Vec<_> = requests
            .iter()
            .map(|(name, data)| self.send_request(name, true, &Rest(data)))
            .collect::<Result<_, _>>()?;
        let timeout = self.inner.connection.settings().request_timeout;
        numbers.into_iter().map(|number| self.inner.end.inbox.reply(self.shared(), number, timeout)).collect()
    }

    /// Queues a request and answers its number among those that want a reply.
    fn send_request(&self, name: &str, want_reply: bool, data: &impl Encode) -> Result<u64, Error> {
        let shared = self.shared();
        let mut core = shared.lock();
        let number = self.inner.end.request(&mut core, name, want_reply, data)?;
        shared.send(core);
        Ok(number)
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
        self.inner.end.inbox.merge(merge);
    }

    /// Changes who is told when the channel becomes ready.
    pub(super) fn watch<T>(&self, change: impl FnOnce(&mut Watch) -> T) -> T {
        // Locked, so that no write and no news gets in between.
        let mut core = self.shared().lock();
        if !self.inner.watched.swap(true, Ordering::Relaxed) {
            // Nobody may be waiting when something comes that has to be told.
            self.shared().reading.watch();
        }
        let writable = core.is_writable(self.inner.end.id, &self.inner.end.inbox);
        self.inner.end.inbox.watch(writable, change)
    }

    pub(super) fn wake_if_ready(&self) {
        self.inner.end.inbox.wake_if_ready();
    }

    fn shared(&self) -> &Shared {
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
        self.inner.end.inbox.available(Source::Stdout)
    }

    /// Takes what has arrived on either stream without copying it; `None` when both are at their end.
    pub fn recv_any(&self) -> Result<Option<(Source, Bytes)>, Error> {
        let timeouts = *self.timeouts();
        let chunk = self
            .inner
            .end
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
        let chunk = self.inner.end.inbox.recv(self.shared(), source, timeouts.reading());
        let chunk = chunk.map_err(|error| timeouts.explain(error))?;
        self.credit(chunk.len());
        Ok(chunk)
    }

    fn read_from(&self, source: Source, buffer: &mut [u8]) -> Result<usize, Error> {
        let timeouts = *self.timeouts();
        let n = self.inner.end.inbox.read(self.shared(), source, buffer, timeouts.reading());
        let n = n.map_err(|error| timeouts.explain(error))?;
        self.credit(n);
        Ok(n)
    }

    /// Gives the peer credit for what was read, in steps that are worth a lock.
    fn credit(&self, n: usize) {
        if let Some(bytes) = self.inner.end.credit_due(n) {
            let shared = self.shared();
            let mut core = shared.lock();
            self.inner.end.give_credit(&mut core, bytes);
            shared.send(core);
        }
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
        let (shared, id) = (self.shared(), self.inner.end.id);
        let mut core = shared.lock();
        loop {
            let epoch = self.inner.end.inbox.window_epoch();
            let written = self.inner.end.write(&mut core, code, data)?;
            shared.reading.written.set();
            if self.inner.watched.load(Ordering::Relaxed) {
                let writable = core.is_writable(id, &self.inner.end.inbox);
                self.inner.end.inbox.set_writable(writable);
            }
            match written {
                Written::Bytes(n) if timeout.is_some_and(|timeout| timeout.is_zero()) => {
                    shared.send(core);
                    return Ok(n);
                }
                Written::Bytes(n) => {
                    let is_over = || self.inner.end.inbox.is_over();
                    shared.send_patiently(core, &Patience { deadline, is_over: &is_over })?;
                    if is_over() {
                        // The session may have failed while the socket took nothing. A channel that the other side has
                        // closed by now is no failure: what was written has left before.
                        shared.lock().check()?;
                    }
                    return Ok(n);
                }
                Written::Blocked(Blocked::Window) => {
                    shared.send(core);
                    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                    self.inner.end.inbox.wait_window(shared, epoch, left).map_err(|error| {
                        match error.kind() {
                            ErrorKind::Timeout(Phase::Write) => {
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
        core.engine.mux.eof(self.inner.end.id);
        shared.send(core);
        Ok(())
    }

    /// Waits for the next request of the peer; `None` when the channel is closed by either side. Requests come here if
    /// [`Settings::channel_requests`](crate::Settings::channel_requests) is on.
    ///
    /// # Errors
    /// The session has ended, or time is up.
    pub fn next_request(&self, timeout: Option<Duration>) -> Result<Option<ChannelRequest>, Error> {
        let waiting = self.inner.end.inbox.next_request(self.shared(), timeout)?;
        let inner = Arc::downgrade(&self.inner);
        Ok(waiting.map(|waiting| {
            ChannelRequest::new(waiting, move |success| {
                // Closed, it owes no answer.
                let Some(inner) = inner.upgrade() else { return };
                let shared = inner.connection.shared();
                let mut core = shared.lock();
                core.engine.mux.reply(inner.end.id, success);
                shared.send(core);
            })
        }))
    }

    /// Waits until the command has ended. `None` if the server closed the channel without saying how.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>, Error> {
        self.inner.end.inbox.exit(self.shared(), timeout)
    }

    /// Closes the channel in both directions. What has arrived can still be read, and then comes the end, whether or
    /// not the other side closes the channel, too; writes that wait end with an error of kind [`ErrorKind::Closed`].
    pub fn close(&self) {
        self.inner.close();
    }

    /// Waits until the other side has closed the channel, too.
    pub fn wait_closed(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.inner.end.inbox.wait_closed(self.shared(), timeout)
    }
}

fn refused(name: &str) -> Error {
    Error::new(ErrorKind::RequestRefused, format!("server refused the request {name:?}"))
}

impl Inner {
    fn close(&self) {
        let shared = self.connection.shared();
        let mut core = shared.lock();
        self.end.close(&mut core);
        shared.write_bell.ring();
        shared.send(core);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.watched.get_mut() {
            self.connection.shared().reading.unwatch();
        }
        if !self.end.inbox.is_closed() {
            let shared = self.connection.shared();
            let mut core = shared.lock();
            self.end.end(&mut core);
            shared.send(core);
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
            closer.inner.end.inbox.fail(&Error::closed("channel"));
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
        write!(f, "Channel({})", self.inner.end.id)
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
        self.channel.inner.end.inbox.available(Source::Stderr)
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
