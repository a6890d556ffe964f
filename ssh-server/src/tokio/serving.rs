//! A server at work.

use super::{
    Sessions,
    session::{self, Addresses},
    together::first,
};
use crate::{Server, server::Parts, startups::Counts};
use ssh_session::Error;
use std::{
    future::{pending, poll_fn},
    io,
    net::SocketAddr,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// How long no connection is accepted when the system has no descriptor for one.
const PAUSE: Duration = Duration::from_millis(100);

/// A server at work. Dropping it stops it, too, without waiting for the end.
pub struct Serving {
    address: SocketAddr,
    /// Dropping it stops the acceptor and all sessions.
    stop: watch::Sender<()>,
    acceptor: JoinHandle<()>,
}

/// Accepts connections in a task of its own, and serves each in others.
///
/// While the process can open no more files, connections wait to be accepted; the sessions there are go on.
///
/// # Errors
/// The listener can't be used.
///
/// # Panics
/// If there is no runtime.
pub fn serve<H: Sessions>(server: &Server<H>, listener: TcpListener) -> io::Result<Serving> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(());
    let acceptor = tokio::spawn(accept(server.parts().clone(), listener, stopped));
    Ok(Serving { address, stop, acceptor })
}

/// Serves one session over any stream, to its end. How it ended is the answer: a client that goes away of its own
/// accord is no other error than any. `client` is where it comes from, if that is known. Dropping the future ends
/// the session.
pub async fn serve_one<H, S>(server: &Server<H>, stream: S, client: Option<SocketAddr>) -> Error
where
    H: Sessions,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let addresses = Addresses { client, server: None };
    session::run(server.parts(), stream, addresses, || {}, pending()).await
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for it to end by itself, which it does with the runtime. Dropping the future stops it.
    pub async fn wait(self) {
        let Self { stop, acceptor, .. } = self;
        // A task that panicked has nothing more to say.
        let _ = acceptor.await;
        drop(stop);
    }

    /// Accepts no more connections, ends all sessions, and waits until their channels are served. Dropping the future
    /// gives up the wait only.
    pub async fn stop(self) {
        let Self { stop, acceptor, .. } = self;
        drop(stop);
        let _ = acceptor.await;
    }
}

async fn accept<H: Sessions>(parts: Arc<Parts<H>>, listener: TcpListener, stopped: watch::Receiver<()>) {
    let counts = Arc::new(Counts::default());
    let mut sessions = JoinSet::new();
    while let Some(accepted) = next(&listener, &mut sessions, &stopped).await {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Without descriptors, it would fail again at once.
                log::warn!("connection not accepted: {error}");
                first(sleep(PAUSE), stopping(stopped.clone())).await;
                continue;
            }
        };
        let Some(place) = counts.enter(peer.ip(), &parts.limits) else {
            log::info!("too many sessions: {peer} is cut");
            continue;
        };
        let (parts, stopped) = (parts.clone(), stopped.clone());
        sessions.spawn(async move {
            let error = session::run_counted(&parts, stream, peer, place, stopping(stopped)).await;
            log::debug!("{peer}: {error}");
        });
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// The next connection, or `None` when the server is to stop. Meanwhile sessions that are over are let go.
async fn next(
    listener: &TcpListener,
    sessions: &mut JoinSet<()>,
    stopped: &watch::Receiver<()>,
) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    let accepted = poll_fn(|cx| {
        while let Poll::Ready(Some(_)) = sessions.poll_join_next(cx) {}
        listener.poll_accept(cx).map(Some)
    });
    let stop = async {
        stopping(stopped.clone()).await;
        None
    };
    first(stop, accepted).await
}

/// Waits until the server is to stop.
async fn stopping(mut stopped: watch::Receiver<()>) {
    // Nothing is ever sent; the sender is dropped.
    while stopped.changed().await.is_ok() {}
}
