//! What ends the wait of a thread that reads or writes for itself.

#[cfg(unix)]
use crate::signal::Signal;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

#[cfg(unix)]
pub(crate) use wait::Woken;

/// Nobody waits for the socket.
const QUIET: u8 = 0;
/// A thread waits for the socket, or is about to.
const WAITING: u8 = 1;
/// Something has changed since a thread waited last.
const RUNG: u8 = 2;

/// Rung when something has changed that a thread may wait for which is waiting for the socket just then: only then does
/// it cost a system call.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: AtomicU8,
    woken: AtomicUsize,
    /// Tasks that are to be woken once nothing is locked.
    #[cfg(feature = "tokio")]
    pub(crate) due: crate::tasks::Due,
    #[cfg(unix)]
    signal: std::sync::OnceLock<Signal>,
}

impl Bell {
    /// Ends the wait of the thread that waits for the socket, or its next one.
    pub(crate) fn ring(&self) {
        if self.state.swap(RUNG, Ordering::SeqCst) == WAITING {
            #[cfg(unix)]
            if let Some(signal) = self.signal.get() {
                signal.set(true);
            }
        }
    }

    /// Counts threads that were woken because what they wait for has come.
    pub(crate) fn count_woken(&self, threads: usize) {
        self.woken.fetch_add(threads, Ordering::Relaxed);
    }

    /// The threads woken since this was called last.
    pub(crate) fn take_woken(&self) -> usize {
        self.woken.swap(0, Ordering::Relaxed)
    }
}

#[cfg(unix)]
mod wait {
    use super::{Bell, Ordering, QUIET, RUNG, Signal, WAITING};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::{io, os::fd::BorrowedFd, time::Instant};

    /// Why a wait is over.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Woken {
        /// The socket is ready.
        Ready,
        /// The bell has rung, or what was waited for is there.
        Rung,
        TimedOut,
    }

    impl Bell {
        /// Makes what a wait needs. This fails where the process has no descriptors left.
        pub(crate) fn prepare(&self) -> io::Result<&Signal> {
            match self.signal.get() {
                Some(signal) => Ok(signal),
                None => {
                    let signal = Signal::new()?;
                    Ok(self.signal.get_or_init(|| signal))
                }
            }
        }

        /// Waits until the socket is ready for what `flags` say, the bell rings or `deadline` has come. `is_over` is
        /// asked once a ring would be heard.
        pub(crate) fn wait(
            &self,
            socket: BorrowedFd<'_>,
            flags: PollFlags,
            deadline: Option<Instant>,
            is_over: impl FnOnce() -> bool,
        ) -> io::Result<Woken> {
            let signal = self.prepare()?;
            if self.state.swap(WAITING, Ordering::SeqCst) == RUNG || is_over() {
                // What was rung before is known to who asks again.
                self.state.store(QUIET, Ordering::SeqCst);
                return Ok(Woken::Rung);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // A time too long to be told is as good as none.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut descriptors =
                [PollFd::from_borrowed_fd(socket, flags), PollFd::new(signal, PollFlags::IN)];
            let polled = poll(&mut descriptors, left.as_ref());
            self.state.store(QUIET, Ordering::SeqCst);
            let [is_ready, is_rung] = descriptors.map(|descriptor| !descriptor.revents().is_empty());
            match polled {
                Ok(0) => Ok(Woken::TimedOut),
                Ok(_) => {
                    // Whoever rings may be late with it: it is cleared where it is seen, and may end another wait in vain.
                    if is_rung {
                        signal.set(false);
                    }
                    Ok(if is_ready { Woken::Ready } else { Woken::Rung })
                }
                Err(rustix::io::Errno::INTR) => Ok(Woken::Rung),
                Err(error) => Err(error.into()),
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::event::PollFlags;
    use std::{
        os::{fd::AsFd, unix::net::UnixStream},
        time::{Duration, Instant},
    };

    #[test]
    fn a_ring_that_comes_late_ends_one_wait_in_vain() {
        let (bell, (socket, _peer)) = (Bell::default(), UnixStream::pair().unwrap());
        let wait = |is_over| {
            let deadline = Some(Instant::now() + Duration::from_millis(10));
            bell.wait(socket.as_fd(), PollFlags::IN, deadline, || is_over).unwrap()
        };
        assert_eq!(wait(true), Woken::Rung);
        // By a thread that has seen somebody wait, who has left since.
        bell.signal.get().unwrap().set(true);
        assert_eq!(wait(false), Woken::Rung);
        assert_eq!(wait(false), Woken::TimedOut);
    }
}
