//! The API for tasks in the shape of the blocking one, so that both go through the same scenarios. Each call is a future
//! that the runtime runs to its end, or drops when its time is up.

use super::runtime;
use bytes::Bytes;
use ssh_client::{
    Config, Credential, Error, Exit, Output, Phase, Terminal, TerminalSize, host_key::HostKey,
    session::tokio::Connection, tokio as tasks,
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    ops::Deref,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Runs the future to its end, unless time is up before.
fn run<T>(
    time: Option<Duration>,
    phase: Phase,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    runtime().block_on(async {
        match time {
            Some(time) => timeout(time, future).await.unwrap_or_else(|_| Err(Error::timeout(phase, time))),
            None => future.await,
        }
    })
}

#[derive(Debug, Clone)]
pub(crate) struct Session(tasks::Session);

impl Session {
    pub(crate) fn connect(address: (&str, u16), config: &Config) -> Result<Self, Error> {
        runtime().block_on(tasks::Session::connect(address, config)).map(Self)
    }

    #[expect(clippy::needless_pass_by_value, reason = "as the other facade takes it")]
    pub(crate) fn connect_over(
        channel: Channel,
        host: &str,
        port: u16,
        config: &Config,
    ) -> Result<Self, Error> {
        let channel = channel.tasks.lock().unwrap().clone();
        runtime().block_on(tasks::Session::connect_over(channel, host, port, config)).map(Self)
    }

    pub(crate) fn connect_over_socket(socket: UnixStream, config: &Config) -> Result<Self, Error> {
        socket.set_nonblocking(true).unwrap();
        runtime().block_on(async {
            let socket = tokio::net::UnixStream::from_std(socket).unwrap();
            tasks::Session::connect_over(socket, "host", 22, config).await.map(Self)
        })
    }

    pub(crate) fn handshake(
        stream: TcpStream,
        host: &str,
        port: u16,
        config: &Config,
    ) -> Result<Unverified, Error> {
        stream.set_nonblocking(true).unwrap();
        runtime().block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            tasks::Session::handshake(stream, host, port, config).await.map(Unverified)
        })
    }

    pub(crate) fn open_session(&self) -> Result<Channel, Error> {
        runtime().block_on(self.0.open_session()).map(Channel::new)
    }

    pub(crate) fn direct_tcpip(
        &self,
        host: &str,
        port: u16,
        originator: (&str, u16),
    ) -> Result<Channel, Error> {
        runtime().block_on(self.0.direct_tcpip(host, port, originator)).map(Channel::new)
    }

    pub(crate) fn open(&self, channel_type: &str, data: &[u8]) -> Result<Channel, Error> {
        runtime().block_on(self.0.open(channel_type, data)).map(Channel::new)
    }

    pub(crate) fn command(&self, command: impl Into<Vec<u8>>) -> Command {
        Command { tasks: self.0.command(command), timeout: None }
    }

    pub(crate) fn forward(&self, address: &str, port: u16) -> Result<Forward, Error> {
        runtime().block_on(self.0.forward(address, port)).map(Forward)
    }

    pub(crate) fn global_request(
        &self,
        name: &str,
        want_reply: bool,
        data: &[u8],
    ) -> Result<(bool, Bytes), Error> {
        runtime().block_on(self.0.global_request(name, want_reply, data))
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<Error, Error> {
        run(timeout, Phase::Wait, async { Ok(self.0.wait().await) })
    }

    pub(crate) fn ping(&self) -> Result<(), Error> {
        runtime().block_on(self.0.ping())
    }

    pub(crate) fn close(&self) {
        runtime().block_on(self.0.close());
    }
}

/// What needs no runtime.
impl Deref for Session {
    type Target = tasks::Session;

    fn deref(&self) -> &tasks::Session {
        &self.0
    }
}

#[derive(Debug)]
pub(crate) struct Unverified(tasks::Unverified);

impl Unverified {
    pub(crate) fn host_key(&self) -> &HostKey {
        self.0.host_key()
    }

    pub(crate) fn accept(self) -> Result<Login, Error> {
        runtime().block_on(self.0.accept()).map(Login)
    }
}

pub(crate) struct Login(tasks::Login);

impl Login {
    pub(crate) fn authenticate_with(&mut self, credentials: &[Credential]) -> Result<Session, Error> {
        runtime().block_on(self.0.authenticate_with(credentials)).map(Session)
    }

    pub(crate) fn authenticate(self) -> Result<Session, Error> {
        runtime().block_on(self.0.authenticate()).map(Session)
    }
}

#[derive(Debug)]
pub(crate) struct Command {
    tasks: tasks::Command,
    timeout: Option<Duration>,
}

impl Command {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.tasks = self.tasks.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.tasks = self.tasks.stdin(bytes);
        self
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(crate) fn output(&self) -> Result<Output, Error> {
        run(self.timeout, Phase::Read, self.tasks.output())
    }

    pub(crate) fn status(&self) -> Result<Option<Exit>, Error> {
        run(self.timeout, Phase::Read, self.tasks.status())
    }
}

#[derive(Debug)]
pub(crate) struct Forward(tasks::Forward);

#[derive(Debug)]
pub(crate) struct Forwarded {
    pub(crate) channel: Channel,
    pub(crate) originator: String,
    pub(crate) originator_port: u32,
}

impl Forward {
    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    pub(crate) fn accept(&self, timeout: Option<Duration>) -> Result<Forwarded, Error> {
        let tasks::Forwarded { channel, originator, originator_port, .. } =
            run(timeout, Phase::Accept, self.0.accept())?;
        Ok(Forwarded { channel: Channel::new(channel), originator, originator_port })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    tasks: Arc<Mutex<tasks::Channel>>,
    /// How long reads and writes may take.
    timeouts: Arc<Mutex<(Option<Duration>, Option<Duration>)>>,
}

impl Channel {
    fn new(channel: tasks::Channel) -> Self {
        Self { tasks: Arc::new(Mutex::new(channel)), timeouts: Arc::default() }
    }

    fn tasks(&self) -> tasks::Channel {
        self.tasks.lock().unwrap().clone()
    }

    pub(crate) fn exec(&self, command: &str) -> Result<(), Error> {
        runtime().block_on(self.tasks().exec(command))
    }

    pub(crate) fn shell(&self) -> Result<(), Error> {
        runtime().block_on(self.tasks().shell())
    }

    pub(crate) fn close(&self) {
        self.tasks().close();
    }

    pub(crate) fn connection(&self) -> Connection {
        self.tasks().connection().clone()
    }

    pub(crate) fn subsystem(&self, name: &str) -> Result<(), Error> {
        runtime().block_on(self.tasks().subsystem(name))
    }

    pub(crate) fn request_pty(&self, terminal: &Terminal) -> Result<(), Error> {
        runtime().block_on(self.tasks().request_pty(terminal))
    }

    pub(crate) fn set_env(&self, name: &str, value: &str) -> Result<(), Error> {
        runtime().block_on(self.tasks().set_env(name, value))
    }

    pub(crate) fn window_change(&self, size: TerminalSize) -> Result<(), Error> {
        self.tasks().window_change(size)
    }

    pub(crate) fn signal(&self, name: &str) -> Result<(), Error> {
        self.tasks().signal(name)
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<Option<Exit>, Error> {
        run(timeout, Phase::Wait, self.tasks().wait())
    }

    pub(crate) fn shutdown_write(&self) -> Result<(), Error> {
        runtime().block_on(self.tasks().shutdown()).unwrap();
        Ok(())
    }

    pub(crate) fn available(&self) -> usize {
        self.tasks().available()
    }

    pub(crate) fn stderr(&self) -> Stderr {
        Stderr(self.tasks().stderr())
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.timeouts.lock().unwrap().0 = timeout;
    }

    pub(crate) fn set_write_timeout(&self, timeout: Option<Duration>) {
        self.timeouts.lock().unwrap().1 = timeout;
    }
}

impl Read for &Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let time = self.timeouts.lock().unwrap().0.unwrap_or(Duration::MAX);
        runtime().block_on(async { timeout(time, self.tasks().read(buffer)).await })?
    }
}

impl Write for &Channel {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let time = self.timeouts.lock().unwrap().1.unwrap_or(Duration::MAX);
        runtime().block_on(async { timeout(time, self.tasks().write(data)).await })?
    }

    fn flush(&mut self) -> io::Result<()> {
        runtime().block_on(self.tasks().flush())
    }
}

pub(crate) struct Stderr(tasks::ReadHalf);

impl Read for Stderr {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        runtime().block_on(self.0.read(buffer))
    }
}
