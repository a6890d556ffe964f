//! What happens where a process may open no more files.

use crate::{
    Options, Outcome,
    measure::Row,
    process,
    servers::Servers,
    sessions::{Idle, all, connect, exec},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use ssh_client::{Error, Timeouts};
use std::{process as this, sync::Arc, time::Duration};

/// How many connect, and how many of them find a descriptor.
const CLIENTS: usize = 60;
const FITTING: u64 = 40;
/// How long a client waits for a server that can't accept it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The client may open no more files: those that do not fit are told so, and the others go on.
pub(crate) async fn client(options: &Options) -> Outcome<Vec<Row>> {
    let servers = Servers::start(options.addresses, None)?;
    let config = Arc::new(servers.config.clone());
    let addresses: Vec<_> = servers.addresses.iter().copied().cycle().take(CLIENTS).collect();
    let limit = getrlimit(Resource::Nofile);
    // One goes to whoever counts.
    let lowered = Rlimit { current: Some(process::descriptors(this::id())? - 1 + FITTING), ..limit };
    setrlimit(Resource::Nofile, lowered)?;
    let connected = all(addresses, CLIENTS, |to| connect(to, config.clone())).await;
    let told = tell(connected?).await;
    setrlimit(Resource::Nofile, limit)?;
    Ok(vec![Row(format!("{CLIENTS} sessions where the client may open some {FITTING} files more"), told?)])
}

/// A server may open no more files: those that do not fit wait, and are served once others are gone.
pub(crate) async fn server(options: &Options) -> Outcome<Vec<Row>> {
    let descriptors = u64::from(options.addresses.min(5)) + FITTING;
    let servers = Servers::start(options.addresses.min(5), Some(descriptors))?;
    let timeouts = Timeouts { handshake: Some(PATIENCE), ..Timeouts::default() };
    let config = Arc::new(servers.config.clone().timeouts(timeouts));
    let addresses = || servers.addresses.iter().copied().cycle().take(CLIENTS);
    let connected = all(addresses(), CLIENTS, |to| connect(to, config.clone())).await?;
    let told = tell(connected).await?;
    // The first ones are gone.
    let again =
        all(addresses().take(FITTING as usize / 2), CLIENTS, |to| connect(to, config.clone())).await?;
    let again = tell(again).await?;
    Ok(vec![
        Row(format!("{CLIENTS} sessions where the servers may open {descriptors} files"), told),
        Row(format!("{} sessions there after these", FITTING / 2), again),
    ])
}

/// How many are there, that they work, and what the others were told.
async fn tell(connected: Vec<Result<Idle, Error>>) -> Outcome<String> {
    let (mut idle, mut errors) = (Vec::new(), Vec::new());
    for one in connected {
        match one {
            Ok(session) => idle.push(session),
            Err(error) => errors.push(error),
        }
    }
    let ran = all(idle.iter().map(|idle| idle.session.clone()), CLIENTS, exec).await?;
    let count = ran.len();
    ran.into_iter().collect::<Outcome<()>>()?;
    for idle in &idle {
        idle.session.close().await;
    }
    Ok(match errors.first() {
        None => format!("{count} connected, each ran a command"),
        Some(error) => format!("{count} connected, each ran a command; {} were told: {error}", errors.len()),
    })
}
