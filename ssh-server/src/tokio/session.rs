//! One session, from its first byte to its last.

use super::{Sessions, channel, forward::Forwards, together::beside, unblock::unblock};
use crate::{
    Login,
    forwarding::{CHANNELS, REQUESTS},
    server::Parts,
    startups::Place,
};
use ssh_session::{
    Error, ErrorKind, Phase,
    tokio::{ChannelOffer, Connection, Decision, PeerRequest, PeerRequests},
};
use ssh_wire::number::open_failure;
use std::{future::Future, net::SocketAddr, sync::Arc, time::Instant};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::{sleep_until, timeout},
};

/// Where the two ends of a stream are, as far as it tells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Addresses {
    pub(super) client: Option<SocketAddr>,
    pub(super) server: Option<SocketAddr>,
}

/// Runs a session that has a place, until it ends or `stopping` does.
pub(super) async fn run_counted<H: Sessions>(
    parts: &Arc<Parts<H>>,
    stream: TcpStream,
    peer: SocketAddr,
    mut place: Place,
    stopping: impl Future<Output = ()>,
) -> Error {
    // The session puts together itself what belongs together.
    if let Err(error) = stream.set_nodelay(true) {
        return Error::with_source(ErrorKind::Io, "connection lost", error);
    }
    let addresses = Addresses { client: Some(peer), server: stream.local_addr().ok() };
    run(parts, stream, addresses, || place.started(), stopping).await
}

/// Runs a session; `started` is called when its user is authenticated.
pub(super) async fn run<H, S>(
    parts: &Arc<Parts<H>>,
    stream: S,
    addresses: Addresses,
    started: impl FnOnce(),
    stopping: impl Future<Output = ()>,
) -> Error
where
    H: Sessions,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let begun = Connection::server(stream, parts.settings(), parts.host_keys(), parts.auth_config());
    let (connection, driver) = match begun {
        Ok(begun) => begun,
        Err(error) => return error,
    };
    tokio::spawn(driver);
    let stop = async {
        stopping.await;
        // By this ends what serves its channels.
        connection.fail(Error::new(ErrorKind::Closed, "server stops"));
    };
    let error = beside(serve(parts, &connection, addresses, started), stop).await;
    // The client is told the reason, where there is one.
    connection.fail(error.clone());
    connection.close().await;
    error
}

async fn serve<H: Sessions>(
    parts: &Arc<Parts<H>>,
    connection: &Connection,
    addresses: Addresses,
    started: impl FnOnce(),
) -> Error {
    // Before the login: a client may open a channel as soon as it is in.
    let requests = match peer_requests(connection) {
        Ok(requests) => requests,
        Err(error) => return error,
    };
    let grace = parts.limits.login_grace;
    // A client that asks all the time gets no more of it.
    match timeout(grace, log_in(parts, connection, addresses)).await {
        Ok(Ok(login)) => {
            started();
            serve_requests(parts, connection, &requests, &Arc::new(login)).await
        }
        Ok(Err(error)) => error,
        Err(_) if connection.is_established() => Error::timeout(Phase::Authentication, grace),
        Err(_) => Error::timeout(Phase::Handshake, grace),
    }
}

/// Answers until a user is authenticated, and says who.
async fn log_in<H>(parts: &Parts<H>, connection: &Connection, addresses: Addresses) -> Result<Login, Error> {
    let mut dialogue = parts.dialogue(addresses.client);
    loop {
        let decision = connection.next_decision(None, Phase::Authentication).await?;
        let Decision::ServerAuth(event) = decision else { continue };
        let asked = Instant::now();
        let answer;
        (dialogue, answer) = unblock(move || {
            let answer = dialogue.answer(event);
            (dialogue, answer)
        })
        .await?;
        sleep_until(answer.leaves_at(asked, Instant::now(), &parts.limits).into()).await;
        connection.server_auth(|engine| answer.apply(engine))?;
        if connection.is_authenticated() {
            return Ok(dialogue.login(addresses.server));
        }
    }
}

/// Serves what an authenticated user asks for until the session ends, and then waits for what serves it.
async fn serve_requests<H: Sessions>(
    parts: &Arc<Parts<H>>,
    connection: &Connection,
    requests: &PeerRequests,
    login: &Arc<Login>,
) -> Error {
    let mut forwards = Forwards::new(parts.clone(), connection.clone(), login.clone());
    let mut channels = JoinSet::new();
    let mut takes_sessions = true;
    let error = loop {
        let asked = match requests.next().await {
            Ok(asked) => asked,
            Err(error) => break error,
        };
        while channels.try_join_next().is_some() {}
        match asked {
            PeerRequest::Channel(offer) if offer.channel_type() == SESSION.as_bytes() => {
                // A channel that is closed may have a program that ends later.
                if channels.len() >= parts.limits.channels {
                    offer.refuse(open_failure::RESOURCE_SHORTAGE, "too many channels");
                } else if takes_sessions {
                    channels.spawn(serve_session(parts.clone(), login.clone(), offer));
                }
            }
            PeerRequest::Channel(offer) => forwards.connect(offer).await,
            // The client promises it, so that nobody who takes it over can ask for more (OpenSSH PROTOCOL §2.2).
            PeerRequest::Global(request) if request.name() == NO_MORE_SESSIONS.as_bytes() => {
                takes_sessions = false;
                request.reply(true, &[]);
            }
            PeerRequest::Global(request) => forwards.request(request).await,
            _ => {}
        }
    };
    drop(forwards);
    while channels.join_next().await.is_some() {}
    error
}

async fn serve_session<H: Sessions>(parts: Arc<Parts<H>>, login: Arc<Login>, offer: ChannelOffer) {
    if let Ok(channel) = offer.accept() {
        channel::serve(&parts.handler, &login, &channel, &parts.limits).await;
        channel.close();
    }
}

const SESSION: &str = "session";
const NO_MORE_SESSIONS: &str = "no-more-sessions@openssh.com";

/// What clients may ask of the session as a whole.
fn peer_requests(connection: &Connection) -> Result<PeerRequests, Error> {
    let channels: Vec<_> = [SESSION].into_iter().chain(CHANNELS).collect();
    let requests: Vec<_> = [NO_MORE_SESSIONS].into_iter().chain(REQUESTS).collect();
    connection.peer_requests(&channels, &requests)
}
