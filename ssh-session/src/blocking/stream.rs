//! What a session can run over: anything with a reading and a writing half.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    process::{Child, ChildStdin, ChildStdout},
    sync::{Arc, Mutex},
};

#[cfg(unix)]
use rustix::net::{RecvFlags, SendFlags, recv, send};
#[cfg(unix)]
use std::os::{
    fd::{AsFd, BorrowedFd},
    unix::net::UnixStream,
};

/// A byte stream in both directions: a socket, a pair of pipes, a channel of another session.
pub trait Stream {
    /// Takes the stream apart.
    fn split(self) -> io::Result<Halves>;
}

/// A socket that can be read from and written to without waiting, and be waited for.
#[derive(Clone)]
pub struct Direct {
    #[cfg(unix)]
    socket: Arc<dyn AsFd + Send + Sync>,
    #[cfg(not(unix))]
    never: std::convert::Infallible,
}

#[cfg(unix)]
impl Direct {
    /// For a socket that is connected; other descriptors do not do.
    pub fn socket(socket: impl AsFd + Send + Sync + 'static) -> Self {
        Self { socket: Arc::new(socket) }
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Fails with [`io::ErrorKind::WouldBlock`] if nothing is there.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (received, _) = recv(&self.socket, buffer, RecvFlags::DONTWAIT)?;
        Ok(received)
    }

    /// Fails with [`io::ErrorKind::WouldBlock`] if the socket is full.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(&self.socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }
}

#[cfg(not(unix))]
impl Direct {
    pub(super) fn write(&self, _: &[u8]) -> io::Result<usize> {
        match self.never {}
    }
}

/// The parts of a [`Stream`].
pub struct Halves {
    /// Where the peer's bytes come from.
    pub reader: Box<dyn Read + Send>,
    /// Where bytes to the peer go.
    pub writer: Box<dyn Write + Send>,
    /// If the stream is a socket: what lets the callers' threads read and write themselves, so that what they wait for
    /// needs no way from thread to thread.
    pub direct: Option<Direct>,
    /// Ends both directions, also for a thread that waits in a read or a write. Called once or more.
    ///
    /// A stream that can't do that has nothing here; its reading thread then lives until the peer hangs up.
    pub close: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Stream for TcpStream {
    /// Switches Nagle's algorithm off: the session puts together itself what belongs together.
    fn split(self) -> io::Result<Halves> {
        self.set_nodelay(true)?;
        // A session has timeouts of its own.
        self.set_nonblocking(false)?;
        self.set_read_timeout(None)?;
        self.set_write_timeout(None)?;
        Ok(socket_halves(self, |socket| socket.shutdown(Shutdown::Both)))
    }
}

#[cfg(unix)]
impl Stream for UnixStream {
    fn split(self) -> io::Result<Halves> {
        self.set_nonblocking(false)?;
        self.set_read_timeout(None)?;
        self.set_write_timeout(None)?;
        Ok(socket_halves(self, |socket| socket.shutdown(Shutdown::Both)))
    }
}

/// A socket that its halves share.
struct Socket<S>(Arc<S>);

impl<S> Read for Socket<S>
where
    for<'a> &'a S: Read,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl<S> Write for Socket<S>
where
    for<'a> &'a S: Write,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

#[cfg(unix)]
fn socket_halves<S>(socket: S, shutdown: impl Fn(&S) -> io::Result<()> + Send + Sync + 'static) -> Halves
where
    S: AsFd + Send + Sync + 'static,
    for<'a> &'a S: Read + Write,
{
    let socket = Arc::new(socket);
    let closer = socket.clone();
    Halves {
        reader: Box::new(Socket(socket.clone())),
        writer: Box::new(Socket(socket.clone())),
        direct: Some(Direct { socket }),
        close: Some(Box::new(move || {
            // An error means that it is closed already.
            let _ = shutdown(&closer);
        })),
    }
}

#[cfg(not(unix))]
fn socket_halves<S>(socket: S, shutdown: impl Fn(&S) -> io::Result<()> + Send + Sync + 'static) -> Halves
where
    S: Send + Sync + 'static,
    for<'a> &'a S: Read + Write,
{
    let socket = Arc::new(socket);
    let closer = socket.clone();
    Halves {
        reader: Box::new(Socket(socket.clone())),
        writer: Box::new(Socket(socket)),
        direct: None,
        close: Some(Box::new(move || {
            // An error means that it is closed already.
            let _ = shutdown(&closer);
        })),
    }
}

#[cfg(unix)]
mod pipe {
    //! Pipes on which a wait can be ended from another thread.

    use rustix::{
        event::{PollFd, PollFlags, poll},
        io::{Errno, ioctl_fionbio},
    };
    use std::{
        io::{self, Read, Write},
        net::Shutdown,
        os::{fd::AsFd, unix::net::UnixStream},
    };

    pub(super) struct Pipe<P> {
        pipe: P,
        /// Readable when it is over.
        closed: UnixStream,
    }

    /// Both pipes, and what ends every wait on them for good.
    pub(super) fn closable<R: AsFd, W: AsFd>(
        reader: R,
        writer: W,
    ) -> io::Result<(Pipe<R>, Pipe<W>, impl Fn() + Send + Sync)> {
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        let (closer, closed) = UnixStream::pair()?;
        let reader = Pipe { pipe: reader, closed: closed.try_clone()? };
        let give_up = move || {
            // An error means that it is shut down already.
            let _ = closer.shutdown(Shutdown::Both);
        };
        Ok((reader, Pipe { pipe: writer, closed }, give_up))
    }

    impl<P: AsFd> Pipe<P> {
        /// Repeats `act` until it need not wait.
        fn wait<T>(
            &mut self,
            flags: PollFlags,
            mut act: impl FnMut(&mut P) -> io::Result<T>,
        ) -> io::Result<T> {
            loop {
                match act(&mut self.pipe) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return result,
                }
                let mut waiting = [PollFd::new(&self.pipe, flags), PollFd::new(&self.closed, PollFlags::IN)];
                match poll(&mut waiting, None) {
                    Ok(_) if waiting[1].revents().is_empty() => {}
                    Ok(_) => return Err(io::ErrorKind::NotConnected.into()),
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    impl<P: AsFd + Read> Read for Pipe<P> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.wait(PollFlags::IN, |pipe| pipe.read(buffer))
        }
    }

    impl<P: AsFd + Write> Write for Pipe<P> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.wait(PollFlags::OUT, |pipe| pipe.write(bytes))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

/// A reader and a writer that belong together. Nothing can end a read that waits: see [`Halves::close`].
impl<R: Read + Send + 'static, W: Write + Send + 'static> Stream for (R, W) {
    fn split(self) -> io::Result<Halves> {
        Ok(Halves { reader: Box::new(self.0), writer: Box::new(self.1), direct: None, close: None })
    }
}

/// A process with piped stdin and stdout (`ProxyCommand`); closing the session kills it.
impl Stream for Child {
    fn split(mut self) -> io::Result<Halves> {
        let missing =
            || io::Error::new(io::ErrorKind::InvalidInput, "process without piped stdin and stdout");
        let stdout: ChildStdout = self.stdout.take().ok_or_else(missing)?;
        let stdin: ChildStdin = self.stdin.take().ok_or_else(missing)?;
        #[cfg(unix)]
        let (stdout, stdin, give_up) = pipe::closable(stdout, stdin)?;
        let child = Mutex::new(self);
        let close = move || {
            // What the process has started may hold the pipes' other ends and live on.
            #[cfg(unix)]
            give_up();
            if let Ok(mut child) = child.lock() {
                // Errors mean that it has ended already.
                let _ = child.kill();
                let _ = child.wait();
            }
        };
        Ok(Halves {
            reader: Box::new(stdout),
            writer: Box::new(stdin),
            direct: None,
            close: Some(Box::new(close)),
        })
    }
}

impl Stream for Halves {
    fn split(self) -> io::Result<Halves> {
        Ok(self)
    }
}
