//! Connections that come here, and go on from the server (`-L`, `-D`).

use super::{
    Connections, addresses, open, reach,
    relay::{self, Socket},
};
use crate::{exit::Failure, settings::Forwards};
use log::{debug, warn};
use rustix::{
    fs::Mode,
    net::{AddressFamily, SocketType, bind, listen, socket, sockopt},
    process::umask,
};
use ssh_client::{
    blocking::Session,
    ssh_config::{Forward, Listen, Target},
};
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    sync::Arc,
    thread,
    time::Duration,
};

/// Begins to listen for a forwarding.
pub(super) fn start(
    session: &Session,
    forward: &Forward,
    settings: &Forwards,
    connections: &Connections,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("can't listen on {}: {error}", forward.listen));
    let listeners = match &forward.listen {
        Listen::Port { address, port } => ports(address.as_deref(), *port, settings).map_err(failed)?,
        Listen::Socket(path) => vec![Listener::Unix(unix(path, settings.unlink).map_err(failed)?)],
    };
    let route = Arc::new(Route {
        session: session.clone(),
        target: forward.target.clone(),
        listen: forward.listen.to_string(),
    });
    for listener in listeners {
        let (route, connections) = (route.clone(), connections.clone());
        let accept = move || accept(&listener, &route, &connections);
        thread::Builder::new().name("listener".to_owned()).spawn(accept).map_err(failed)?;
    }
    Ok(())
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// The next connection, and from where it comes.
    fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept()?;
                Ok((Socket::tcp(stream)?, Some(from)))
            }
            Self::Unix(listener) => Ok((Socket::Unix(listener.accept()?.0), None)),
        }
    }
}

/// As many listeners as addresses can be had, but one at least.
fn ports(address: Option<&str>, port: u16, settings: &Forwards) -> io::Result<Vec<Listener>> {
    let any = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let own = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let of = |ips: [IpAddr; 2]| {
        let addresses = ips.map(|ip| SocketAddr::new(ip, port)).into_iter();
        addresses.filter(|address| settings.address_family.includes(address)).collect()
    };
    let addresses: Vec<_> = match address {
        None if settings.gateway_ports => of(any),
        Some("" | "*") => of(any),
        None | Some("localhost") => of(own),
        Some(address) => addresses(address, port, settings.address_family)?,
    };
    let mut listeners = Vec::new();
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "there is no such address");
    for address in addresses {
        match bind_port(address) {
            Ok(listener) => {
                debug!("listening on {address}");
                listeners.push(Listener::Tcp(listener));
            }
            Err(error) => {
                // Not every machine has both families, but a port that is taken is worth a word.
                if error.kind() == io::ErrorKind::AddrInUse {
                    warn!("{address}: {error}");
                } else {
                    debug!("{address}: {error}");
                }
                failure = error;
            }
        }
    }
    if listeners.is_empty() { Err(failure) } else { Ok(listeners) }
}

/// A socket of IPv6 leaves IPv4 to another, which the standard library's does not.
fn bind_port(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let listener = socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&listener, true)?;
    }
    bind(&listener, &address)?;
    listen(&listener, BACKLOG)?;
    Ok(listener.into())
}

/// Only the user may connect to it.
fn unix(path: &str, unlink: bool) -> io::Result<UnixListener> {
    if unlink {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    umask(before);
    listener
}

/// What becomes of connections to a listener.
struct Route {
    session: Session,
    target: Option<Target>,
    listen: String,
}

fn accept(listener: &Listener, route: &Arc<Route>, connections: &Connections) {
    loop {
        match listener.accept() {
            Ok((socket, from)) => {
                let name = from.map_or_else(|| route.listen.clone(), |from| from.to_string());
                let route = route.clone();
                connections.serve(name, move || route.serve(&socket, from));
            }
            Err(error) => {
                warn!("{}: {error}", route.listen);
                // Descriptors may be free again by then.
                thread::sleep(PAUSE);
            }
        }
    }
}

impl Route {
    fn serve(&self, socket: &Socket, from: Option<SocketAddr>) -> Result<(), Failure> {
        let (ip, port) =
            from.map_or(("127.0.0.1".to_owned(), 0), |from| (from.ip().to_string(), from.port()));
        let lead = |target: &Target| {
            debug!("{ip} port {port} is passed on to {target}");
            let channel = open(&self.session, target, (&ip, port));
            channel.map_err(|error| Failure::new(format!("{target}: {error}")))
        };
        match reach(self.target.as_ref(), &mut &*socket, lead)? {
            Some(channel) => relay::join(&channel, socket),
            None => Ok(()),
        }
    }
}

const BACKLOG: i32 = 128;

const PAUSE: Duration = Duration::from_secs(1);
