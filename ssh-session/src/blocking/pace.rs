//! How often a stream in full flow is read.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Between two reads of a stream in full flow. A sender that is no faster than this side would wake it for every packet,
/// which costs about a fifth of a download's CPU. What comes in this time is read at once instead.
const BETWEEN: Duration = Duration::from_micros(100);
/// A read of as many bytes tells of a flow.
const FLOW: usize = 16 * 1024;

/// Tells who reads how long to let data gather. Where an answer may be what is waited for, it is not let gather: behind a
/// read of little, and when this side has written since. Nor is it where more is there already.
#[derive(Default)]
pub(super) struct Pace {
    /// The last read, if it tells of a flow.
    flowed: Option<Instant>,
}

impl Pace {
    /// As many bytes were read, where there was room for so many.
    pub(super) fn count(&mut self, bytes: usize, room: usize) {
        self.flowed = (FLOW..room).contains(&bytes).then(Instant::now);
    }

    /// Sleeps until it is time for the next read.
    pub(super) fn keep(&mut self, written: &Written, deadline: Option<Instant>) {
        if let Some(next) = self.next(written, deadline) {
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    /// When it is time for the next read, unless that is now.
    fn next(&mut self, written: &Written, deadline: Option<Instant>) -> Option<Instant> {
        let has_written = written.0.swap(false, Ordering::Relaxed);
        let next = self.flowed.take().filter(|_| !has_written)? + BETWEEN;
        deadline.is_none_or(|deadline| next < deadline).then_some(next)
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

#[cfg(test)]
mod tests {
    use super::{BETWEEN, FLOW, Pace, Written};
    use std::time::Instant;

    const ROOM: usize = 4 * FLOW;

    #[test]
    fn only_a_flow_is_let_gather() {
        let (mut pace, written) = (Pace::default(), Written::default());
        assert_eq!(pace.next(&written, None), None, "nothing was read");
        pace.count(FLOW - 1, ROOM);
        assert_eq!(pace.next(&written, None), None, "little was read");
        pace.count(ROOM, ROOM);
        assert_eq!(pace.next(&written, None), None, "more may be there");

        let begin = Instant::now();
        pace.count(FLOW, ROOM);
        let next = pace.next(&written, None).unwrap();
        assert!((begin + BETWEEN..=Instant::now() + BETWEEN).contains(&next));
        assert_eq!(pace.next(&written, None), None, "nothing was read since");
    }

    #[test]
    fn an_answer_is_not_waited_for_longer() {
        let (mut pace, written) = (Pace::default(), Written::default());
        pace.count(FLOW, ROOM);
        written.set();
        assert_eq!(pace.next(&written, None), None);
        pace.count(FLOW, ROOM);
        assert!(pace.next(&written, None).is_some(), "what was written before the last read is known");
    }

    #[test]
    fn a_deadline_is_kept() {
        let (mut pace, written) = (Pace::default(), Written::default());
        let begin = Instant::now();
        pace.count(FLOW, ROOM);
        assert_eq!(pace.next(&written, Some(begin)), None);
        pace.count(FLOW, ROOM);
        assert!(pace.next(&written, Some(Instant::now() + 2 * BETWEEN)).is_some());
    }
}
