//! One direction of one connection: a reader, a queue, a writer.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{Cut, Direction, Proxy};

/// What is done to one direction.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) delay: Duration,
    pub(super) cut_after: Option<(u64, Cut)>,
    pub(super) stall_after: Option<u64>,
    pub(super) flips: Vec<(u64, u8)>,
    pub(super) single_bytes: bool,
}

/// The bytes forwarded in one direction over all connections.
#[derive(Debug, Default)]
pub(super) struct Total(AtomicU64);

impl Total {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Both sockets of a connection, until it is cut.
#[derive(Debug)]
pub(super) struct Connection {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Client and server. Gone when the connection is cut: closing a socket that no thread holds any more is what
    /// sends a reset.
    ends: Option<[Arc<TcpStream>; 2]>,
    /// How many directions have come to their end.
    ended: u8,
    queues: [Queue; 2],
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<(Instant, Item)>,
    bytes: usize,
}

#[derive(Debug)]
enum Item {
    Data(Vec<u8>),
    End,
}

impl Connection {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Connection {
        for stream in [&client, &server] {
            // Segments pass as they come.
            let _ = stream.set_nodelay(true);
            // A writer looks now and then whether the connection was cut.
            let _ = stream.set_write_timeout(Some(Duration::from_millis(20)));
        }
        Connection {
            state: Mutex::new(State {
                ends: Some([Arc::new(client), Arc::new(server)]),
                ended: 0,
                queues: Default::default(),
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn cut(&self, how: Cut) {
        let Some(ends) = self.state().ends.take() else { return };
        for end in &ends {
            match how {
                Cut::Fin => {
                    let _ = end.shutdown(Shutdown::Both);
                }
                Cut::Reset => {
                    let _ = SockRef::from(&**end).set_linger(Some(Duration::ZERO));
                    // Wakes the reader without sending anything.
                    let _ = end.shutdown(Shutdown::Read);
                }
            }
        }
        self.wake();
    }

    /// Lets the writers look at the faults anew.
    pub(super) fn wake(&self) {
        // Under the lock, or a writer between its look and its wait would miss it.
        let _state = self.state();
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread of the proxy panics")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        match until {
            None => self.changed.wait(state).expect("no thread of the proxy panics"),
            Some(until) => {
                let time = until.saturating_duration_since(Instant::now());
                self.changed.wait_timeout(state, time).expect("no thread of the proxy panics").0
            }
        }
    }

    /// Passes the end of the stream on; behind the second one nothing is left to do.
    fn finish(&self, direction: usize) {
        let mut state = self.state();
        state.ended += 1;
        if let Some(ends) = &state.ends {
            let _ = ends[1 - direction].shutdown(Shutdown::Write);
        }
        if state.ended == 2 {
            state.ends = None;
        }
    }

    fn end(&self, end: usize) -> Option<Arc<TcpStream>> {
        self.state().ends.as_ref().map(|ends| Arc::clone(&ends[end]))
    }
}

/// Starts the four threads of a connection.
pub(super) fn spawn(
    connection: &Arc<Connection>,
    faults: &[Arc<Mutex<Faults>>; 2],
    totals: &[Arc<Total>; 2],
) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    for direction in [Direction::ToServer, Direction::ToClient] {
        let lane = Lane {
            connection: Arc::clone(connection),
            direction: direction as usize,
            faults: Arc::clone(&faults[direction as usize]),
            total: Arc::clone(&totals[direction as usize]),
        };
        threads.push(thread::spawn({
            let lane = lane.clone();
            move || lane.read()
        }));
        threads.push(thread::spawn(move || lane.write()));
    }
    threads
}

#[derive(Clone)]
struct Lane {
    connection: Arc<Connection>,
    direction: usize,
    faults: Arc<Mutex<Faults>>,
    total: Arc<Total>,
}

impl Lane {
    fn read(&self) {
        // The client's end for what goes to the server, and the other way round.
        let Some(source) = self.connection.end(self.direction) else { return };
        let mut offset = 0;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = match (&*source).read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    if error.kind() == io::ErrorKind::ConnectionReset {
                        drop(source);
                        self.connection.cut(Cut::Reset);
                        return;
                    }
                    break;
                }
            };
            let mut data = buffer[..read].to_vec();
            let delay = {
                let faults = self.faults();
                for (at, mask) in &faults.flips {
                    if let Some(byte) =
                        at.checked_sub(offset).and_then(|i| data.get_mut(usize::try_from(i).ok()?))
                    {
                        *byte ^= mask;
                    }
                }
                faults.delay
            };
            offset += read as u64;
            if !self.push(Instant::now() + delay, Item::Data(data)) {
                return;
            }
        }
        let delay = self.faults().delay;
        self.push(Instant::now() + delay, Item::End);
    }

    /// False once the connection is cut.
    fn push(&self, due: Instant, item: Item) -> bool {
        let mut state = self.connection.state();
        loop {
            if state.ends.is_none() {
                return false;
            }
            let queue = &mut state.queues[self.direction];
            if queue.bytes < Proxy::QUEUE {
                if let Item::Data(data) = &item {
                    queue.bytes += data.len();
                }
                queue.items.push_back((due, item));
                self.connection.changed.notify_all();
                return true;
            }
            state = self.connection.wait(state, None);
        }
    }

    fn write(&self) {
        let mut passed = 0;
        while let Some(item) = self.pop() {
            match item {
                Item::Data(data) => {
                    if !self.forward(&data, &mut passed) {
                        return;
                    }
                }
                Item::End => {
                    self.connection.finish(self.direction);
                    return;
                }
            }
        }
    }

    /// The next item when it is due; `None` once the connection is cut.
    fn pop(&self) -> Option<Item> {
        let mut state = self.connection.state();
        loop {
            state.ends.as_ref()?;
            let queue = &mut state.queues[self.direction];
            let due = queue.items.front().map(|(due, _)| *due);
            if due.is_some_and(|due| due <= Instant::now()) {
                let (_, item) = queue.items.pop_front()?;
                if let Item::Data(data) = &item {
                    queue.bytes -= data.len();
                }
                self.connection.changed.notify_all();
                return Some(item);
            }
            state = self.connection.wait(state, due);
        }
    }

    /// Writes `data`, which begins behind the first `passed` bytes of the connection, as far as the faults let it.
    /// False once the connection is cut.
    fn forward(&self, mut data: &[u8], passed: &mut u64) -> bool {
        while !data.is_empty() {
            let (mut room, cut, stalled) = {
                let faults = self.faults();
                let cut = faults.cut_after.filter(|(at, _)| at <= passed).map(|(_, how)| how);
                let limit = faults.cut_after.map(|(at, _)| at).into_iter().chain(faults.stall_after).min();
                let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(*passed));
                (if faults.single_bytes { room.min(1) } else { room }, cut, faults.stall_after)
            };
            if let Some(how) = cut {
                self.connection.cut(how);
                return false;
            }
            if room == 0 {
                if !self.stalled(stalled) {
                    return false;
                }
                continue;
            }
            room = room.min(data.len() as u64);
            let Some(sink) = self.connection.end(1 - self.direction) else { return false };
            let chunk = &data[..usize::try_from(room).unwrap_or(data.len())];
            match (&*sink).write(chunk) {
                Ok(written) => {
                    data = &data[written..];
                    *passed += written as u64;
                    self.total.0.fetch_add(written as u64, Ordering::SeqCst);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                    _ => {
                        // Who should get the data is gone; so tell who sends it.
                        drop(sink);
                        self.connection.cut(Cut::Reset);
                        return false;
                    }
                },
            }
        }
        self.cut_is_due(*passed)
    }

    /// Cuts right behind the last byte that may pass, not only when one more comes. False once the connection is cut.
    fn cut_is_due(&self, passed: u64) -> bool {
        let cut = self.faults().cut_after.filter(|(at, _)| *at <= passed);
        if let Some((_, how)) = cut {
            self.connection.cut(how);
        }
        cut.is_none()
    }

    /// Waits until the stall at `seen` was changed. False once the connection is cut.
    fn stalled(&self, seen: Option<u64>) -> bool {
        let mut state = self.connection.state();
        loop {
            if state.ends.is_none() {
                return false;
            }
            if self.faults().stall_after != seen {
                return true;
            }
            state = self.connection.wait(state, None);
        }
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no thread of the proxy panics")
    }
}
