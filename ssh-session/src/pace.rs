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

/// The longest pause.
#[cfg(feature = "tokio")]
pub(crate) const LONGEST: Duration = STEP.saturating_mul(MAX_STEPS);

/// Tells who reads how long to let data gather. A sender that is no faster than this side would wake it for every packet,
/// which costs a third of a download's CPU; what comes in the meantime is read at once instead.
///
/// Where an answer may be what is waited for, it is not let gather: behind a read of little, and when this side has
/// written since. Nor is it where more is there already.
#[derive(Default)]
pub(crate) struct Pace {
    /// Reads in a row that tell of a flow, as far as they count.
    steps: u32,
    /// When the last read was, if it has emptied the stream.
    emptied: Option<Instant>,
}

impl Pace {
    /// As many bytes were read, where there was room for so many.
    pub(crate) fn count(&mut self, bytes: usize, room: usize) {
        self.steps = if bytes < FLOW { 0 } else { MAX_STEPS.min(self.steps + 1) };
        self.emptied = (bytes < room).then(Instant::now);
    }

    /// How long to pause before the next read, and until when; `None` if that is due now. Asked once a read.
    pub(crate) fn pause(&mut self, written: &Written) -> Option<(Duration, Instant)> {
        if written.0.swap(false, Ordering::Relaxed) {
            self.steps = 0;
        }
        let emptied = self.emptied.take()?;
        let pause = STEP * self.steps;
        (self.steps > 0).then_some((pause, emptied + pause))
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
    use super::{FLOW, MAX_STEPS, Pace, STEP, Written};
    use std::time::Instant;

    const ROOM: usize = 4 * FLOW;

    #[test]
    fn only_a_flow_is_let_gather() {
        let (mut pace, written) = (Pace::default(), Written::default());
        assert_eq!(pace.pause(&written), None, "nothing was read");
        pace.count(FLOW - 1, ROOM);
        assert_eq!(pace.pause(&written), None, "little was read");
        pace.count(ROOM, ROOM);
        assert_eq!(pace.pause(&written), None, "more may be there");
        pace.count(FLOW - 1, ROOM);

        let begin = Instant::now();
        pace.count(FLOW, ROOM);
        let (pause, until) = pace.pause(&written).unwrap();
        assert_eq!(pause, STEP);
        assert!((begin + STEP..=Instant::now() + STEP).contains(&until));
        assert_eq!(pace.pause(&written), None, "nothing was read since");
    }

    #[test]
    fn a_flow_that_lasts_is_read_less_often() {
        let (mut pace, written) = (Pace::default(), Written::default());
        for reads in 1..=2 * MAX_STEPS {
            pace.count(FLOW, ROOM);
            assert_eq!(pace.pause(&written).unwrap().0, STEP * reads.min(MAX_STEPS));
        }
        pace.count(1, ROOM);
        pace.count(FLOW, ROOM);
        assert_eq!(pace.pause(&written).unwrap().0, STEP, "it has ended in between");
    }

    #[test]
    fn an_answer_is_not_waited_for_longer() {
        let (mut pace, written) = (Pace::default(), Written::default());
        pace.count(FLOW, ROOM);
        written.set();
        assert_eq!(pace.pause(&written), None);
        pace.count(FLOW, ROOM);
        assert!(pace.pause(&written).is_some(), "what was written before the last read is known");
    }
}
