//! Connections that are made for a client.

use crate::forwarding::{Endpoint, PATIENCE};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    os::fd::OwnedFd,
    time::Instant,
};

/// How often it is looked whether the session is still there.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

/// Connects to the first address that answers, of those that `permitted` permits, as long as anybody `wants` it.
pub(super) fn connect(
    endpoint: &Endpoint,
    permitted: impl Fn(SocketAddr) -> bool,
    wants: impl Fn() -> bool,
) -> io::Result<OwnedFd> {
    match endpoint {
        Endpoint::Socket(path) => {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            connect_to(socket, &SockAddr::unix(path)?, &wants)
        }
        Endpoint::Port(host, port) => {
            let mut result = Err(io::Error::new(io::ErrorKind::PermissionDenied, "no address is permitted"));
            for address in (host.as_str(), *port).to_socket_addrs()? {
                if !permitted(address) {
                    continue;
                }
                let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
                socket.set_tcp_nodelay(true)?;
                result = connect_to(socket, &address.into(), &wants);
                if result.is_ok() || !wants() {
                    break;
                }
            }
            result
        }
    }
}

fn connect_to(socket: Socket, address: &SockAddr, wants: &impl Fn() -> bool) -> io::Result<OwnedFd> {
    socket.set_nonblocking(true)?;
    match socket.connect(address) {
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => {}
        result => return result.map(|()| socket.into()),
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut waits = [PollFd::new(&socket, PollFlags::OUT)];
        if rustix::io::retry_on_intr(|| poll(&mut waits, Some(&LOOK)))? > 0 {
            return match socket.take_error()? {
                None => Ok(socket.into()),
                Some(error) => Err(error),
            };
        }
        if !wants() || Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}
