//! Servers that follow a script.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A listener on 127.0.0.1 that runs a closure for each connection, each in a thread of its own.
///
/// When the value is dropped its connections are shut down, which wakes a script that reads or writes, and its threads
/// are joined; a script that panicked makes the test panic.
#[derive(Debug)]
pub struct Peer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    accepted: AtomicUsize,
    connections: Mutex<Vec<TcpStream>>,
}

impl Peer {
    /// Runs `script` for every connection.
    pub fn start(script: impl Fn(TcpStream) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared, &Arc::new(script))
        });
        Peer { addr, shared, listener: Some(thread) }
    }

    /// Accepts and never says a word; reads what comes until the other side closes.
    pub fn silent() -> Peer {
        Peer::start(drain)
    }

    /// Says `bytes` and never anything more; reads what comes until the other side closes.
    pub fn saying(bytes: impl Into<Vec<u8>>) -> Peer {
        let bytes = bytes.into();
        Peer::start(move |mut stream| {
            // The other side may have had enough before the end.
            if stream.write_all(&bytes).is_ok() {
                drain(stream);
            }
        })
    }

    /// Says `bytes` and closes.
    pub fn closing_after(bytes: impl Into<Vec<u8>>) -> Peer {
        let bytes = bytes.into();
        Peer::start(move |mut stream| {
            if stream.write_all(&bytes).is_ok() {
                // What was not read when the socket closes would turn the end into a reset.
                let _ = stream.shutdown(Shutdown::Write);
                drain(stream);
            }
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes accept.
        let _ = TcpStream::connect(self.addr);
        for connection in self.shared.connections.lock().expect("no script holds it").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        let Some(Ok(scripts)) = self.listener.take().map(JoinHandle::join) else { return };
        let failed = scripts.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        if failed > 0 && !thread::panicking() {
            panic!("{failed} scripts of the peer failed");
        }
    }
}

fn accept<F>(listener: &TcpListener, shared: &Shared, script: &Arc<F>) -> Vec<JoinHandle<()>>
where
    F: Fn(TcpStream) + Send + Sync + 'static,
{
    let mut scripts = Vec::new();
    for stream in listener.incoming() {
        // Under the lock, so that a connection is either seen here as too late or shut down by the drop.
        let mut connections = shared.connections.lock().expect("no script holds it");
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let Ok(clone) = stream.try_clone() else { continue };
        connections.push(clone);
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        let script = Arc::clone(script);
        scripts.push(thread::spawn(move || {
            let _closing = stream.try_clone().map(Closing);
            script(stream);
        }));
    }
    scripts
}

/// Closes the connection when the script has ended, in whatever way: the clone that [`Peer`] keeps would hold it open.
struct Closing(TcpStream);

impl Drop for Closing {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn drain(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while !matches!(stream.read(&mut buffer), Ok(0) | Err(_)) {}
}
