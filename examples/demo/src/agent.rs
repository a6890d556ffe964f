//! The agent here, for programs on the server (`ForwardAgent`, `-A`).

use crate::exit::Failure;
use log::{debug, warn};
use ssh_client::{
    Error,
    agent::Agent,
    blocking::{Channel, Session},
};
use std::{path::PathBuf, thread};

/// The request by which a channel asks for it, and the type of the channels that the server then opens.
pub(crate) const REQUEST: &str = "auth-agent-req@openssh.com";
const CHANNEL_TYPE: &str = "auth-agent@openssh.com";

/// Passes on what programs on the server ask the agent, each connection to one of its own, until the session ends.
pub(crate) fn forward(session: &Session, path: PathBuf) -> Result<(), Failure> {
    let incoming = session.incoming(CHANNEL_TYPE)?;
    let session = session.clone();
    let serve = move || {
        while let Ok((channel, _)) = incoming.accept(None) {
            let (session, path) = (session.clone(), path.clone());
            let relay = move || {
                if let Err(error) = relay(&session, path, &channel) {
                    warn!("forwarded agent: {error}");
                }
            };
            if let Err(error) = thread::Builder::new().name("agent".to_owned()).spawn(relay) {
                warn!("no thread for a forwarded connection to the agent: {error}");
            }
        }
        debug!("the agent is forwarded no more");
    };
    let thread = thread::Builder::new().name("agents".to_owned()).spawn(serve);
    thread.map(drop).map_err(|error| Failure::new(format!("thread for the agent: {error}")))
}

/// The agent learns first through whom it is asked, so that keys limited to their destinations stay so.
fn relay(session: &Session, path: PathBuf, mut channel: &Channel) -> Result<(), Error> {
    let agent = Agent::connect_to(path)?;
    let agent = match session.binding() {
        Some(binding) => agent.forwarded_to(&binding)?,
        None => agent,
    };
    agent.relay(&mut channel)
}
