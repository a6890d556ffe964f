//! Windows (RFC 4254 §5.2): what either side may send.
//!
//! The window that we grant decides how fast a peer can be at the most: one window per round trip. A window that fits
//! a local network starves a long fat path, and one that fits the path lets every slow reader cost that much memory.
//! So a receive window starts small and follows what its reader takes:
//!
//! - **The round-trip time** of the session is the shortest of all samples, which are taken from what happens anyway:
//!   a channel or a request until its answer, and a WINDOW_ADJUST until the first byte that could not have been sent
//!   without it. Each is an upper bound: a peer may have been slow, or had window left. So the shortest is the best.
//! - **What the reader took per round trip** is measured over periods of one round trip at least. If that is more
//!   than half of the window, then the window may be what holds the peer back, and it doubles. Otherwise the window
//!   is twice what the path and the reader use, and stays.
//! - **A reader that does not keep up** takes little per round trip, or is never done with what has arrived; its
//!   window stays. Nor does a window double twice for one reason: until the peer knows of a doubling, what is read per
//!   round trip is one old window at the most, which is half of the new one.
//! - **Ceilings**, for each channel and for the session, are in [`Config`](crate::Config). A window takes half of what
//!   the session has left at the most, so that something stays for the next one. Windows do not shrink, for what was
//!   granted cannot be taken back; what a closed channel had is free for others.
//!
//! From 2 MiB to 32 MiB are four doublings, eight round trips. Credit that a reader has earned goes back in quarters of
//! a window: an adjust for each read would cost more than it gives, and a quarter that is missing stops nobody.

use std::time::{Duration, Instant};

/// Credit goes back when this part of the window is owed.
const CREDIT_PART: u32 = 4;
/// The reader is done with what has arrived if less than this part of the window waits for it.
const BACKLOG_PART: u32 = 8;
/// Round trips shorter than this are not told apart.
const SHORTEST: Duration = Duration::from_micros(50);

/// The shortest round trip seen in the session, if any was.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RoundTrip(Option<Duration>);

impl RoundTrip {
    /// Something sent at `sent`, if that is known, has its answer `now`.
    pub(crate) fn sample(&mut self, sent: Option<Instant>, now: Instant) {
        // A clock that stands still, or that threads have read out of turn, tells nothing.
        if let Some(sent) = sent
            && now > sent
        {
            let sample = now.duration_since(sent).max(SHORTEST);
            self.0 = Some(self.0.map_or(sample, |shortest| shortest.min(sample)));
        }
    }

    pub(crate) fn shortest(self) -> Option<Duration> {
        self.0
    }
}

/// What the peer lets us send.
#[derive(Debug, Clone)]
pub(crate) struct SendWindow {
    left: u32,
    max_packet: u32,
}

impl SendWindow {
    pub(crate) fn new(left: u32, max_packet: u32) -> Self {
        Self { left, max_packet }
    }

    /// Bytes that may be sent, in as many messages as it takes.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// Bytes that the next message may carry.
    pub(crate) fn room(&self) -> usize {
        self.left.min(self.max_packet) as usize
    }

    /// `bytes`, at most [`SendWindow::room`], were sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u32);
    }

    /// The peer allows `bytes` more; `None` if that is more than a window can be.
    pub(crate) fn grant(&mut self, bytes: u32) -> Option<()> {
        self.left = self.left.checked_add(bytes)?;
        Some(())
    }
}

/// What we let the peer send.
///
/// ```text
///  |<------------------- size ------------------->|
///  | unread | owed: read, but not yet given back  | left: the peer may send |
/// ```
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    size: u32,
    left: u32,
    unread: u32,
    probe: Option<Probe>,
    period: Option<Period>,
}

/// An adjust that waits for the first byte that could not have been sent without it.
#[derive(Debug)]
struct Probe {
    sent: Instant,
    /// Bytes that the peer could send before.
    before: u32,
}

/// What was read since `start`.
#[derive(Debug)]
struct Period {
    start: Instant,
    read: u64,
    /// Whether the reader was done with what had arrived at least once.
    caught_up: bool,
}

impl ReceiveWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self { size, left: size, unread: 0, probe: None, period: None }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// Bytes that were received and not read yet.
    pub(crate) fn unread(&self) -> u32 {
        self.unread
    }

    /// The peer sent `bytes`; `None` if that is more than it may.
    pub(crate) fn receive(&mut self, bytes: usize, now: Instant, round_trip: &mut RoundTrip) -> Option<()> {
        let bytes = u32::try_from(bytes).ok()?;
        self.left = self.left.checked_sub(bytes)?;
        self.unread += bytes;
        if let Some(probe) = &mut self.probe {
            match probe.before.checked_sub(bytes) {
                Some(before) => probe.before = before,
                None => {
                    round_trip.sample(Some(probe.sent), now);
                    self.probe = None;
                }
            }
        }
        Some(())
    }

    /// The user read `bytes` of what had been received. Answers whether the window would better be doubled.
    pub(crate) fn read(&mut self, bytes: usize, now: Instant, round_trip: RoundTrip) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.unread);
        self.unread -= bytes;
        let caught_up = self.unread <= self.size / BACKLOG_PART;
        let Some(period) = &mut self.period else {
            self.period = Some(Period { start: now, read: 0, caught_up });
            return false;
        };
        period.read += u64::from(bytes);
        period.caught_up |= caught_up;

        let elapsed = now.saturating_duration_since(period.start);
        let Some(round_trip) = round_trip.shortest().filter(|&shortest| elapsed >= shortest) else {
            return false;
        };
        let per_round_trip = u128::from(period.read) * round_trip.as_nanos() / elapsed.as_nanos().max(1);
        let held_back = per_round_trip > u128::from(self.size / 2);
        let grow = held_back && period.caught_up;
        self.period = Some(Period { start: now, read: 0, caught_up });
        grow
    }

    /// Makes the window larger by `bytes`.
    pub(crate) fn grow(&mut self, bytes: u32) {
        self.size = self.size.saturating_add(bytes);
    }

    /// Whether enough is owed for an adjust.
    pub(crate) fn is_due(&self) -> bool {
        self.owed() >= (self.size / CREDIT_PART).max(1)
    }

    /// Gives back all that is owed: the number of an adjust that is sent `now`.
    pub(crate) fn give_back(&mut self, now: Option<Instant>) -> u32 {
        let owed = self.owed();
        if self.probe.is_none() {
            self.probe = now.map(|sent| Probe { sent, before: self.left });
        }
        self.left += owed;
        owed
    }

    fn owed(&self) -> u32 {
        self.size - self.left - self.unread
    }
}

#[cfg(test)]
mod tests;
