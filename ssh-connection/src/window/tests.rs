use super::*;
use std::collections::VecDeque;

const MIB: u32 = 1 << 20;

/// A path with a peer that always has data, and a reader, on a clock moved by hand.
struct Path {
    window: ReceiveWindow,
    round_trip: RoundTrip,
    now: Instant,
    delay: Duration,
    /// What the peer may send, and since when.
    peer: VecDeque<(Instant, u32)>,
    /// What arrives when.
    flight: VecDeque<(Instant, u32)>,
    line_free: Instant,
}

const TICK: Duration = Duration::from_millis(1);
const PACKET: u32 = 32 * 1024;

impl Path {
    fn new(size: u32, round_trip: Duration) -> Self {
        let now = Instant::now();
        Self {
            window: ReceiveWindow::new(size),
            round_trip: RoundTrip::default(),
            now,
            delay: round_trip / 2,
            peer: [(now, size)].into(),
            flight: VecDeque::new(),
            line_free: now,
        }
    }

    /// Runs for `time`: the line carries `line` bytes a second, the reader takes `reader` bytes a second at most and
    /// the window may grow up to `ceiling`. Answers the bytes read.
    fn run(&mut self, time: Duration, line: f64, reader: f64, ceiling: u32) -> u64 {
        let (end, mut read, mut may_read) = (self.now + time, 0, 0.0);
        while self.now < end {
            self.now += TICK;
            while let Some((at, bytes)) = self.peer.front_mut()
                && *at <= self.now
            {
                let packet = (*bytes).min(PACKET);
                self.line_free = self.line_free.max(*at) + Duration::from_secs_f64(f64::from(packet) / line);
                self.flight.push_back((self.line_free + self.delay, packet));
                *bytes -= packet;
                if *bytes == 0 {
                    self.peer.pop_front();
                }
            }
            while let Some(&(at, bytes)) = self.flight.front()
                && at <= self.now
            {
                self.flight.pop_front();
                self.window.receive(bytes as usize, self.now, &mut self.round_trip).unwrap();
            }
            may_read =
                (may_read + reader * TICK.as_secs_f64()).min(reader * TICK.as_secs_f64() + f64::from(PACKET));
            while self.window.unread() > 0 && may_read >= f64::from(self.window.unread().min(PACKET)) {
                let bytes = self.window.unread().min(PACKET);
                may_read -= f64::from(bytes);
                read += u64::from(bytes);
                if self.window.read(bytes as usize, self.now, self.round_trip) {
                    let size = self.window.size();
                    self.window.grow(size.min(ceiling - size));
                }
                if self.window.is_due() {
                    let credit = self.window.give_back(Some(self.now));
                    self.peer.push_back((self.now + self.delay, credit));
                }
            }
        }
        read
    }
}

const FAST: f64 = 1e10;

#[test]
fn on_a_long_fat_path_the_window_grows_to_its_ceiling() {
    let mut path = Path::new(2 * MIB, Duration::from_millis(100));
    let first = path.run(Duration::from_secs(2), FAST, FAST, 64 * MIB);
    assert_eq!(path.window.size(), 64 * MIB);
    let second = path.run(Duration::from_secs(2), FAST, FAST, 64 * MIB);
    // 20 round trips of at least three quarters of the window; a fixed one would have moved 2 MiB each.
    assert!(second >= 20 * 48 * u64::from(MIB), "{first} then {second}");
}

#[test]
fn the_window_stops_where_the_path_is_full() {
    // 50 MB/s over 100 ms are 5 MB on their way.
    let mut path = Path::new(2 * MIB, Duration::from_millis(100));
    path.run(Duration::from_secs(30), 5e7, FAST, 1024 * MIB);
    assert!((8 * MIB..=32 * MIB).contains(&path.window.size()), "{}", path.window.size());
    let read = path.run(Duration::from_secs(10), 5e7, FAST, 1024 * MIB);
    assert!(read as f64 > 0.98 * 5e8, "{read}");
}

#[test]
fn a_slow_reader_does_not_grow_the_window() {
    // The last takes more than half of a window per round trip, but always has a part of one waiting.
    for reader in [1e5, 1e6, 5e6, 1.15e7] {
        let mut path = Path::new(2 * MIB, Duration::from_millis(100));
        path.run(Duration::from_secs(30), FAST, reader, 1024 * MIB);
        assert_eq!(path.window.size(), 2 * MIB, "{reader} bytes a second");
    }
}

#[test]
fn on_a_short_path_the_window_stays_small() {
    let mut path = Path::new(2 * MIB, Duration::from_micros(100));
    path.run(Duration::from_secs(10), 6e8, FAST, 1024 * MIB);
    assert!(path.window.size() <= 8 * MIB, "{}", path.window.size());
}

#[test]
fn a_reader_that_stops_costs_one_window() {
    let mut path = Path::new(2 * MIB, Duration::from_millis(100));
    path.run(Duration::from_secs(1), FAST, FAST, 16 * MIB);
    let size = path.window.size();
    path.run(Duration::from_secs(5), FAST, 0.0, 16 * MIB);
    assert_eq!(path.window.size(), size);
    assert_eq!(path.window.left(), 0);
    assert_eq!(path.window.unread() + path.window.owed(), size);
}

#[test]
fn a_clock_that_stands_still_gives_no_round_trip() {
    let (now, mut round_trip) = (Instant::now(), RoundTrip::default());
    round_trip.sample(Some(now), now);
    round_trip.sample(Some(now + TICK), now);
    round_trip.sample(None, now);
    assert_eq!(round_trip.shortest(), None);
    round_trip.sample(Some(now), now + TICK);
    round_trip.sample(Some(now), now + 2 * TICK);
    assert_eq!(round_trip.shortest(), Some(TICK));
    round_trip.sample(Some(now), now + Duration::from_nanos(1));
    assert_eq!(round_trip.shortest(), Some(SHORTEST));
}

#[test]
fn a_window_of_one_byte_comes_back_byte_by_byte() {
    let (now, mut round_trip) = (Instant::now(), RoundTrip::default());
    let mut window = ReceiveWindow::new(1);
    for _ in 0..10 {
        assert_eq!(window.receive(2, now, &mut round_trip), None);
        window.receive(1, now, &mut round_trip).unwrap();
        assert_eq!(window.receive(1, now, &mut round_trip), None);
        assert!(!window.is_due());
        assert!(!window.read(1, now, round_trip));
        assert!(window.is_due());
        assert_eq!(window.give_back(Some(now)), 1);
    }
}

#[test]
fn reading_more_than_was_received_earns_nothing() {
    let (now, mut round_trip) = (Instant::now(), RoundTrip::default());
    let mut window = ReceiveWindow::new(100);
    window.receive(60, now, &mut round_trip).unwrap();
    window.read(usize::MAX, now, round_trip);
    assert_eq!(window.give_back(Some(now)), 60);
    window.read(1, now, round_trip);
    assert_eq!(window.owed(), 0);
    assert_eq!(window.left(), 100);
}

#[test]
fn the_largest_window_does_not_overflow() {
    let (now, mut round_trip) = (Instant::now(), RoundTrip::default());
    let mut window = ReceiveWindow::new(u32::MAX);
    assert_eq!(window.receive(usize::MAX, now, &mut round_trip), None);
    window.receive(u32::MAX as usize, now, &mut round_trip).unwrap();
    window.read(usize::MAX, now, round_trip);
    assert_eq!(window.give_back(None), u32::MAX);
    window.grow(u32::MAX);
    assert_eq!(window.size(), u32::MAX);

    let mut send = SendWindow::new(u32::MAX, u32::MAX);
    assert_eq!(send.grant(0), Some(()));
    assert_eq!(send.grant(1), None);
    send.sent(1);
    assert_eq!(send.grant(1), Some(()));
}
