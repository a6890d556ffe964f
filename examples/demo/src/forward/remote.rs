//! Connections that come to the server, and go on from here (`-R`).

use super::{Connections, connect, reach, relay};
use crate::{exit::Failure, settings::Forwards};
use log::{debug, info};
use ssh_client::{
    blocking::{Channel, Session},
    ssh_config::{AddressFamily, Forward, Listen, Target},
    wire::{Encode, Reader},
};
use std::{collections::HashMap, sync::Arc, thread};

/// Lets the server listen on the port of a forwarding; sockets are left to [`start_sockets`].
pub(super) fn start(
    session: &Session,
    forward: &Forward,
    settings: &Forwards,
    connections: &Connections,
) -> Result<(), Failure> {
    let Listen::Port { address, port } = &forward.listen else { return Ok(()) };
    let address = match address.as_deref() {
        None => "localhost",
        Some("*") => "",
        Some(address) => address,
    };
    let listener = session.forward(address, *port)?;
    let route = Arc::new(Route::new(forward, settings));
    if *port == 0 {
        info!("Allocated port {} for remote forward to {}", listener.port(), route.name());
    }
    let connections = connections.clone();
    spawn(move || {
        // It ends with the session.
        while let Ok(forwarded) = listener.accept(None) {
            let route = route.clone();
            let name = format!("{} port {}", forwarded.originator, forwarded.originator_port);
            connections.serve(name, move || route.serve(&forwarded.channel));
        }
    })
}

/// Lets the server listen on sockets. Their connections all come by one type of channel.
pub(super) fn start_sockets(
    session: &Session,
    settings: &Forwards,
    connections: &Connections,
    failed: impl Fn(Failure) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let path = |forward: &Forward| match &forward.listen {
        Listen::Socket(path) => Some(path.clone()),
        Listen::Port { .. } => None,
    };
    let wanted: Vec<_> =
        settings.remote.iter().filter_map(|forward| Some((path(forward)?, forward))).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    // Before the first of them can come.
    let incoming = session.incoming("forwarded-streamlocal@openssh.com")?;
    let mut routes = HashMap::new();
    for (path, forward) in wanted {
        let mut data = Vec::new();
        path.encode(&mut data);
        let (granted, _) = session.global_request("streamlocal-forward@openssh.com", true, &data)?;
        if granted {
            routes.insert(path.into_bytes(), Arc::new(Route::new(forward, settings)));
        } else {
            failed(Failure::new(format!("server refused to listen on {path}")))?;
        }
    }
    let connections = connections.clone();
    spawn(move || {
        while let Ok((channel, data)) = incoming.accept(None) {
            let path = Reader::new(&data).string().unwrap_or_default();
            let name = String::from_utf8_lossy(path).into_owned();
            match routes.get(path).cloned() {
                Some(route) => connections.serve(name, move || route.serve(&channel)),
                None => debug!("{name:?} was not asked for: the connection is closed"),
            }
        }
    })
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let thread = thread::Builder::new().name("forwards".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| Failure::new(format!("thread for a forwarding: {error}")))
}

/// What becomes of connections that the server has accepted.
struct Route {
    target: Option<Target>,
    family: AddressFamily,
}

impl Route {
    fn new(forward: &Forward, settings: &Forwards) -> Self {
        Self { target: forward.target.clone(), family: settings.address_family }
    }

    fn name(&self) -> String {
        self.target.as_ref().map_or_else(|| "socks".to_owned(), Target::to_string)
    }

    /// A channel that is dropped is closed: so the other side learns that it leads nowhere.
    fn serve(&self, channel: &Channel) -> Result<(), Failure> {
        let lead = |target: &Target| {
            connect(target, self.family).map_err(|error| Failure::new(format!("{target}: {error}")))
        };
        match reach(self.target.as_ref(), &mut &*channel, lead)? {
            Some(socket) => relay::join(channel, &socket),
            None => Ok(()),
        }
    }
}
