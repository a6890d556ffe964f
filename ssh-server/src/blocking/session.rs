//! One session, from its first byte to its last.

use super::{Sessions, Stream, channel, forward::Forwards, place::Places};
use crate::{
    Login,
    forwarding::{CHANNELS, REQUESTS},
    server::Parts,
};
use ssh_session::{
    Error, Phase,
    blocking::{ChannelOffer, Connection, Decision, PeerRequest, PeerRequests},
};
use ssh_wire::number::open_failure;
use std::{
    net::SocketAddr,
    sync::Arc,
    thread::{self, Scope},
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
        let prepared = peer_requests(connection);
        let error = match prepared.and_then(|requests| Ok((requests, self.login(connection, addresses)?))) {
            Ok((requests, login)) => {
                started();
                self.serve(connection, &requests, &Arc::new(login))
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
            let now = Instant::now();
            let leaves_at = answer.leaves_at(asked, now, &self.limits);
            thread::sleep(leaves_at.saturating_duration_since(now).min(left));
            connection.server_auth(|engine| answer.apply(engine))?;
            if connection.is_authenticated() {
                return Ok(dialogue.login(addresses.server));
            }
        }
    }

    /// Serves what an authenticated user asks for until the session ends.
    fn serve(&self, connection: &Connection, requests: &PeerRequests, login: &Arc<Login>) -> Error {
        let (channels, connections) =
            (Places::new(self.limits.channels), Places::new(self.limits.connections));
        let mut takes_sessions = true;
        thread::scope(|scope| {
            let mut forwards =
                Forwards::new(scope, connection, login, &*self.forwarding, &self.limits, &connections);
            loop {
                match requests.next(None) {
                    Ok(PeerRequest::Channel(offer)) if offer.channel_type() == SESSION.as_bytes() => {
                        if takes_sessions {
                            self.open(scope, offer, login, &channels);
                        }
                    }
                    Ok(PeerRequest::Channel(offer)) => forwards.connect(offer),
                    // The client promises it, so that nobody who takes it over can ask for more (OpenSSH PROTOCOL §2.2).
                    Ok(PeerRequest::Global(request)) if request.name() == NO_MORE_SESSIONS.as_bytes() => {
                        takes_sessions = false;
                        request.reply(true, &[]);
                    }
                    Ok(PeerRequest::Global(request)) => forwards.request(request),
                    Ok(_) => {}
                    Err(error) => return error,
                }
            }
        })
    }

    /// Serves a session channel on a thread of its own.
    fn open<'scope, 'env>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        offer: ChannelOffer,
        login: &'env Arc<Login>,
        channels: &'env Places,
    ) {
        // It is free again when the thread ends: a channel that is closed may have a program that ends later.
        let Some(place) = channels.take() else {
            return offer.refuse(open_failure::RESOURCE_SHORTAGE, "too many channels");
        };
        let serve = move || {
            if let Ok(channel) = offer.accept() {
                channel::serve(&self.handler, login, &channel, &self.limits);
                channel.close();
            }
            drop(place);
        };
        let started = thread::Builder::new().name("ssh-channel".to_owned()).spawn_scoped(scope, serve);
        if let Err(error) = started {
            // The offer went with the closure, which has refused it.
            log::warn!("no thread for a channel: {error}");
        }
    }
}

const SESSION: &str = "session";
const NO_MORE_SESSIONS: &str = "no-more-sessions@openssh.com";

/// What clients may ask of the session as a whole.
fn peer_requests(connection: &Connection) -> Result<PeerRequests, Error> {
    let channels = [SESSION].into_iter().chain(CHANNELS).collect::<Vec<_>>();
    let requests = [NO_MORE_SESSIONS].into_iter().chain(REQUESTS).collect::<Vec<_>>();
    connection.peer_requests(&channels, &requests)
}
