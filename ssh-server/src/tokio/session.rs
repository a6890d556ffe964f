//! One session, from its first byte to its last.

use super::{Sessions, channel, together::beside};
use crate::{Login, server::Parts, startups::Place};
use ssh_session::{
    Error, ErrorKind, Phase,
    tokio::{Connection, Decision, Incoming},
};
use std::{future::Future, net::SocketAddr, panic, sync::Arc, time::Instant};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
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
    let channels = match connection.incoming("session") {
        Ok(channels) => channels,
        Err(error) => return error,
    };
    let grace = parts.limits.login_grace;
    // A client that asks all the time gets no more of it.
    match timeout(grace, log_in(parts, connection, addresses)).await {
        Ok(Ok(login)) => {
            started();
            serve_channels(parts, &channels, &Arc::new(login)).await
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
        let due = answer.leaves_after(asked.elapsed(), &parts.limits);
        sleep(due.saturating_sub(asked.elapsed())).await;
        connection.server_auth(|engine| answer.apply(engine))?;
        if connection.is_authenticated() {
            return Ok(dialogue.login(addresses.server));
        }
    }
}

/// Serves the channels of an authenticated user until the session ends, and then waits for what serves them.
async fn serve_channels<H: Sessions>(
    parts: &Arc<Parts<H>>,
    channels: &Incoming,
    login: &Arc<Login>,
) -> Error {
    let mut open = JoinSet::new();
    let error = loop {
        let channel = match channels.accept().await {
            Ok((channel, _)) => channel,
            Err(error) => break error,
        };
        while open.try_join_next().is_some() {}
        // A channel that is closed may have a program that ends later.
        if open.len() >= parts.limits.channels {
            log::info!("{:?} has too many channels", login.user);
            continue;
        }
        let (parts, login) = (parts.clone(), login.clone());
        open.spawn(async move {
            channel::serve(&parts.handler, &login, &channel, &parts.limits).await;
            channel.close();
        });
    };
    while open.join_next().await.is_some() {}
    error
}

/// Runs what may block where it blocks no task.
async fn unblock<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    spawn_blocking(run).await.map_err(|error| match error.try_into_panic() {
        // It was the caller's code, and so it is the caller's panic.
        Ok(panic) => panic::resume_unwind(panic),
        Err(error) => Error::with_source(ErrorKind::Closed, "the runtime is shutting down", error),
    })
}
