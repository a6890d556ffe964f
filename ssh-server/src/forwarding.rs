//! Where connections may lead, and what may be listened on: a policy, the same for every driver, which does the rest.

mod ask;

pub(crate) use ask::{Ask, CHANNELS, Endpoint, REQUESTS};

use crate::Login;
use std::{net::SocketAddr, time::Duration};

/// How long each address of a host is tried.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing is accepted when the system has no descriptor for it.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// Decides about forwarded connections:
///
/// ```
/// use ssh_server::{Forwarding, Login};
///
/// struct Intranet;
/// impl Forwarding for Intranet {
///     fn may_connect(&self, _: &Login, host: &str, port: u16) -> bool {
///         (host, port) == ("intranet", 80)
///     }
/// }
/// ```
///
/// What the user's credential does not permit is not asked. It may take its time, and may block: what else the client
/// asks of its session waits meanwhile, in order, but no other session, nor the channels that are open. By tasks it is
/// asked on the runtime's threads for such work, about 64 addresses at a time; as many names are looked up there at a time.
pub trait Forwarding: Send + Sync + 'static {
    /// Whether a connection to `host` and `port` may be made for the client (`direct-tcpip`, RFC 4254 §7.2). The host is a name
    /// or an address, in the client's words.
    fn may_connect(&self, login: &Login, host: &str, port: u16) -> bool {
        let _ = (login, host, port);
        false
    }

    /// Whether the connection may go to this address, which is one of those that a host's name stands for: somebody else may
    /// have chosen it. All that is permitted otherwise, by default.
    fn may_connect_address(&self, login: &Login, address: SocketAddr) -> bool {
        let _ = (login, address);
        true
    }

    /// Whether the client may listen on `address` and `port` of this machine (`tcpip-forward`, RFC 4254 §7.1). The address is
    /// empty for all; a port of 0 is to be chosen.
    fn may_listen(&self, login: &Login, address: &str, port: u16) -> bool {
        let _ = (login, address, port);
        false
    }

    /// Whether a connection to this socket of the file system may be made for the client
    /// (`direct-streamlocal@openssh.com`).
    fn may_connect_socket(&self, login: &Login, path: &str) -> bool {
        let _ = (login, path);
        false
    }

    /// Whether the client may listen on this socket of the file system (`streamlocal-forward@openssh.com`).
    fn may_listen_socket(&self, login: &Login, path: &str) -> bool {
        let _ = (login, path);
        false
    }
}

/// Nothing is forwarded.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoForwarding;

impl Forwarding for NoForwarding {}

/// Connections lead anywhere, and loopback addresses may be listened on: what OpenSSH's server does by default. To be given
/// to those only who may reach, from this machine, all that it can reach.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForwardAll;

impl Forwarding for ForwardAll {
    fn may_connect(&self, _: &Login, _: &str, _: u16) -> bool {
        true
    }

    fn may_listen(&self, _: &Login, address: &str, port: u16) -> bool {
        // Ports below belong to the system, and this process may be root's.
        is_loopback(address) && (port == 0 || port >= 1024)
    }

    fn may_connect_socket(&self, _: &Login, _: &str) -> bool {
        true
    }

    fn may_listen_socket(&self, _: &Login, _: &str) -> bool {
        true
    }
}

/// Whether an address that is to be listened on is this machine's own only.
pub fn is_loopback(address: &str) -> bool {
    address == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
