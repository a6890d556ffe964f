//! Bytes between a channel and a descriptor. Nobody waits for a descriptor alone: a process that has left its group may keep
//! the other end open for ever.

use super::Channel;
use crate::process::Terminal;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
};
use std::{
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

/// Ends the waiting of who has the [`Over`]s, when it is dropped.
pub(super) struct Bell(#[expect(dead_code, reason = "that it is open is what it says")] UnixStream);

/// Readable once the [`Bell`] is gone.
pub(super) struct Over(UnixStream);

/// A bell, and what hears it.
pub(super) fn bell() -> io::Result<(Bell, Over)> {
    let (bell, over) = UnixStream::pair()?;
    Ok((Bell(bell), Over(over)))
}

impl AsFd for Over {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What ends the waiting for a descriptor.
#[derive(Clone, Copy)]
pub(super) struct Until<'a> {
    /// All is over: nothing more is passed.
    pub(super) over: &'a Over,
    /// The process has ended: what is there still is passed, and nothing more is waited for.
    pub(super) ended: Option<&'a Over>,
}

/// How long is waited for what an ended process has written, where others have its terminal still.
const LAST_WORDS: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl Until<'_> {
    /// Waits until the descriptor is ready; `false` if it is not to be waited for any longer.
    fn wait(self, descriptor: BorrowedFd<'_>, flags: PollFlags) -> io::Result<bool> {
        let mut waits =
            vec![PollFd::from_borrowed_fd(descriptor, flags), PollFd::new(self.over, PollFlags::IN)];
        waits.extend(self.ended.map(|ended| PollFd::new(ended, PollFlags::IN)));
        rustix::io::retry_on_intr(|| poll(&mut waits, None))?;
        let rings = |at: usize| waits.get(at).is_some_and(|wait| !wait.revents().is_empty());
        if rings(1) || rings(0) {
            return Ok(!rings(1));
        }
        waits.truncate(2);
        rustix::io::retry_on_intr(|| poll(&mut waits, Some(&LAST_WORDS)))?;
        Ok(waits.iter().map(|wait| !wait.revents().is_empty()).eq([true, false]))
    }
}

/// Lets reads and writes of this end fail where they would wait; the process has the other end.
pub(super) fn set_nonblocking(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_setfl(descriptor, fcntl_getfl(descriptor)? | OFlags::NONBLOCK)?)
}

/// Passes what comes from the descriptor on, until its end, or until the client takes no more.
pub(super) fn from_descriptor(
    descriptor: BorrowedFd<'_>,
    until: Until<'_>,
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    while until.wait(descriptor, PollFlags::IN)? {
        let mut bytes: &[u8] = match rustix::io::read(descriptor, &mut *buffer) {
            Ok(0) => break,
            Ok(n) => buffer.get(..n).unwrap_or_default(),
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(error) if Terminal::is_end(&error.into()) => break,
            Err(error) => return Err(error.into()),
        };
        while !bytes.is_empty() {
            let n = write(bytes)?;
            bytes = bytes.get(n..).unwrap_or_default();
        }
    }
    Ok(())
}

/// Passes what the client sends on, until its end, or until nobody takes it.
pub(super) fn to_descriptor(
    mut channel: &Channel,
    descriptor: BorrowedFd<'_>,
    until: Until<'_>,
) -> io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let n = channel.read(&mut buffer)?;
        let mut bytes = buffer.get(..n).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        while !bytes.is_empty() {
            if !until.wait(descriptor, PollFlags::OUT)? {
                return Ok(());
            }
            match rustix::io::write(descriptor, bytes) {
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
