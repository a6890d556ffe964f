//! A channel: a stream in both directions, and the requests of RFC 4254 §6.

use super::{Connection, ReadHalf, WriteHalf, shared::Shared};
use crate::{
    ChannelRequest, Error, ErrorKind, Phase, Terminal,
    core::Occasion,
    endpoint::Endpoint,
    inbox::{CHUNKS, Inbox, Interest, Source, State},
    tasks::Ticket,
};
use bytes::Bytes;
use ssh_connection::{Blocked, ChannelId, Exit, Written};
use ssh_wire::{
    Encode, Rest,
    message::connection::{Break, Env, Exec, Signal, Subsystem, TerminalSize},
};
use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::coop::poll_proceed,
};

/// A channel of a session. It is a handle: clones are the same channel, and tasks may share it, one reading while
/// another writes. Dropping the last handle closes the channel.
///
/// Reading gives what the other side wrote to its standard output, [`Channel::stderr`] the rest. Both come out of one
/// window: see [there](crate::blocking) for what happens to a stream that nobody reads. Writing hands as much to the
/// session as there is room for; [shutting down](AsyncWrite::poll_shutdown) tells the other side that no more
/// will come. Reads and writes are cancel safe as those of a socket are.
///
/// ```no_run
/// # async fn example(session: ssh_session::tokio::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// let mut channel = session.open_session().await?;
/// channel.exec("sort").await?;
/// channel.write_all(b"pear\napple\n").await?;
/// channel.shutdown().await?;
/// let mut lines = BufReader::new(channel).lines();
/// while let Some(line) = lines.next_line().await? {
///     println!("{line}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Channel {
    reader: ReadHalf,
    writer: WriteHalf,
}

/// What all handles of a channel share; dropping it closes the channel.
pub(super) struct Inner {
    pub(super) connection: Connection,
    pub(super) end: Endpoint,
}

impl Channel {
    pub(super) fn new(connection: Connection, id: ChannelId, inbox: Arc<Inbox>) -> Self {
        let inner = Arc::new(Inner { connection, end: Endpoint::new(id, inbox) });
        Self { reader: ReadHalf::new(inner.clone(), Source::Stdout), writer: WriteHalf::new(inner) }
    }

    fn inner(&self) -> &Arc<Inner> {
        self.writer.inner()
    }

    /// Waits for the peer's answer to the opening of the channel.
    pub(super) async fn opened(&self, timeout: Option<Duration>) -> Result<(), Error> {
        let inbox = &self.inner().end.inbox;
        inbox.wait_for(Interest::Control, timeout, Phase::Open, |state| state.opened()).await?
    }

    /// The session the channel belongs to.
    pub fn connection(&self) -> &Connection {
        &self.inner().connection
    }

    /// The two directions, each to be owned by a task of its own. The channel closes when both are dropped, and all
    /// other handles.
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        (self.reader, self.writer)
    }

    /// The other side's standard error, or whatever else it sends beside its main stream.
    pub fn stderr(&self) -> ReadHalf {
        ReadHalf::new(self.inner().clone(), Source::Stderr)
    }

    /// Writes to the other side's standard error: for who serves a channel.
    pub fn stderr_writer(&self) -> WriteHalf {
        WriteHalf::extended(self.inner().clone())
    }

    /// Runs `command` in the user's shell (RFC 4254 §6.5). A channel runs one command, shell or subsystem.
    ///
    /// As all requests, it is sent at the first poll; dropping the future later gives up the answer only.
    pub async fn exec(&self, command: impl AsRef<[u8]>) -> Result<(), Error> {
        let exec = self.begin("exec", &Exec { command: command.as_ref() });
        drop(command);
        exec?.answered().await
    }

    /// Starts the user's shell (RFC 4254 §6.5); see [`Channel::exec`].
    pub async fn shell(&self) -> Result<(), Error> {
        self.begin("shell", &[] as &[u8; 0])?.answered().await
    }

    /// Starts a subsystem: `sftp` (RFC 4254 §6.5); see [`Channel::exec`].
    pub async fn subsystem(&self, name: &str) -> Result<(), Error> {
        self.begin("subsystem", &Subsystem { name: name.as_bytes() })?.answered().await
    }

    /// Asks for a pseudo-terminal for the command or shell to come (RFC 4254 §6.2); see [`Channel::exec`].
    pub async fn request_pty(&self, terminal: &Terminal) -> Result<(), Error> {
        self.begin("pty-req", terminal)?.answered().await
    }

    /// Sets an environment variable for the command or shell to come (RFC 4254 §6.4). Servers accept few names:
    /// OpenSSH those of its `AcceptEnv`. See [`Channel::exec`].
    pub async fn set_env(&self, name: &str, value: &str) -> Result<(), Error> {
        let env = Env { name: name.as_bytes(), value: value.as_bytes() };
        self.begin("env", &env)?.answered().await
    }

    /// Sends a BREAK of this length, rounded to milliseconds (RFC 4335); see [`Channel::exec`].
    pub async fn send_break(&self, length: Duration) -> Result<(), Error> {
        let length = u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
        self.begin("break", &Break { length })?.answered().await
    }

    /// Sends any request and waits for the answer; a refusal is an error of kind [`ErrorKind::RequestRefused`]. See
    /// [`Channel::exec`].
    pub async fn request(&self, name: &str, data: &(impl Encode + Sync)) -> Result<(), Error> {
        self.begin(name, data)?.answered().await
    }

    /// Tells that the terminal has another size (RFC 4254 §6.7).
    pub fn window_change(&self, size: TerminalSize) -> Result<(), Error> {
        self.notify("window-change", &size)
    }

    /// Sends a signal to the command: `TERM` (RFC 4254 §6.9).
    pub fn signal(&self, name: &str) -> Result<(), Error> {
        self.notify("signal", &Signal { name: name.as_bytes() })
    }

    /// Sends any request that gets no answer.
    pub fn notify(&self, name: &str, data: &impl Encode) -> Result<(), Error> {
        self.inner().send_request(name, false, data).map(drop)
    }

    /// Tells the other side how what ran for it has ended: what a server does before it shuts down its writing half and closes.
    pub fn send_exit(&self, exit: &Exit) -> Result<(), Error> {
        let (name, data) = exit.to_request();
        self.notify(name, &Rest(&data))
    }

    /// Sends requests, each with its data encoded, one behind the other and only then waits for the answers: one round
    /// trip for all. Answers, in order, whether the server did what was asked. All are sent at the first poll; dropping
    /// the future later gives up the answers only.
    pub async fn request_all(&self, requests: &[(&str, Vec<u8>)]) -> Result<Vec<bool>, Error> {
        let sent: Vec<_> =
            requests.iter().map(|(name, data)| self.begin(name, &Rest(data))).collect::<Result<_, _>>()?;
        let mut answers = Vec::with_capacity(sent.len());
        for request in &sent {
            answers.push(request.answer().await?);
        }
        Ok(answers)
    }

    fn begin<'a>(&'a self, name: &'a str, data: &impl Encode) -> Result<Request<'a>, Error> {
        let number = self.inner().send_request(name, true, data)?;
        Ok(Request { inner: self.inner(), name, number })
    }

    /// Whether what comes on standard error is read from the main stream, in the order in which it arrives. What has
    /// arrived and was not read yet is put behind the main stream's data.
    pub fn merge_stderr(&self, merge: bool) {
        self.inner().end.inbox.merge(merge);
        self.inner().shared().wake_tasks();
    }

    /// Takes what has arrived without copying it, waiting for the first byte; empty at the end of the stream. Cancel
    /// safe.
    pub async fn recv(&self) -> Result<Bytes, Error> {
        self.reader.recv().await
    }

    /// Bytes that can be read without waiting.
    pub fn available(&self) -> usize {
        self.reader.available()
    }

    /// Takes what has arrived on either stream without copying it; `None` when both are at their end. Cancel safe.
    pub async fn recv_any(&self) -> Result<Option<(Source, Bytes)>, Error> {
        let inner = self.inner();
        let chunk = inner.end.inbox.wait_for(Interest::AnyData, None, Phase::Read, State::take_any).await?;
        inner.credit(chunk.as_ref().map_or(0, |(_, data)| data.len()));
        Ok(chunk)
    }

    /// Waits for the next request of the peer; `None` when the channel is closed by either side. Requests come here if
    /// [`Settings::channel_requests`](crate::Settings::channel_requests) is on. Cancel safe.
    ///
    /// # Errors
    /// The session has ended.
    pub async fn next_request(&self) -> Result<Option<ChannelRequest>, Error> {
        let inbox = &self.inner().end.inbox;
        let waiting = inbox.wait_for(Interest::Control, None, Phase::Request, State::next_request).await?;
        let inner = Arc::downgrade(self.inner());
        Ok(waiting.map(|waiting| {
            ChannelRequest::new(waiting, move |success| {
                // Closed, it owes no answer.
                let Some(inner) = inner.upgrade() else { return };
                let mut core = inner.shared().lock();
                core.engine.mux.reply(inner.end.id, success);
                inner.shared().send(core);
            })
        }))
    }

    /// Waits until the command has ended. `None` if the server closed the channel without saying how. Cancel safe.
    pub async fn wait(&self) -> Result<Option<Exit>, Error> {
        let inbox = &self.inner().end.inbox;
        inbox.wait_for(Interest::Control, None, Phase::Wait, |state| state.exit()).await
    }

    /// Tells the other side that no more data will come (EOF); reading goes on.
    pub fn shutdown_write(&self) -> Result<(), Error> {
        self.inner().eof()
    }

    /// Closes the channel in both directions. What has arrived can still be read, and then comes the end, whether or
    /// not the other side closes the channel, too; writes that wait end with an error of kind [`ErrorKind::Closed`].
    pub fn close(&self) {
        let mut core = self.inner().shared().lock();
        self.inner().end.close(&mut core);
        self.inner().shared().send(core);
    }

    /// Waits until the other side has closed the channel, too. Cancel safe.
    pub async fn wait_closed(&self) -> Result<(), Error> {
        let inbox = &self.inner().end.inbox;
        inbox.wait_for(Interest::Control, None, Phase::Wait, |state| state.closed()).await
    }
}

/// A request that was sent, and whose answer nobody fetches once this is dropped.
struct Request<'a> {
    inner: &'a Inner,
    name: &'a str,
    number: u64,
}

impl Request<'_> {
    /// Waits for the answer.
    async fn answer(&self) -> Result<bool, Error> {
        let timeout = self.inner.connection.request_timeout();
        let ready = |state: &mut State| state.take_reply(self.number);
        self.inner.end.inbox.wait_for(Interest::Control, timeout, Phase::Request, ready).await
    }

    /// Waits for success.
    async fn answered(self) -> Result<(), Error> {
        match self.answer().await? {
            true => Ok(()),
            false => {
                let message = format!("server refused the request {:?}", self.name);
                Err(Error::new(ErrorKind::RequestRefused, message))
            }
        }
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.inner.end.inbox.forget_reply(self.number);
    }
}

impl Inner {
    pub(super) fn shared(&self) -> &Shared {
        self.connection.shared()
    }

    fn send_request(&self, name: &str, want_reply: bool, data: &impl Encode) -> Result<u64, Error> {
        let mut core = self.shared().lock();
        let number = self.end.request(&mut core, name, want_reply, data)?;
        self.shared().send(core);
        Ok(number)
    }

    /// Gives the peer credit for what was read, in steps that are worth a lock.
    pub(super) fn credit(&self, n: usize) {
        if let Some(bytes) = self.end.credit_due(n) {
            let mut core = self.shared().lock();
            self.end.give_credit(&mut core, bytes);
            self.shared().send(core);
        }
    }

    pub(super) fn eof(&self) -> Result<(), Error> {
        let mut core = self.shared().lock();
        core.check()?;
        core.engine.mux.eof(self.end.id);
        self.shared().send(core);
        Ok(())
    }

    /// Reads what is there.
    pub(super) fn poll_read(
        &self,
        ticket: Ticket,
        source: Source,
        waker: &Waker,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let inbox = &self.end.inbox;
        let before = buffer.filled().len();
        let mut chunks: [Bytes; CHUNKS] = Default::default();
        let take = |state: &mut State| state.take_into(source, buffer.remaining(), &mut chunks);
        ready!(inbox.poll(ticket, Interest::Data(source), waker, take))?;
        loop {
            let mut taken = 0;
            for chunk in &chunks {
                buffer.put_slice(chunk);
                taken += chunk.len();
            }
            if taken == 0 || buffer.remaining() == 0 {
                break;
            }
            chunks = Default::default();
            // Copied with nothing locked; more may lie behind.
            inbox.lock().take_into(source, buffer.remaining(), &mut chunks);
        }
        self.credit(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }

    /// Hands as much of `data` as there is room for to the session.
    pub(super) fn poll_write(
        &self,
        ticket: Ticket,
        code: Option<u32>,
        waker: &Waker,
        data: &[u8],
    ) -> Poll<Result<usize, Error>> {
        let mut core = self.shared().lock();
        let written = self.end.write(&mut core, code, data)?;
        self.shared().written.set();
        // Registered under the lock under which room comes.
        let replaced = match written {
            Written::Bytes(n) => {
                self.shared().send(core);
                return Poll::Ready(Ok(n));
            }
            Written::Blocked(Blocked::Window) => {
                self.end.inbox.lock().tasks.register(ticket, Interest::Control, waker)
            }
            Written::Blocked(Blocked::Output) => core.tasks.register(ticket, Occasion::Room, waker),
        };
        self.shared().send(core);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.end.inbox.is_closed() {
            let shared = self.connection.shared();
            let mut core = shared.lock();
            self.end.end(&mut core);
            shared.send(core);
        }
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Channel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.end.id)
    }
}

/// Lets other tasks run where a channel always has more.
pub(super) fn proceed<T>(
    cx: &mut Context<'_>,
    poll: impl FnOnce(&Waker) -> Poll<Result<T, Error>>,
) -> Poll<io::Result<T>> {
    let budget = ready!(poll_proceed(cx));
    let result = ready!(poll(cx.waker()));
    budget.made_progress();
    Poll::Ready(result.map_err(Into::into))
}
