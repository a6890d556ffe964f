//! Many sessions, with a bound on what is done at a time.

use crate::Outcome;
use ssh_client::{
    Config, Error, Exit,
    tokio::{Channel, Session},
};
use std::{future::Future, net::SocketAddr, sync::Arc};
use tokio::task::JoinSet;

/// A session at rest.
#[derive(Clone)]
pub(crate) struct Idle {
    pub(crate) session: Session,
    /// Nothing runs on it.
    _channel: Arc<Channel>,
}

/// Logs in to a server and opens a channel.
pub(crate) async fn connect(address: SocketAddr, config: Arc<Config>) -> Result<Idle, Error> {
    let host = address.ip().to_string();
    let session = Session::connect((host.as_str(), address.port()), &config).await?;
    let channel = Arc::new(session.open_session().await?);
    Ok(Idle { session, _channel: channel })
}

/// Runs a command that does nothing.
pub(crate) async fn exec(session: Session) -> Outcome<()> {
    match session.command("true").status().await? {
        Some(Exit::Status(0)) => Ok(()),
        other => Err(format!("the command ended with {other:?}").into()),
    }
}

/// Runs what `start` makes of each item, `jobs` at a time, and collects what comes of it, in any order.
pub(crate) async fn all<I, T, F>(
    items: impl IntoIterator<Item = I>,
    jobs: usize,
    start: impl Fn(I) -> F,
) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (mut tasks, mut done) = (JoinSet::new(), Vec::new());
    for item in items {
        if tasks.len() >= jobs
            && let Some(one) = tasks.join_next().await
        {
            done.push(one?);
        }
        tasks.spawn(start(item));
    }
    while let Some(one) = tasks.join_next().await {
        done.push(one?);
    }
    Ok(done)
}
