//! How often a stream in full flow is read.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// A read of as many bytes tells of a flow.
const FLOW: usize = 16 * 1024;
/// The pause after the first such read, by which it grows with each further one.
const STEP: Duration = Duration::from_micros(100);
/// How many steps the longest pause has.
const MAX_STEPS: u32 = 5;
/// So many bytes are let gather at most. Of more, the sender would soon have to wait until they are read.
const GATHER: u32 = 512 * 1024;
/// Where they come in less time, there is hardly a moment in which nothing is there.
const SHORTEST: Duration = Duration::from_micros(200);

/// Tells who reads how long to let data gather. A sender that is no faster than this side would wake it for every packet,
/// which costs a third of a download's CPU; what comes in the meantime is read at once instead.
///
/// Where an answer may be what is waited for, it is not let gather: behind a read of little, and when this side has
/// written since. Nor is it where more is there already, or will be soon.
#[derive(Default)]
pub(crate) struct Pace {
    /// Reads in a row that tell of a flow, as far as they count.
    steps: u32,
    /// When the last read was, if it has emptied the stream.
    emptied: Option<Instant>,
    /// When the stream was last emptied.
    since: Option<Instant>,
    /// Bytes read since.
    read: u32,
    /// How long [`GATHER`] bytes took to come before that.
    filling: Option<Duration>,
}

impl Pace {
    /// As many bytes were read now, where there was room for so many.
    pub(crate) fn count(&mut self, bytes: usize, room: usize, now: Instant) {
        self.steps = if bytes < FLOW { 0 } else { MAX_STEPS.min(self.steps + 1) };
        self.read = self.read.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.emptied = (bytes < room).then_some(now);
        if bytes < room {
            let since = self.since.replace(now);
            self.filling = since.and_then(|since| ((now - since) * GATHER).checked_div(self.read));
            self.read = 0;
        }
    }

    /// How long to pause before the next read, and until when; `None` if that is due now. Asked once a read.
    pub(crate) fn pause(&mut self, written: &Written) -> Option<(Duration, Instant)> {
        if written.0.swap(false, Ordering::Relaxed) {
            self.steps = 0;
        }
        let emptied = self.emptied.take()?;
        let filling = self.filling.unwrap_or(Duration::MAX);
        let pause = filling.min(STEP * self.steps);
        (self.steps > 0 && filling >= SHORTEST).then_some((pause, emptied + pause))
    }

    /// Whether the flow has lasted for as long as pauses grow.
    #[cfg(feature = "tokio")]
    pub(crate) fn lasts(&self) -> bool {
        self.steps == MAX_STEPS
    }
}

/// Whether a caller has written since it was looked at last.
#[derive(Default)]
pub(crate) struct Written(AtomicBool);

impl Written {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{FLOW, GATHER, MAX_STEPS, Pace, SHORTEST, STEP, Written};
    use std::time::{Duration, Instant};

    const ROOM: usize = 4 * FLOW;

    /// Time enough for a read of [`FLOW`] bytes to tell of no haste.
    const SLOWLY: Duration = Duration::from_millis(1);

    #[test]
    fn only_a_flow_is_let_gather() {
        let (mut pace, written, now) = (Pace::default(), Written::default(), Instant::now());
        assert_eq!(pace.pause(&written), None, "nothing was read");
        pace.count(FLOW - 1, ROOM, now);
        assert_eq!(pace.pause(&written), None, "little was read");
        pace.count(ROOM, ROOM, now + SLOWLY);
        assert_eq!(pace.pause(&written), None, "more may be there");
        pace.count(FLOW - 1, ROOM, now + 2 * SLOWLY);

        let now = now + 3 * SLOWLY;
        pace.count(FLOW, ROOM, now);
        assert_eq!(pace.pause(&written), Some((STEP, now + STEP)));
        assert_eq!(pace.pause(&written), None, "nothing was read since");
    }

    #[test]
    fn a_flow_that_lasts_is_read_less_often() {
        let (mut pace, written, mut now) = (Pace::default(), Written::default(), Instant::now());
        for reads in 1..=2 * MAX_STEPS {
            now += SLOWLY;
            pace.count(FLOW, ROOM, now);
            assert_eq!(pace.pause(&written).unwrap().0, STEP * reads.min(MAX_STEPS));
        }
        pace.count(1, ROOM, now + SLOWLY);
        pace.count(FLOW, ROOM, now + 2 * SLOWLY);
        assert_eq!(pace.pause(&written).unwrap().0, STEP, "it has ended in between");
    }

    #[test]
    fn no_more_is_let_gather_than_finds_room() {
        const LONGEST: Duration = STEP.saturating_mul(MAX_STEPS);
        let (mut pace, written, mut now) = (Pace::default(), Written::default(), Instant::now());
        // Reads what has come since the read before, so fast.
        let mut read = |gathered_in: Duration| {
            now += gathered_in * (ROOM as u32 - 1) / GATHER;
            pace.count(ROOM - 1, ROOM, now);
            pace.pause(&written).map(|(pause, _)| pause)
        };
        for reads in 1..=MAX_STEPS {
            assert_eq!(read(2 * LONGEST), Some(STEP * reads));
        }
        let pause = read(LONGEST / 2).unwrap();
        assert!(pause.abs_diff(LONGEST / 2) < Duration::from_micros(1), "{pause:?}");
        assert_eq!(read(SHORTEST / 2), None);
        assert_eq!(read(2 * LONGEST), Some(LONGEST));
    }

    #[test]
    fn an_answer_is_not_waited_for_longer() {
        let (mut pace, written, now) = (Pace::default(), Written::default(), Instant::now());
        pace.count(FLOW, ROOM, now);
        written.set();
        assert_eq!(pace.pause(&written), None);
        pace.count(FLOW, ROOM, now + SLOWLY);
        assert!(pace.pause(&written).is_some(), "what was written before the last read is known");
    }
}
