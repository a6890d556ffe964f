//! A server at work.

use super::{Sessions, Stream, session::Addresses};
use crate::{
    Server,
    server::{Builder, Parts},
    startups::{Counts, Place},
};
use rustix::event::{PollFd, PollFlags, poll};
use ssh_session::{Error, ErrorKind, blocking::Connection};
use std::{
    collections::HashMap,
    io::{self, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// A server at work. Dropping it stops it.
pub struct Serving {
    address: SocketAddr,
    bell: UnixStream,
    sessions: Arc<OpenSessions>,
    acceptor: Option<JoinHandle<()>>,
}

/// The sessions of a server at work.
#[derive(Default)]
struct OpenSessions(Mutex<Open>);

#[derive(Default)]
struct Open {
    stopped: bool,
    next: u64,
    connections: HashMap<u64, Connection>,
}

impl OpenSessions {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the session be ended from outside, until what this gives is dropped; `None` if all are being stopped.
    fn add(&self, connection: &Connection) -> Option<Registered<'_>> {
        let mut open = self.lock();
        if open.stopped {
            return None;
        }
        open.next += 1;
        let number = open.next;
        open.connections.insert(number, connection.clone());
        Some(Registered { sessions: self, number })
    }

    fn stop(&self) {
        let mut open = self.lock();
        open.stopped = true;
        let connections: Vec<_> = open.connections.drain().collect();
        drop(open);
        for (_, connection) in connections {
            connection.fail(Error::new(ErrorKind::Closed, "server stops"));
        }
    }
}

/// A session among those that can be ended from outside.
struct Registered<'a> {
    sessions: &'a OpenSessions,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let connection = self.sessions.lock().connections.remove(&self.number);
        // Outside of the lock: its end may take a while.
        drop(connection);
    }
}

impl<H: Sessions> Builder<H> {
    /// Builds the server and [serves](Server::serve) by it, in one.
    ///
    /// # Errors
    /// Those of [`Builder::build`], and that the listener can't be used.
    pub fn serve(self, listener: TcpListener) -> io::Result<Serving> {
        self.build()?.serve(listener)
    }
}

impl<H: Sessions> Server<H> {
    /// Serves one session on this thread, to its end. How it ended is the answer: a client that goes away of its own
    /// accord is no other error than any. `client` is where it comes from, if that is known.
    pub fn serve_one(&self, stream: impl Stream, client: Option<SocketAddr>) -> Error {
        let connection = match self.parts().start(stream) {
            Ok(connection) => connection,
            Err(error) => return error,
        };
        self.parts().session(&connection, Addresses { client, server: None }, || {})
    }

    /// Accepts connections on a thread of its own, and serves each on another.
    ///
    /// # Errors
    /// The listener can't be used.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Serving> {
        // It may be gone between the poll and the accept.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (bell, stopped) = UnixStream::pair()?;
        let sessions = Arc::new(OpenSessions::default());
        let (parts, for_acceptor) = (self.parts().clone(), sessions.clone());
        let acceptor = thread::Builder::new()
            .name("ssh-acceptor".to_owned())
            .spawn(move || parts.accept(&listener, &stopped, &for_acceptor))?;
        Ok(Serving { address, bell, sessions, acceptor: Some(acceptor) })
    }
}

impl<H: Sessions> Parts<H> {
    fn accept(self: Arc<Self>, listener: &TcpListener, stopped: &UnixStream, sessions: &Arc<OpenSessions>) {
        let counts = Arc::new(Counts::default());
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        loop {
            let mut waits = [PollFd::new(listener, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
            if let Err(error) = rustix::io::retry_on_intr(|| poll(&mut waits, None)) {
                log::error!("no more connections are accepted: {error}");
                break;
            }
            if !waits[1].revents().is_empty() {
                break;
            }
            threads.retain(|thread| !thread.is_finished());
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => {
                    // Without descriptors, it would fail again at once.
                    log::warn!("connection not accepted: {error}");
                    thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            let Some(place) = counts.enter(peer.ip(), &self.limits) else {
                log::info!("too many sessions: {peer} is cut");
                continue;
            };
            let (server, sessions) = (self.clone(), sessions.clone());
            let serve = move || server.serve_counted(stream, peer, place, &sessions);
            match thread::Builder::new().name("ssh-session".to_owned()).spawn(serve) {
                Ok(thread) => threads.push(thread),
                Err(error) => log::warn!("no thread for {peer}: {error}"),
            }
        }
        sessions.stop();
        for thread in threads {
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }

    fn serve_counted(&self, stream: TcpStream, peer: SocketAddr, mut place: Place, sessions: &OpenSessions) {
        let addresses = Addresses { client: Some(peer), server: stream.local_addr().ok() };
        let connection = match self.start(stream) {
            Ok(connection) => connection,
            Err(error) => return log::debug!("{peer}: {error}"),
        };
        // Dropped when a handler panics, too, or the session would stay.
        let Some(registered) = sessions.add(&connection) else { return };
        let error = self.session(&connection, addresses, || place.started());
        log::debug!("{peer}: {error}");
        drop(registered);
    }
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for it to end by itself, which it does when the listener fails.
    pub fn wait(mut self) {
        self.join();
    }

    /// Accepts no more connections, ends all sessions, and waits for their threads.
    pub fn stop(self) {
        drop(self);
    }

    fn join(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            // A thread that panicked has nothing more to say.
            let _ = acceptor.join();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // If it fails, the acceptor has ended.
        let _ = self.bell.write_all(b"!");
        self.sessions.stop();
        self.join();
    }
}
