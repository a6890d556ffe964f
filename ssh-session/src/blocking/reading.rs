//! From the socket to the engines: whoever waits for something reads it.
//!
//! One thread at a time *leads*: it reads, decrypts and hands out what has arrived, for everybody. A caller that waits
//! for something leads if nobody else waits; then what it waits for goes from the socket to it without a thread being
//! woken on the way. Where several wait, the session's reading thread leads, and they follow. That thread also takes over
//! when nobody has led for a moment: the peer's questions have to be answered while the caller is busy, and somebody may
//! want to be told without waiting.

use super::{
    driver::{EndOnPanic, Shared, TimedOut},
    stretch::Stretch,
};
#[cfg(unix)]
use crate::bell::Woken;
use crate::{
    Error,
    core::Core,
    pace::{Pace, Written},
};
#[cfg(unix)]
use rustix::event::PollFlags;
use ssh_kex::{Received, Receiver};
use std::{
    io::{self, Read},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long nobody has to have led until the reading thread does.
const MOMENT: Duration = Duration::from_millis(5);
/// The same where somebody is told without waiting, who learns of news as much later as this at most.
const MOMENT_WATCHED: Duration = Duration::from_millis(1);
/// Reads with which a caller goes on when its time is over: what it waits for may be among what is there. A peer that sends
/// without a pause could hold it for ever.
const MAX_OVERTIME: u32 = 16;

/// What the reading thread does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    Awake,
    /// It sleeps for a moment, and then looks whether anybody leads.
    Dozes,
    /// It sleeps until it is woken.
    Sleeps,
}

/// The stream's reading half, and whose turn it is.
pub(super) struct Reading {
    turn: Mutex<Turn>,
    changed: Condvar,
    half: Mutex<Half>,
    can_lead: bool,
    /// Output that whoever leads has to send before they wait for the peer.
    holds_output: AtomicBool,
    pub(super) written: Written,
}

/// Who reads.
#[derive(Default)]
struct Turn {
    /// A thread leads.
    taken: bool,
    /// Nothing more is read.
    ended: bool,
    /// The reading thread closes the session.
    closes: bool,
    /// Those who wait while the reading thread leads.
    followers: usize,
    /// Those who are told without waiting: somebody has to lead all the time, but for a moment.
    watchers: usize,
    /// How often a caller has led.
    led: u64,
    reader: Reader,
    /// What follows can't be opened yet: only the reading thread may wait for that.
    awaits_keys: bool,
}

struct Half {
    reader: Box<dyn Read + Send>,
    receiver: Receiver,
    batch: Vec<Received>,
    /// The last read has taken all there was.
    drained: bool,
    pace: Pace,
    stretch: Stretch,
}

/// How far the handling of what has arrived went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    All,
    /// The rest is sealed with keys that wait for a decision.
    AwaitsKeys,
}

impl Reading {
    pub(super) fn new(reader: Box<dyn Read + Send>, can_lead: bool, receiver: Receiver) -> Self {
        Self {
            turn: Mutex::default(),
            changed: Condvar::new(),
            can_lead: cfg!(unix) && can_lead,
            holds_output: AtomicBool::new(false),
            half: Mutex::new(Half {
                reader,
                receiver,
                batch: Vec::new(),
                drained: true,
                pace: Pace::default(),
                stretch: Stretch::new(),
            }),
            written: Written::default(),
        }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the reading thread leads, until [`Reading::unfollow`].
    pub(super) fn follow(&self) {
        let mut turn = self.turn();
        turn.followers += 1;
        self.wake_reader(&turn);
    }

    pub(super) fn unfollow(&self) {
        self.turn().followers -= 1;
    }

    /// From here on somebody always leads, until [`Reading::unwatch`].
    pub(super) fn watch(&self) {
        let mut turn = self.turn();
        turn.watchers += 1;
        if turn.reader != Reader::Awake {
            self.changed.notify_one();
        }
    }

    pub(super) fn unwatch(&self) {
        self.turn().watchers -= 1;
    }

    /// Ends the turns of all.
    pub(super) fn end(&self) {
        let mut turn = self.turn();
        turn.ended = true;
        self.wake_reader(&turn);
    }

    /// The same; the reading thread closes the session, which may take as long as the peer likes to read.
    fn end_and_close(&self) {
        self.turn().closes = true;
        self.end();
    }

    /// Lets the reading thread look whether it is its turn. Waking costs a system call, so it is not done where it will
    /// look soon enough by itself.
    fn wake_reader(&self, turn: &Turn) {
        let wakes = match turn.reader {
            Reader::Awake => false,
            Reader::Dozes => !turn.taken && self.is_needed(turn) || turn.ended,
            Reader::Sleeps => !turn.taken || turn.ended,
        };
        if wakes {
            self.changed.notify_one();
        }
    }

    /// Whether the reading thread has to lead.
    fn is_needed(&self, turn: &Turn) -> bool {
        !self.can_lead || turn.followers > 0 || turn.awaits_keys
    }

    /// Takes the lead for the reading thread, once it is its turn; `false` when nothing more is read.
    fn await_turn(&self) -> bool {
        let mut turn = self.turn();
        // Whether nobody has begun to lead in the last moment.
        let mut is_quiet = false;
        loop {
            if turn.ended {
                return false;
            }
            if !turn.taken && (is_quiet || self.is_needed(&turn)) {
                turn.taken = true;
                return true;
            }
            if turn.taken && is_quiet {
                turn.reader = Reader::Sleeps;
                turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
                is_quiet = false;
            } else {
                turn.reader = Reader::Dozes;
                let led = turn.led;
                let moment = if turn.watchers > 0 { MOMENT_WATCHED } else { MOMENT };
                let dozed = self.changed.wait_timeout(turn, moment).unwrap_or_else(PoisonError::into_inner);
                turn = dozed.0;
                is_quiet = dozed.1.timed_out() && turn.led == led;
            }
            turn.reader = Reader::Awake;
        }
    }

    /// Takes the lead for a caller, if nobody else leads or needs the reading thread to. One that only looks what is
    /// there would leave those waiting who are told.
    fn try_lead(&self, deadline: Option<Instant>) -> bool {
        let mut turn = self.turn();
        let only_looks = turn.watchers > 0 && deadline.is_some_and(|deadline| deadline <= Instant::now());
        let leads = !turn.taken && !turn.ended && !only_looks && !self.is_needed(&turn);
        if leads {
            turn.taken = true;
            turn.led += 1;
        }
        leads
    }

    fn release(&self) {
        let mut turn = self.turn();
        turn.taken = false;
        self.wake_reader(&turn);
    }

    /// Whether all who wait were woken just now, so that the next to wait may lead.
    fn may_step_back(&self, woken: usize) -> bool {
        let turn = self.turn();
        self.can_lead && woken > 0 && turn.followers <= woken
    }
}

/// A caller that leads; it ceases to when this is dropped.
struct Lead<'a>(&'a Shared);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.0.reading.release();
    }
}

/// Somebody who waits while another thread leads.
pub(super) struct Follower<'a>(&'a Reading);

impl<'a> Follower<'a> {
    pub(super) fn new(reading: &'a Reading) -> Self {
        reading.follow();
        Self(reading)
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        self.0.unfollow();
    }
}

/// Something that the peer's messages bring.
pub(super) trait Awaited {
    /// Whether it is there; once it is, this is not asked again. If it is not, then this is asked after each batch that
    /// this thread reads, or it [parks](Awaited::park) or [leaves](Awaited::leave).
    fn is_ready(&mut self) -> bool;

    /// It is not waited for any longer.
    fn leave(&mut self) {}

    /// Sleeps until it is there, while another thread leads. To look and to fall asleep must be one, under the lock
    /// under which it comes.
    fn park(&mut self, deadline: Option<Instant>) -> Result<(), TimedOut>;
}

impl Shared {
    /// Sends what is due before the next wait for the peer, with what the session's owner may add until then. When the
    /// owner does nothing, the reading thread is the next to wait, in a moment.
    pub(super) fn send_soon(&self, mut core: MutexGuard<'_, Core>) {
        core.engine.flush();
        let turn = self.reading.turn();
        if self.reading.can_lead && !turn.taken && !turn.ended {
            self.reading.holds_output.store(true, Ordering::Relaxed);
        } else {
            // Who leads may wait already.
            drop(turn);
            self.send(core);
        }
    }

    /// To be called before a wait for the peer.
    fn send_held(&self) {
        if self.reading.holds_output.load(Ordering::Relaxed) {
            self.reading.holds_output.store(false, Ordering::Relaxed);
            self.send(self.lock());
        }
    }

    /// Waits for something that the peer's messages bring, until `deadline`.
    pub(super) fn await_input(
        &self,
        deadline: Option<Instant>,
        awaited: &mut dyn Awaited,
    ) -> Result<(), TimedOut> {
        if awaited.is_ready() {
            return Ok(());
        }
        if self.reading.try_lead(deadline) {
            let lead = Lead(self);
            let _end = EndOnPanic(self);
            let led = self.lead(deadline, awaited);
            drop(lead);
            if let Some(result) = led {
                if result.is_err() {
                    awaited.leave();
                }
                return result;
            }
        }
        let _follower = Follower::new(&self.reading);
        awaited.park(deadline)
    }

    /// Reads until what is waited for is there, or time is up. `None` if this thread can't go on reading.
    fn lead(&self, deadline: Option<Instant>, awaited: &mut dyn Awaited) -> Option<Result<(), TimedOut>> {
        let mut half = self.reading.half.lock().unwrap_or_else(PoisonError::into_inner);
        let mut overtime = 0;
        loop {
            match self.step(&mut half, deadline, awaited) {
                // The keys wait for what this thread, too, may have waited for.
                Ok(Step::Read | Step::AwaitsKeys) if awaited.is_ready() => return Some(Ok(())),
                // Where more is always there, the clock is not asked by waiting.
                Ok(Step::Read) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                    overtime += 1;
                    if overtime > MAX_OVERTIME {
                        return Some(Err(TimedOut));
                    }
                }
                Ok(Step::Read) => {}
                Ok(Step::Ready) => return Some(Ok(())),
                Ok(Step::TimedOut) => return Some(Err(TimedOut)),
                Ok(Step::AwaitsKeys) => {
                    self.reading.turn().awaits_keys = true;
                    return None;
                }
                // Who waits learns of it as everybody does.
                Err(End::Broken(error)) => {
                    self.fail(self.lock(), error);
                    self.reading.end_and_close();
                    return None;
                }
                Err(end) => {
                    self.end(end);
                    return None;
                }
            }
        }
    }

    /// Reads once, waiting for the socket if nothing is there.
    #[cfg(unix)]
    fn step(
        &self,
        half: &mut Half,
        deadline: Option<Instant>,
        awaited: &mut dyn Awaited,
    ) -> Result<Step, End> {
        let Some(socket) = &self.direct else { return Ok(Step::AwaitsKeys) };
        let Half { receiver, drained, pace, stretch, .. } = half;
        if receiver.awaits_keys() {
            return Ok(match self.receive(half)? {
                Progress::All => Step::Read,
                Progress::AwaitsKeys => Step::AwaitsKeys,
            });
        }
        self.send_held();
        if *drained && !pause(pace, &self.reading.written, deadline) {
            let mut is_ready = false;
            let woken = self.signals.bell.wait(socket.descriptor(), PollFlags::IN, deadline, || {
                is_ready = awaited.is_ready();
                is_ready
            });
            match woken.map_err(End::Failed)? {
                _ if is_ready => return Ok(Step::Ready),
                Woken::Ready => {}
                Woken::Rung => return Ok(Step::Read),
                Woken::TimedOut => return Ok(Step::TimedOut),
            }
        }
        stretch.give_way();
        let space = stretch.room(receiver.space());
        let size = space.len();
        match socket.read(space) {
            Ok(0) => return Err(End::Eof),
            Ok(n) => {
                let now = Instant::now();
                *drained = n < size;
                pace.count(n, size, now);
                stretch.read(n, size, now);
                receiver.filled(n);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *drained = true;
                return Ok(Step::Read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Step::Read),
            Err(error) => return Err(End::Failed(error)),
        }
        Ok(match self.receive(half)? {
            Progress::All => Step::Read,
            Progress::AwaitsKeys => Step::AwaitsKeys,
        })
    }

    /// Elsewhere no caller leads.
    #[cfg(not(unix))]
    fn step(&self, _: &mut Half, _: Option<Instant>, _: &mut dyn Awaited) -> Result<Step, End> {
        Ok(Step::AwaitsKeys)
    }

    /// The reading thread.
    pub(super) fn read_loop(&self) {
        let _end = EndOnPanic(self);
        while self.reading.await_turn() {
            let result = self.read_for_all();
            self.reading.release();
            if let Err(end) = result {
                return self.end(end);
            }
        }
        if self.reading.turn().closes {
            self.close();
        }
    }

    /// Reads until callers may lead.
    fn read_for_all(&self) -> Result<(), End> {
        let mut half = self.reading.half.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.signals.bell.take_woken();
            if !half.receiver.awaits_keys() {
                self.send_held();
                let Half { reader, receiver, pace, stretch, .. } = &mut *half;
                pause(pace, &self.reading.written, None);
                stretch.give_way();
                let space = stretch.room(receiver.space());
                let size = space.len();
                match reader.read(space) {
                    Ok(0) => return Err(End::Eof),
                    Ok(n) => {
                        let now = Instant::now();
                        pace.count(n, size, now);
                        stretch.read(n, size, now);
                        receiver.filled(n);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(End::Failed(error)),
                }
            }
            while self.receive(&mut half)? == Progress::AwaitsKeys {
                self.await_keys()?;
            }
            self.reading.turn().awaits_keys = false;
            if self.reading.may_step_back(self.signals.bell.take_woken()) {
                half.drained = true;
                return Ok(());
            }
        }
    }

    /// Waits for the decision on the host key, which the key exchange waits for.
    fn await_keys(&self) -> Result<(), Error> {
        let mut core = self.lock();
        while !core.engine.has_open() {
            if let Some(error) = &core.failure {
                return Err(error.clone());
            }
            core = self.signals.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Decodes and handles everything that has arrived.
    fn receive(&self, half: &mut Half) -> Result<Progress, Error> {
        let Half { receiver, batch, stretch, .. } = half;
        loop {
            let decoded = loop {
                match receiver.decode() {
                    Ok(Some(received)) => batch.push(received),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            let mut core = self.lock();
            let awaits_keys = receiver.awaits_keys();
            // A packet whose rest is on its way has been sent already.
            let is_settled = !awaits_keys && !receiver.is_midway();
            let open = core.handle(batch, decoded, is_settled, Instant::now())?;
            if let Some(open) = open {
                receiver.install(open);
                continue;
            }
            if self.decides_more(&mut core) {
                self.reading.holds_output.store(true, Ordering::Relaxed);
            } else {
                self.send(core);
            }
            stretch.handled(Instant::now());
            return Ok(if awaits_keys { Progress::AwaitsKeys } else { Progress::All });
        }
    }

    /// Whether the session's owner has something to decide, with which what is due may leave.
    fn decides_more(&self, core: &mut Core) -> bool {
        if core.decisions.is_empty() {
            return false;
        }
        core.engine.flush();
        !core.engine.is_authenticated()
    }

    /// Nothing more can be read.
    fn end(&self, end: End) {
        self.reading.end();
        match end {
            End::Broken(error) => {
                self.fail(self.lock(), error);
                // What the engine has to say about it may leave; nothing more is read.
                self.close();
            }
            End::Eof => self.hung_up(None),
            End::Failed(error) => self.hung_up(Some(error)),
        }
    }

    /// The stream has ended or failed.
    fn hung_up(&self, error: Option<io::Error>) {
        let core = self.lock();
        let error = core.hung_up(error);
        self.fail(core, error);
        self.cut();
    }
}

/// Sleeps until it is time for the next read, unless that is now, or later than `deadline`.
fn pause(pace: &mut Pace, written: &Written, deadline: Option<Instant>) -> bool {
    let until = pace.pause(written).map(|(_, until)| until);
    let until = until.filter(|until| deadline.is_none_or(|deadline| *until < deadline));
    if let Some(until) = until {
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
    until.is_some()
}

/// What a thread that leads has met with.
enum Step {
    /// Something may have changed.
    Read,
    /// What it waits for is there.
    Ready,
    TimedOut,
    AwaitsKeys,
}

/// Why nothing more is read.
enum End {
    Eof,
    Failed(io::Error),
    /// The peer's messages make no sense, or ended the session.
    Broken(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}
