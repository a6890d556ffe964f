//! Whether a channel can be read from or written to without waiting, told to `poll(2)` and its like or by a callback.

use super::{Channel, Stderr};
#[cfg(unix)]
use crate::{Error, ErrorKind, watch::Level};
use std::sync::Arc;

/// File descriptors that tell whether a channel can be read from and written to without waiting. Both are to be polled
/// for *reading*; they carry nothing else, and must not be read.
///
/// They work in `poll(2)`, `select(2)`, `epoll(7)` and `kqueue(2)`, by level and by edge. As with sockets, a write that
/// was announced may still give [`WouldBlock`](std::io::ErrorKind::WouldBlock), for all channels of a session share one
/// connection; that ends the announcement until there is room again.
///
/// ```no_run
/// # fn example(channel: ssh_session::blocking::Channel) -> Result<(), Box<dyn std::error::Error>> {
/// use rustix::event::{PollFd, PollFlags, poll};
/// use std::io::{ErrorKind, Read};
///
/// channel.set_nonblocking(true);
/// let readiness = channel.readiness()?;
/// let mut buffer = [0; 32 * 1024];
/// loop {
///     poll(&mut [PollFd::new(&readiness.read, PollFlags::IN)], None)?;
///     match (&channel).read(&mut buffer) {
///         Ok(0) => break,
///         Ok(n) => println!("{n} bytes"),
///         Err(error) if error.kind() == ErrorKind::WouldBlock => {}
///         Err(error) => return Err(error.into()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[cfg(unix)]
#[derive(Debug)]
pub struct Readiness {
    /// Readable while data, the end of the stream or an error waits.
    pub read: Ready,
    /// Readable while a write would take something, or fail.
    pub write: Ready,
}

#[cfg(unix)]
pub use descriptor::Ready;

impl Channel {
    /// File descriptors for `poll(2)` and its like. They are made at the first call; later ones give duplicates.
    #[cfg(unix)]
    pub fn readiness(&self) -> Result<Readiness, Error> {
        self.watch(|watch| {
            Ok(Readiness { read: descriptor(&mut watch.stdout)?, write: descriptor(&mut watch.write)? })
        })
    }

    /// Calls `wake` whenever the channel becomes ready: to be read, its standard error included, or to be written to;
    /// and once now if it is. It replaces the callback before it.
    ///
    /// The callback runs on the thread that reads, which waits for it: like a [`Waker`](std::task::Waker) it must return
    /// at once, and must not call the session or its channels.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.watch(|watch| watch.on_ready = Some(Arc::new(wake)));
        self.wake_if_ready();
    }
}

impl Stderr {
    /// The same as [`Channel::readiness`] for reading the standard error.
    #[cfg(unix)]
    pub fn readiness(&self) -> Result<Ready, Error> {
        self.channel().watch(|watch| descriptor(&mut watch.stderr))
    }
}

#[cfg(unix)]
fn descriptor(level: &mut Level) -> Result<Ready, Error> {
    level
        .signal()
        .and_then(Ready::of)
        .map_err(|error| Error::with_source(ErrorKind::Io, "no descriptor for readiness", error))
}

#[cfg(unix)]
mod descriptor {
    use crate::signal::Signal;
    use std::{
        io,
        os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    };

    /// A file descriptor that is readable while something can be done with a channel.
    #[derive(Debug)]
    pub struct Ready(OwnedFd);

    impl Ready {
        pub(super) fn of(signal: &Signal) -> io::Result<Self> {
            Ok(Self(signal.as_fd().try_clone_to_owned()?))
        }
    }

    impl AsFd for Ready {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    impl AsRawFd for Ready {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_raw_fd()
        }
    }

    impl From<Ready> for OwnedFd {
        fn from(ready: Ready) -> Self {
            ready.0
        }
    }
}
