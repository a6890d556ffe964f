//! A TCP proxy that does to a connection what networks do.

mod lane;

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lane::{Connection, Faults, Total};

/// One of the two directions of a proxied connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From who connects to the proxy towards the address behind it.
    ToServer,
    /// Back.
    ToClient,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both sides see the end of the stream.
    Fin,
    /// Both sides see "connection reset by peer".
    Reset,
}

/// A proxy on 127.0.0.1 in front of an address, harmless until told otherwise.
///
/// Settings apply to the connections that exist and to those to come. Offsets count the bytes of one connection in one
/// direction, from 0. When the value is dropped its connections are cut and its threads joined.
///
/// A connection costs four threads: one per direction reads, one writes, and between them lies a queue of what has not
/// been due yet. So a delay does not limit the throughput, as long as what is in flight fits in the queue
/// ([`Proxy::QUEUE`]).
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

#[derive(Debug)]
struct Shared {
    stopping: AtomicBool,
    faults: [Arc<Mutex<Faults>>; 2],
    totals: [Arc<Total>; 2],
    connections: Mutex<Vec<Arc<Connection>>>,
}

impl Proxy {
    /// How many bytes are in flight in one direction of a connection at most: the memory a delay may cost.
    pub const QUEUE: usize = 128 << 20;

    /// Starts a proxy in front of `target`.
    pub fn start(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            stopping: AtomicBool::new(false),
            faults: Default::default(),
            totals: Default::default(),
            connections: Mutex::default(),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, target, &shared)
        });
        Proxy { addr, shared, listener: Some(thread) }
    }

    /// The address to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port on 127.0.0.1 to connect to.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Lets each byte in `direction` arrive this much later than it was sent. The round-trip time is the sum of both
    /// directions. (The TCP handshake with the proxy is not delayed.)
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.set(direction, |faults| faults.delay = delay);
    }

    /// Cuts every connection that exists.
    pub fn cut(&self, how: Cut) {
        for connection in self.connections().iter() {
            connection.cut(how);
        }
    }

    /// Cuts a connection once `bytes` have passed in `direction`.
    pub fn cut_after(&self, direction: Direction, bytes: u64, how: Cut) {
        self.set(direction, |faults| faults.cut_after = Some((bytes, how)));
    }

    /// Stops forwarding, and at some time reading, once `bytes` have passed in `direction`, until
    /// [`resume`](Proxy::resume). The connection stays open.
    pub fn stall_after(&self, direction: Direction, bytes: u64) {
        self.set(direction, |faults| faults.stall_after = Some(bytes));
    }

    /// Stops forwarding in `direction` now, until [`resume`](Proxy::resume).
    pub fn stall(&self, direction: Direction) {
        self.stall_after(direction, 0);
    }

    /// Goes on after a stall.
    pub fn resume(&self, direction: Direction) {
        self.set(direction, |faults| faults.stall_after = None);
    }

    /// Changes the byte at `offset` in `direction` by exclusive or with `mask`.
    pub fn flip(&self, direction: Direction, offset: u64, mask: u8) {
        self.set(direction, |faults| faults.flips.push((offset, mask)));
    }

    /// Forwards byte by byte, each in a segment of its own.
    pub fn single_bytes(&self, direction: Direction, on: bool) {
        self.set(direction, |faults| faults.single_bytes = on);
    }

    /// How many bytes were forwarded in `direction`, over all connections.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.shared.totals[direction as usize].bytes()
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.connections().len()
    }

    fn set(&self, direction: Direction, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.faults[direction as usize].lock().expect("no thread of the proxy panics"));
        for connection in self.connections().iter() {
            connection.wake();
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.shared.connections.lock().expect("no thread of the proxy panics")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes accept.
        let _ = TcpStream::connect(self.addr);
        self.cut(Cut::Fin);
        let Some(Ok(threads)) = self.listener.take().map(JoinHandle::join) else { return };
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, shared: &Shared) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    for client in listener.incoming() {
        let server = TcpStream::connect(target);
        // Under the lock, so that a connection is either seen here as too late or cut by the drop.
        let mut connections = shared.connections.lock().expect("no thread of the proxy panics");
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        let Ok(client) = client else { continue };
        let Ok(server) = server else {
            let _ = client.shutdown(Shutdown::Both);
            continue;
        };
        let connection = Arc::new(Connection::new(client, server));
        threads.extend(lane::spawn(&connection, &shared.faults, &shared.totals));
        connections.push(connection);
        threads.retain(|thread| !thread.is_finished());
    }
    threads
}
