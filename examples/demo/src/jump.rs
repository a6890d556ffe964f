//! The way to a host over others (`-J`, `ProxyJump`): a session to each, in a channel of the one before.

use crate::{
    args::Args,
    connect::connect,
    exit::Failure,
    local::Local,
    settings::{self, Settings},
};
use log::debug;
use ssh_client::{Provider, blocking::Session, ssh_config::Target};
use std::sync::Arc;

/// The hosts on the way to a destination, in the order in which they are logged in to.
///
/// Each is resolved as a destination of its own: of the arguments only `-F` counts for it, as OpenSSH has it. The hosts
/// before the first that is named are those of its own `ProxyJump`.
pub(crate) fn route(
    destination: &Settings,
    args: &Args,
    local: &Local,
    provider: &Provider,
) -> Result<Vec<Settings>, Failure> {
    // From the destination back to here.
    let mut hops: Vec<Settings> = Vec::new();
    let mut before = destination.jumps.clone();
    while let Some(jump) = before.pop() {
        if hops.len() == MAX_HOPS {
            let name = &jump.host;
            return Err(Failure::new(format!(
                "more than {MAX_HOPS} jump hosts: does {name} lead to itself?"
            )));
        }
        let target = target(hops.last().unwrap_or(destination)).to_string();
        let hop = settings::resolve(&args.of_jump(target), &jump, local, provider)?;
        if before.is_empty() {
            before = hop.jumps.clone();
        }
        hops.push(hop);
    }
    hops.reverse();
    Ok(hops)
}

/// Logs in to each host on the way. The last session leads on.
pub(crate) fn travel(hops: &[Settings], provider: &Arc<Provider>) -> Result<Vec<Session>, Failure> {
    let mut sessions: Vec<Session> = Vec::new();
    for hop in hops {
        debug!("jump host {} port {}", hop.host, hop.port);
        let (session, _) = connect(hop, provider, sessions.last())
            .map_err(|failure| Failure::new(format!("jump host {}: {failure}", hop.host)))?;
        sessions.push(session);
    }
    Ok(sessions)
}

/// Where a host is, for the one before it.
pub(crate) fn target(settings: &Settings) -> Target {
    Target::Port { host: settings.host.to_string(), port: settings.port }
}

const MAX_HOPS: usize = 16;
