//! A channel and a socket, joined.

use crate::exit::Failure;
use log::debug;
use ssh_client::blocking::Channel;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// A connection on this side.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Who forwards bytes does not know which belong together: none is held back.
    pub(super) fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    fn shutdown(&self, how: Shutdown) {
        // An error means that it is over already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => { stream }.read(buffer),
            Socket::Unix(stream) => { stream }.read(buffer),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => { stream }.write(bytes),
            Socket::Unix(stream) => { stream }.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Copies in both directions, each to its end: one side may be done long before the other.
pub(super) fn join(channel: &Channel, socket: &Socket) -> Result<(), Failure> {
    let ends = Ends::new(channel);
    thread::scope(|scope| {
        let up = thread::Builder::new().name("to the server".to_owned());
        up.spawn_scoped(scope, || ends.upload(socket)).map_err(|error| Failure::new(error.to_string()))?;
        match download(channel, socket) {
            Ok(()) => {
                socket.shutdown(Shutdown::Write);
                ends.one();
                // A server that closes the channel wants no more of what comes from here. An error is an end, too.
                let _ = channel.wait_closed(None);
            }
            Err(error) => {
                debug!("forwarded connection: {error}");
                channel.close();
            }
        }
        // Wakes who still reads from it.
        socket.shutdown(Shutdown::Both);
        Ok(())
    })
}

fn download(channel: &Channel, mut socket: &Socket) -> io::Result<()> {
    loop {
        let data = channel.recv()?;
        if data.is_empty() {
            return Ok(());
        }
        socket.write_all(&data)?;
    }
}

/// The two directions of a channel, which is closed when both are at their end.
pub(super) struct Ends {
    channel: Channel,
    one: AtomicBool,
}

impl Ends {
    pub(super) fn new(channel: &Channel) -> Self {
        Self { channel: channel.clone(), one: AtomicBool::new(false) }
    }

    /// One direction is at its end.
    pub(super) fn one(&self) {
        if self.one.swap(true, Ordering::Relaxed) {
            self.channel.close();
        }
    }

    /// Sends what is read, and its end.
    pub(super) fn upload(&self, mut from: impl Read) {
        let mut buffer = vec![0; BUFFER];
        let mut to = &self.channel;
        let sent = loop {
            match from.read(&mut buffer) {
                Ok(0) => break self.channel.shutdown_write().map_err(io::Error::from),
                Ok(n) => {
                    if let Err(error) = to.write_all(&buffer[..n]) {
                        break Err(error);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        match sent {
            Ok(()) => self.one(),
            Err(error) => {
                debug!("forwarded connection: {error}");
                self.channel.close();
            }
        }
    }
}

/// What a packet holds at most.
const BUFFER: usize = 32 << 10;
