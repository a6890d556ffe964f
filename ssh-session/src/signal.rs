//! A file descriptor that others wait for.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

/// A pair of sockets in which one byte waits, or none: readable while it is set.
#[derive(Debug)]
pub(crate) struct Signal {
    near: UnixStream,
    far: UnixStream,
}

impl Signal {
    pub(crate) fn new() -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self { near, far })
    }

    /// Neither can fail, unless someone has read the byte who should not; then it is as if they had polled late.
    pub(crate) fn set(&self, ready: bool) {
        let _ = match ready {
            true => (&self.far).write(&[1]),
            false => (&self.near).read(&mut [0; 8]),
        };
    }
}

impl AsFd for Signal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.near.as_fd()
    }
}
