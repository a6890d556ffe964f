//! The controlling terminal of a process.

use super::inheritance::opening;
use crate::request::Pty;
use pty_process::{
    Size,
    blocking::{self, Pts},
};
use rustix::{
    io::{Errno, FdFlags, fcntl_setfd},
    termios::tcsendbreak,
};
use ssh_session::modes;
use ssh_wire::message::connection::TerminalSize;
use std::{
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    sync::Arc,
};

/// This end of a pseudo-terminal: what is written is typed, what is read is shown. It is a handle: clones are the same
/// terminal. When the last one is dropped the terminal hangs up.
#[derive(Debug, Clone)]
pub struct Terminal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    descriptor: OwnedFd,
    name: OsString,
}

impl Terminal {
    /// A new terminal as the client has described it, and the end for a process.
    pub(super) fn open(pty: &Pty) -> io::Result<(Self, Pts)> {
        let (descriptor, other) = {
            let _opened = opening();
            let (terminal, other) = blocking::open().map_err(io::Error::other)?;
            let descriptor = OwnedFd::from(terminal);
            fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
            (descriptor, other)
        };
        let name = rustix::pty::ptsname(&descriptor, Vec::new())?;
        modes::apply(other.as_fd(), &pty.modes)?;
        let name = OsString::from_vec(name.into_bytes());
        let terminal = Self(Arc::new(Inner { descriptor, name }));
        terminal.resize(pty.size)?;
        Ok((terminal, other))
    }

    /// Its name: `/dev/pts/7`.
    pub fn name(&self) -> &OsStr {
        &self.0.name
    }

    /// Changes its size; the process is told by SIGWINCH.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn resize(&self, size: TerminalSize) -> io::Result<()> {
        let cut = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        let size = Size::new_with_pixel(cut(size.rows), cut(size.columns), cut(size.width), cut(size.height));
        Ok(rustix::termios::tcsetwinsize(&self.0.descriptor, size.into())?)
    }

    /// Sends a BREAK, of the usual length.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn send_break(&self) -> io::Result<()> {
        Ok(tcsendbreak(&self.0.descriptor)?)
    }

    /// Whether this error of a read is how Linux tells that no process has the terminal any more.
    pub fn is_end(error: &io::Error) -> bool {
        error.raw_os_error() == Some(Errno::IO.raw_os_error())
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.descriptor.as_fd()
    }
}
