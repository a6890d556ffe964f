//! Forwarded connections (`-L`, `-R`, `-D`, `-W`), each in threads of its own.

mod local;
mod relay;
mod remote;
mod socks;
mod streams;

use crate::{exit::Failure, settings::Forwards};
use log::{debug, warn};
use relay::Socket;
use socks::Request;
use ssh_client::{
    Error,
    blocking::{Channel, Session},
    ssh_config::{AddressFamily, Target},
    wire::Encode,
};
use std::{
    io,
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    os::unix::net::UnixStream,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};

pub(crate) use streams::join_streams;

/// Begins to listen wherever it is asked for. What can't be had is told, and ends the program only if that is asked for.
pub(crate) fn start(session: &Session, settings: &Forwards) -> Result<Connections, Failure> {
    let connections = Connections::default();
    let failed = |failure: Failure| match settings.required {
        true => Err(failure),
        false => {
            warn!("{failure}");
            Ok(())
        }
    };
    for forward in &settings.local {
        local::start(session, forward, settings, &connections).or_else(failed)?;
    }
    for forward in &settings.remote {
        remote::start(session, forward, settings, &connections).or_else(failed)?;
    }
    remote::start_sockets(session, settings, &connections, failed)?;
    Ok(connections)
}

/// Lets the server connect to a place that it reaches. `originator` is told to it as the one who asks.
pub(crate) fn open(session: &Session, target: &Target, originator: (&str, u16)) -> Result<Channel, Error> {
    match target {
        Target::Port { host, port } => session.direct_tcpip(host, *port, originator),
        Target::Socket(path) => {
            // Two fields behind it are reserved (OpenSSH PROTOCOL §2.4).
            let mut data = Vec::new();
            path.encode(&mut data);
            "".encode(&mut data);
            0u32.encode(&mut data);
            session.open("direct-streamlocal@openssh.com", &data)
        }
    }
}

/// Makes the way to a target, or to what `client` asks for by SOCKS, who is told how that went. `None` if it asks for nothing
/// that there is.
fn reach<T>(
    target: Option<&Target>,
    client: &mut impl socks::Client,
    lead: impl FnOnce(&Target) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    if let Some(target) = target {
        return lead(target).map(Some);
    }
    let request = match Request::read(client) {
        Ok(request) => request,
        Err(error) => {
            debug!("no request by SOCKS: {error}");
            return Ok(None);
        }
    };
    match lead(&request.target) {
        Ok(way) => {
            request.grant(client).map_err(|error| Failure::new(error.to_string()))?;
            Ok(Some(way))
        }
        Err(failure) => {
            // Who does not hear it has gone.
            let _ = request.refuse(client);
            Err(failure)
        }
    }
}

/// Connects to a place that is reached from here.
fn connect(target: &Target, family: AddressFamily) -> io::Result<Socket> {
    match target {
        Target::Port { host, port } => {
            TcpStream::connect(&*addresses(host, *port, family)?).and_then(Socket::tcp)
        }
        Target::Socket(path) => UnixStream::connect(path).map(Socket::Unix),
    }
}

/// All addresses of a host, those of this family only.
fn addresses(host: &str, port: u16, family: AddressFamily) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.filter(|address| family.includes(address)).collect())
}

/// The forwarded connections that are open.
#[derive(Clone, Default)]
pub(crate) struct Connections(Arc<Count>);

#[derive(Default)]
struct Count {
    open: Mutex<usize>,
    none: Condvar,
}

impl Connections {
    /// Waits until none is open.
    pub(crate) fn wait(&self) {
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.0.none.wait_while(open, |open| *open > 0);
        drop(open.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether any is open.
    pub(crate) fn any(&self) -> bool {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) > 0
    }

    /// Serves one in a thread of its own; why it fails is told.
    fn serve(&self, name: String, work: impl FnOnce() -> Result<(), Failure> + Send + 'static) {
        let open = Open::new(&self.0);
        let serve = move || {
            let _open = open;
            if let Err(failure) = work() {
                warn!("{name}: {failure}");
            }
        };
        if let Err(error) = thread::Builder::new().name("forwarded".to_owned()).spawn(serve) {
            warn!("no thread for a forwarded connection: {error}");
        }
    }
}

/// A connection that counts until it is dropped.
struct Open(Arc<Count>);

impl Open {
    fn new(count: &Arc<Count>) -> Self {
        *count.open.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.none.notify_all();
    }
}
