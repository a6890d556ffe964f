//! Forwarded connections: made for the client, and taken for it.

use super::{
    Channel,
    pass::{self, Bell, Over, Until, from_descriptor, to_descriptor},
    place::{Place, Places},
};
use crate::{
    Forwarding, Limits, Login,
    forwarding::{Ask, Endpoint, PAUSE},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::{Shutdown, shutdown},
};
use ssh_session::blocking::{ChannelOffer, Connection, GlobalRequest};
use ssh_wire::number::open_failure;
use std::{
    collections::HashMap,
    io::{self, Write},
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    thread::{self, Scope, ScopedJoinHandle},
};

mod connect;
pub(crate) mod listen;

use listen::Listener;

/// The forwarded connections of one session, and what is listened on for them until this is dropped.
pub(super) struct Forwards<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    connection: &'env Connection,
    login: &'env Login,
    policy: &'env dyn Forwarding,
    limits: &'env Limits,
    places: &'env Places,
    listeners: HashMap<Endpoint, Bell>,
}

impl<'scope, 'env> Forwards<'scope, 'env> {
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        connection: &'env Connection,
        login: &'env Login,
        policy: &'env dyn Forwarding,
        limits: &'env Limits,
        places: &'env Places,
    ) -> Self {
        Self { scope, connection, login, policy, limits, places, listeners: HashMap::new() }
    }

    /// Makes the connection that the client asks for, if it may.
    pub(super) fn connect(&self, offer: ChannelOffer) {
        let Some(endpoint) = Endpoint::of_channel(offer.channel_type(), offer.data()) else { return };
        if !endpoint.may_connect(self.login, self.policy) {
            return offer.refuse(open_failure::ADMINISTRATIVELY_PROHIBITED, "forwarding is not permitted");
        }
        let Some(place) = self.places.take() else {
            return offer.refuse(open_failure::RESOURCE_SHORTAGE, "too many connections");
        };
        let (login, policy, connection) = (self.login, self.policy, self.connection);
        self.spawn(move || {
            let permitted = |address: SocketAddr| policy.may_connect_address(login, address);
            match connect::connect(&endpoint, permitted, || connection.is_active()) {
                Ok(socket) => {
                    offer.accept().map_err(io::Error::from).and_then(|channel| join(&channel, &socket))
                }
                Err(error) => {
                    log::debug!("connection to {endpoint:?}: {error}");
                    offer.refuse(open_failure::CONNECT_FAILED, "connection failed");
                    Ok(())
                }
            }
            .unwrap_or_else(|error| log::debug!("forwarded connection: {error}"));
            drop(place);
        });
    }

    /// Listens, or does so no longer.
    pub(super) fn request(&mut self, request: GlobalRequest) {
        match Ask::read(request.name(), request.data()) {
            Some(Ask::Listen(endpoint)) => {
                if let Some(answer) = self.listen(endpoint) {
                    request.reply(true, &answer);
                }
            }
            Some(Ask::Cancel(endpoint)) => {
                let was_there = self.listeners.remove(&endpoint).is_some();
                request.reply(was_there, &[]);
            }
            None => {}
        }
    }

    /// Listens; answers with what the client is told.
    fn listen(&mut self, endpoint: Endpoint) -> Option<Vec<u8>> {
        if !endpoint.may_listen(self.login, self.policy) {
            return None;
        }
        if self.listeners.len() >= self.limits.listeners || self.listeners.contains_key(&endpoint) {
            return None;
        }
        let prepared = Listener::bind(&endpoint).and_then(|listener| Ok((listener, pass::bell()?)));
        let (listener, (bell, over)) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                log::debug!("{endpoint:?} can't be listened on: {error}");
                return None;
            }
        };
        let answer = endpoint.answer(listener.port());
        let key = endpoint.at(listener.port());
        let (scope, connection, places) = (self.scope, self.connection, self.places);
        let accept = move || accept(scope, connection, places, &endpoint, &listener, &over);
        self.spawn(accept)?;
        self.listeners.insert(key, bell);
        Some(answer)
    }

    fn spawn(&self, run: impl FnOnce() + Send + 'scope) -> Option<()> {
        spawn(self.scope, run)
    }
}

fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, run: impl FnOnce() + Send + 'scope) -> Option<()> {
    let started = thread::Builder::new().name("ssh-forward".to_owned()).spawn_scoped(scope, run);
    // What it was to serve went with the closure.
    started.map(drop).inspect_err(|error| log::warn!("no thread for a connection: {error}")).ok()
}

/// Accepts connections for the client until the bell of `over` is gone.
fn accept<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    connection: &'env Connection,
    places: &'env Places,
    endpoint: &Endpoint,
    listener: &Listener,
    over: &Over,
) {
    loop {
        let (socket, originator) = match listener.accept(over) {
            Ok(Some(accepted)) => accepted,
            Ok(None) => return,
            Err(error) => {
                // Without descriptors, it would fail again at once.
                log::warn!("connection to {endpoint:?} not accepted: {error}");
                thread::sleep(PAUSE);
                continue;
            }
        };
        // Without a place the connection is cut.
        let Some(place) = places.take() else { continue };
        let (channel_type, data) = endpoint.forwarded(listener.port(), originator);
        spawn(scope, move || {
            connection
                .open(channel_type, &data)
                .map_err(io::Error::from)
                .and_then(|channel| join(&channel, &socket))
                .unwrap_or_else(|error| log::debug!("forwarded connection: {error}"));
            drop::<Place<'_>>(place);
        });
    }
}

/// Passes bytes both ways until both directions are through, or the client closes the channel.
fn join(channel: &Channel, socket: &OwnedFd) -> io::Result<()> {
    pass::set_nonblocking(socket.as_fd())?;
    let (bell, over) = pass::bell()?;
    let until = Until { over: &over, ended: None };
    let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
    thread::scope(|scope| {
        let run = || {
            spawn("ssh-forward-watch").spawn_scoped(scope, move || {
                // Requests have no meaning here, and are refused as they are dropped.
                while let Ok(Some(_)) = channel.next_request(None) {}
                drop(bell);
            })?;
            let sending = spawn("ssh-forward-out").spawn_scoped(scope, || {
                let sent = to_descriptor(channel, socket.as_fd(), until);
                // Whoever is there is told that no more comes, whatever the reason.
                let _ = shutdown(socket, Shutdown::Write);
                sent
            })?;
            let received = from_descriptor(socket.as_fd(), until, |bytes| (&*channel).write(bytes));
            if received.is_ok() && channel.shutdown_write().is_ok() {
                // The other direction goes on; a panic there has been told.
                let _ = ScopedJoinHandle::join(sending);
            }
            received
        };
        let result = run();
        // Ends the other threads, too.
        channel.close();
        result
    })
}

/// Waits for one of the descriptors; `None` when the bell of `over` is gone, else the first that is ready.
fn wait_any<'a>(descriptors: impl Iterator<Item = &'a OwnedFd>, over: &'a Over) -> io::Result<Option<usize>> {
    let mut waits = vec![PollFd::new(over, PollFlags::IN)];
    waits.extend(descriptors.map(|descriptor| PollFd::new(descriptor, PollFlags::IN)));
    rustix::io::retry_on_intr(|| poll(&mut waits, None))?;
    let first = waits.iter().position(|wait| !wait.revents().is_empty());
    Ok(first.and_then(|at| at.checked_sub(1)))
}
