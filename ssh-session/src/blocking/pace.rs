//! How often a stream in full flow is read.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Between two reads of a stream in full flow. A sender that is no faster than this side sends a packet, wakes this side,
/// and so on: half of the time would go into waking. What comes in this time is read at once instead.
const BETWEEN: Duration = Duration::from_micros(100);
/// A read of as many bytes tells of a flow.
const FLOW: usize = 16 * 1024;

/// Tells who reads how long to let data gather. Where an answer may be what is waited for, it is not let gather: behind a
/// read of little, and when this side has written since.
#[derive(Default)]
pub(super) struct Pace {
    /// The last read, if it tells of a flow.
    flowed: Option<Instant>,
}

impl Pace {
    /// As many bytes were read.
    pub(super) fn count(&mut self, bytes: usize) {
        self.flowed = (bytes >= FLOW).then(Instant::now);
    }

    /// Sleeps until it is time for the next read.
    pub(super) fn keep(&mut self, written: &Written, deadline: Option<Instant>) {
        let has_written = written.0.swap(false, Ordering::Relaxed);
        let Some(flowed) = self.flowed.take().filter(|_| !has_written) else { return };
        let next = flowed + BETWEEN;
        if deadline.is_none_or(|deadline| next < deadline) {
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

/// Whether a caller has written since it was looked at last.
#[derive(Default)]
pub(super) struct Written(AtomicBool);

impl Written {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
