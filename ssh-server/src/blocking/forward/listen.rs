//! Ports and sockets that are listened on for a client.

use super::wait_any;
use crate::{blocking::pass::Over, forwarding::Endpoint};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    fs, io,
    net::SocketAddr,
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::Path,
};

/// Connections that the operating system keeps until they are accepted.
const BACKLOG: i32 = 128;

/// What is listened on. A socket of the file system is removed when this is dropped.
pub(crate) struct Listener {
    sockets: Vec<OwnedFd>,
    /// 0 for a socket of the file system.
    port: u16,
    path: Option<String>,
}

impl Listener {
    pub(crate) fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            Endpoint::Port(host, port) => Self::ports(host, *port),
            Endpoint::Socket(path) => Self::socket(path),
        }
    }

    /// All addresses that the host stands for, and that can be had, on the same port.
    fn ports(host: &str, mut port: u16) -> io::Result<Self> {
        let mut sockets = Vec::new();
        let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
        for ip in Endpoint::addresses(host) {
            match bound(SocketAddr::new(ip, port)) {
                Ok((socket, chosen)) => {
                    port = chosen;
                    sockets.push(socket);
                }
                Err(error) => failure = error,
            }
        }
        if sockets.is_empty() { Err(failure) } else { Ok(Self { sockets, port, path: None }) }
    }

    fn socket(path: &str) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        // From here on it is this one's to remove.
        let listener = Self { sockets: Vec::new(), port: 0, path: Some(path.to_owned()) };
        // Nobody can connect before it is listened on.
        fs::set_permissions(Path::new(path), fs::Permissions::from_mode(0o600))?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let mut listener = listener;
        listener.sockets.push(socket.into());
        Ok(listener)
    }

    /// What accepts connections, without waiting for them.
    #[cfg(feature = "tokio")]
    pub(crate) fn sockets(&self) -> &[OwnedFd] {
        &self.sockets
    }

    /// The port that is listened on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next connection, and where it comes from; `None` when the bell of `over` is gone.
    pub(super) fn accept(&self, over: &Over) -> io::Result<Option<(OwnedFd, Option<SocketAddr>)>> {
        loop {
            let Some(at) = wait_any(self.sockets.iter(), over)? else { return Ok(None) };
            let Some(socket) = self.sockets.get(at) else { return Ok(None) };
            match rustix::net::accept_with(socket, rustix::net::SocketFlags::CLOEXEC) {
                Ok(accepted) => {
                    if self.path.is_none() {
                        rustix::net::sockopt::set_tcp_nodelay(&accepted, true)?;
                    }
                    let from = rustix::net::getpeername(&accepted);
                    let from = from.ok().flatten().and_then(|address| SocketAddr::try_from(address).ok());
                    return Ok(Some((accepted, from)));
                }
                // It may be gone by now.
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::CONNABORTED | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<(OwnedFd, u16)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A port that was listened on a moment ago.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let port = socket.local_addr()?.as_socket().map_or(address.port(), |address| address.port());
    Ok((socket.into(), port))
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Somebody else may have removed it.
            let _ = fs::remove_file(path);
        }
    }
}
