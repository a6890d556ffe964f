//! How much of what has arrived is handled before others may run.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long this side handles what has arrived before it gives way to whoever waits for its processor.
const STRETCH: Duration = Duration::from_micros(100);
/// Bytes that are read at once at least, however slow they are to handle.
const LEAST: usize = 64 * 1024;
/// Whoever runs for longer when they are given way does work that has nothing to do with this stream.
const PATIENCE: Duration = Duration::from_micros(500);
/// They are not given way again for so many times as long, or a busy machine would leave this side next to nothing.
const GRUDGE: u32 = 32;

/// Divides a burst into stretches. On a machine with few processors, the sender may be who waits for this one, or the program
/// whose output it sends; and a burst that is long to decrypt would let them run dry.
pub(super) struct Stretch {
    /// Bytes that are read at once at most.
    room: usize,
    /// The last read, until its bytes are handled: how many they are, and when it was.
    read: Option<(usize, Instant)>,
    /// The room was filled, and more may be there.
    is_full: bool,
    /// Until then, nobody is given way.
    grudge: Option<Instant>,
}

impl Stretch {
    /// Of a stream of which nothing is known yet.
    pub(super) const fn new() -> Self {
        Self { room: usize::MAX, read: None, is_full: false, grudge: None }
    }

    /// The part of `space` to read into.
    pub(super) fn room<'a>(&self, space: &'a mut [u8]) -> &'a mut [u8] {
        let len = space.len().min(self.room);
        &mut space[..len]
    }

    /// As many bytes were read, where there was room for so many.
    pub(super) fn read(&mut self, bytes: usize, room: usize, now: Instant) {
        self.read = Some((bytes, now));
        self.is_full = bytes == room && room == self.room;
    }

    /// They are handled now.
    pub(super) fn handled(&mut self, now: Instant) {
        let Some((bytes, since)) = self.read.take().filter(|(bytes, _)| *bytes >= LEAST) else { return };
        let took = now.saturating_duration_since(since).as_nanos().max(1);
        let room = bytes as u128 * STRETCH.as_nanos() / took;
        self.room = usize::try_from(room).unwrap_or(usize::MAX).max(LEAST);
    }

    /// Lets others run, if there is more to handle in this burst.
    pub(super) fn give_way(&mut self) {
        if !self.is_full {
            return;
        }
        let before = Instant::now();
        if self.grudge.is_some_and(|until| before < until) {
            return;
        }
        thread::yield_now();
        self.bear_grudge(before, Instant::now());
    }

    fn bear_grudge(&mut self, before: Instant, now: Instant) {
        let took = now.saturating_duration_since(before);
        self.grudge = (took > PATIENCE).then(|| now + took.saturating_mul(GRUDGE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slow_to_handle_is_read_in_parts() {
        let (mut stretch, now, mut space) = (Stretch::new(), Instant::now(), vec![0; 4 * LEAST]);
        assert_eq!(stretch.room(&mut space).len(), 4 * LEAST);
        let mut handle = |bytes, took| {
            stretch.read(bytes, 4 * LEAST, now);
            stretch.handled(now + took);
            stretch.room(&mut space).len()
        };
        assert_eq!(handle(4 * LEAST, 2 * STRETCH), 2 * LEAST);
        assert_eq!(handle(2 * LEAST, STRETCH / 4), 4 * LEAST);
        assert_eq!(handle(LEAST, 3 * STRETCH), LEAST, "no smaller parts are worth it");
        assert_eq!(handle(LEAST - 1, STRETCH / 4), LEAST, "few bytes tell nothing");
    }

    #[test]
    fn a_burst_is_longer_than_the_part_that_was_read() {
        let (mut stretch, now) = (Stretch::new(), Instant::now());
        stretch.read(4 * LEAST, 4 * LEAST, now);
        assert!(!stretch.is_full, "the room was all there was");
        stretch.handled(now + 4 * STRETCH);
        stretch.read(LEAST, LEAST, now);
        assert!(stretch.is_full);
        stretch.read(LEAST - 1, LEAST, now);
        assert!(!stretch.is_full, "nothing more is there");
    }

    #[test]
    fn who_takes_long_is_not_given_way_again_soon() {
        let (mut stretch, now) = (Stretch::new(), Instant::now());
        stretch.bear_grudge(now, now + PATIENCE);
        assert_eq!(stretch.grudge, None);
        stretch.bear_grudge(now, now + 2 * PATIENCE);
        assert_eq!(stretch.grudge, Some(now + 2 * PATIENCE * (1 + GRUDGE)));
    }
}
