//! Where tasks run what a configuration holds.

use crate::{
    Awaited, Credential, Error, ErrorKind,
    agent::{AgentKeys, SessionBinding},
    awaited::{Keys, Run},
};
use ssh_session::tokio::Connection;
use std::{future::poll_fn, panic, pin::pin, task::Poll};
use tokio::task::spawn_blocking;

/// What blocks runs on a thread for that; what can be awaited is.
pub(super) struct Tasks;

impl Run for Tasks {
    fn unblock<T: Send + 'static>(
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Awaited<'static, Result<T, Error>> {
        Box::pin(async {
            spawn_blocking(act).await.map_err(|error| match error.try_into_panic() {
                // It was the caller's code, and so it is the caller's panic.
                Ok(panic) => panic::resume_unwind(panic),
                Err(error) => Error::with_source(ErrorKind::Closed, "the runtime is shutting down", error),
            })
        })
    }

    fn agent_keys(keys: AgentKeys, session: Option<SessionBinding>) -> Awaited<'static, Result<Keys, Error>> {
        #[cfg(unix)]
        if let Some(agent) = super::Agent::beside(keys.agent()) {
            return Box::pin(async move { ask(&keys, agent, session.as_ref()).await });
        }
        // A stream of the caller's, and the pipes of Windows.
        Box::pin(async { Self::unblock(move || keys.credentials(session.as_ref())).await? })
    }
}

#[cfg(unix)]
async fn ask(keys: &AgentKeys, agent: super::Agent, session: Option<&SessionBinding>) -> Result<Keys, Error> {
    use super::agent::AgentSigner;
    let agent = match session {
        Some(session) => agent.bound_to(session).await?,
        None => agent,
    };
    let (chosen, notes) = keys.choose(agent.list().await?);
    let credentials = chosen.into_iter().map(|identity| {
        let probe = keys.is_probed(&identity);
        Credential::KeyAsync { signer: std::sync::Arc::new(AgentSigner::new(agent.clone(), identity)), probe }
    });
    Ok((credentials.collect(), notes))
}

/// Waits for a decision as long as there is something to decide: it is dropped when the session ends.
pub(super) async fn while_alive<T>(
    connection: &Connection,
    decision: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let (mut decision, mut end) = (pin!(decision), pin!(connection.wait()));
    poll_fn(|cx| match decision.as_mut().poll(cx) {
        Poll::Pending => end.as_mut().poll(cx).map(Err),
        decided => decided,
    })
    .await
}
