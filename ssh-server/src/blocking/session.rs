//! One session, from its first byte to its last.

use super::{Channel, Sessions, Stream, channel};
use crate::{Limits, Login, server::Parts};
use ssh_session::{
    Error, Phase,
    blocking::{Connection, Decision, Incoming},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

/// Where the two ends of a stream are, as far as it tells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Addresses {
    pub(super) client: Option<SocketAddr>,
    pub(super) server: Option<SocketAddr>,
}

impl<H: Sessions> Parts<H> {
    pub(super) fn start(&self, stream: impl Stream) -> Result<Connection, Error> {
        Connection::server(stream, self.settings(), self.host_keys(), self.auth_config())
    }

    /// Runs a session; `started` is called when its user is authenticated.
    pub(super) fn session(
        &self,
        connection: &Connection,
        addresses: Addresses,
        started: impl FnOnce(),
    ) -> Error {
        // Before the login: a client may open a channel as soon as it is in.
        let prepared = connection.incoming("session");
        let error = match prepared.and_then(|channels| Ok((channels, self.login(connection, addresses)?))) {
            Ok((channels, login)) => {
                started();
                self.channels(&channels, &Arc::new(login))
            }
            Err(error) => error,
        };
        // The client is told the reason, where there is one.
        connection.fail(error.clone());
        connection.close();
        error
    }

    /// Answers until a user is authenticated, and says who.
    fn login(&self, connection: &Connection, addresses: Addresses) -> Result<Login, Error> {
        let grace = self.limits.login_grace;
        let begin = Instant::now();
        let mut dialogue = self.dialogue(addresses.client);
        loop {
            let left = grace.saturating_sub(begin.elapsed());
            let phase = if connection.is_established() { Phase::Authentication } else { Phase::Handshake };
            let decision = connection.next_decision(Some(left), phase);
            // A client that asks all the time gets no more of it.
            if left.is_zero() {
                return Err(Error::timeout(phase, grace));
            }
            let Decision::ServerAuth(event) = decision? else { continue };
            let asked = Instant::now();
            let answer = dialogue.answer(event);
            let due = answer.leaves_after(asked.elapsed(), &self.limits);
            thread::sleep(due.saturating_sub(asked.elapsed()).min(left));
            connection.server_auth(|engine| answer.apply(engine))?;
            if connection.is_authenticated() {
                return Ok(dialogue.login(addresses.server));
            }
        }
    }

    /// Serves the channels of an authenticated user until the session ends.
    fn channels(&self, channels: &Incoming, login: &Arc<Login>) -> Error {
        let open = AtomicUsize::new(0);
        thread::scope(|scope| {
            loop {
                let channel = match channels.accept(None) {
                    Ok((channel, _)) => channel,
                    Err(error) => return error,
                };
                let Some(place) = Place::take(&open, &self.limits) else {
                    log::info!("{:?} has too many channels", login.user);
                    continue;
                };
                let serve = move || {
                    self.serve_channel(login, &channel);
                    channel.close();
                    drop(place);
                };
                if let Err(error) =
                    thread::Builder::new().name("ssh-channel".to_owned()).spawn_scoped(scope, serve)
                {
                    // The channel went with the closure, which has closed it.
                    log::warn!("no thread for a channel: {error}");
                }
            }
        })
    }

    fn serve_channel(&self, login: &Arc<Login>, channel: &Channel) {
        channel::serve(&self.handler, login, channel, &self.limits);
    }
}

/// A place among the channels of a session, until it is dropped: a channel that is closed may have a program that ends later.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(open: &'a AtomicUsize, limits: &Limits) -> Option<Self> {
        // Counted down where it was one too many.
        let place = Self(open);
        (open.fetch_add(1, Ordering::Relaxed) < limits.channels).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
