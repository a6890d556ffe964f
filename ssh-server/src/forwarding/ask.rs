//! What a client asks in matters of forwarding, whichever the driver.

use super::Forwarding;
use crate::Login;
use ssh_wire::{
    DecodeError, Encode, Reader, Rest,
    message::connection::{DirectTcpip, ForwardedPort, ForwardedTcpip, TcpipForward},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

/// The types of channels by which a client asks for a connection.
pub(crate) const CHANNELS: [&str; 2] = ["direct-tcpip", "direct-streamlocal@openssh.com"];
/// The global requests by which it asks to listen.
pub(crate) const REQUESTS: [&str; 4] = [
    "tcpip-forward",
    "cancel-tcpip-forward",
    "streamlocal-forward@openssh.com",
    "cancel-streamlocal-forward@openssh.com",
];

/// Something to connect to, or to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// A host, by name or address, and a port.
    Port(String, u16),
    /// A socket of the file system.
    Socket(String),
}

/// What a global request asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Listen(Endpoint),
    Cancel(Endpoint),
}

impl Ask {
    /// Reads one of the [`REQUESTS`].
    pub(crate) fn read(name: &[u8], data: &[u8]) -> Option<Self> {
        Some(match name {
            b"tcpip-forward" => Self::Listen(Endpoint::port(data)?),
            b"cancel-tcpip-forward" => Self::Cancel(Endpoint::port(data)?),
            b"streamlocal-forward@openssh.com" => Self::Listen(Endpoint::socket(data)?),
            b"cancel-streamlocal-forward@openssh.com" => Self::Cancel(Endpoint::socket(data)?),
            _ => return None,
        })
    }
}

impl Endpoint {
    /// Reads what one of the [`CHANNELS`] is to lead to.
    pub(crate) fn of_channel(channel_type: &[u8], data: &[u8]) -> Option<Self> {
        match channel_type {
            b"direct-tcpip" => {
                let direct: DirectTcpip<'_> = Rest(data).parse().ok()?;
                let host = text(direct.host).filter(|host| !host.is_empty())?;
                Some(Self::Port(host, u16::try_from(direct.port).ok().filter(|port| *port != 0)?))
            }
            b"direct-streamlocal@openssh.com" => {
                let mut reader = Reader::new(data);
                let read: Result<&[u8], DecodeError> = (|| {
                    let path = reader.string()?;
                    // Reserved (OpenSSH PROTOCOL §2.4).
                    let _ = (reader.string()?, reader.read::<u32>()?);
                    Ok(path)
                })();
                path(read.ok()?)
            }
            _ => None,
        }
    }

    fn port(data: &[u8]) -> Option<Self> {
        let forward: TcpipForward<'_> = Rest(data).parse().ok()?;
        Some(Self::Port(text(forward.address)?, u16::try_from(forward.port).ok()?))
    }

    fn socket(data: &[u8]) -> Option<Self> {
        path(Reader::new(data).string().ok()?)
    }

    /// Whether the user may connect there; the log tells of it if not.
    pub(crate) fn may_connect(&self, login: &Login, policy: &dyn Forwarding) -> bool {
        let may = match self {
            Self::Port(host, port) => {
                login.permissions.may_connect(host, *port) && policy.may_connect(login, host, *port)
            }
            Self::Socket(path) => {
                login.permissions.may_use_sockets() && policy.may_connect_socket(login, path)
            }
        };
        if !may {
            log::info!("{:?} may not connect to {self:?}", login.user);
        }
        may
    }

    /// Whether the user may listen there; the log tells of it if not.
    pub(crate) fn may_listen(&self, login: &Login, policy: &dyn Forwarding) -> bool {
        let may = match self {
            Self::Port(host, port) => {
                login.permissions.may_listen(host, *port) && policy.may_listen(login, host, *port)
            }
            Self::Socket(path) => {
                login.permissions.may_use_sockets() && policy.may_listen_socket(login, path)
            }
        };
        if !may {
            log::info!("{:?} may not listen on {self:?}", login.user);
        }
        may
    }

    /// What is to be bound to listen on an address that a client names (RFC 4254 §7.1); none for a name.
    pub(crate) fn addresses(host: &str) -> Vec<IpAddr> {
        match host {
            // One socket for both families; IPv4 alone where there is no other.
            "" | "*" => vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()],
            "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            host => host.parse().into_iter().collect(),
        }
    }

    /// The type and the data of the channel for a connection that came to this endpoint, at this port.
    pub(crate) fn forwarded(&self, port: u16, originator: Option<SocketAddr>) -> (&'static str, Vec<u8>) {
        let mut data = Vec::new();
        match self {
            Self::Port(host, _) => {
                let ip = originator.map(|from| from.ip().to_canonical().to_string()).unwrap_or_default();
                ForwardedTcpip {
                    address: host.as_bytes(),
                    port: port.into(),
                    originator: ip.as_bytes(),
                    originator_port: originator.map_or(0, |from| from.port().into()),
                }
                .encode(&mut data);
                ("forwarded-tcpip", data)
            }
            Self::Socket(path) => {
                path.as_bytes().encode(&mut data);
                b"".as_slice().encode(&mut data);
                ("forwarded-streamlocal@openssh.com", data)
            }
        }
    }

    /// The same with the port that was chosen: so the client names it when it wants no more of it.
    pub(crate) fn at(&self, port: u16) -> Self {
        match self {
            Self::Port(host, _) => Self::Port(host.clone(), port),
            Self::Socket(_) => self.clone(),
        }
    }

    /// What the answer to the request to listen adds: the port, where the client has let the server choose.
    pub(crate) fn answer(&self, chosen: u16) -> Vec<u8> {
        let mut data = Vec::new();
        if matches!(self, Self::Port(_, 0)) {
            ForwardedPort { port: chosen.into() }.encode(&mut data);
        }
        data
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

/// A path must say where it begins: what this process works in is nothing a client knows.
fn path(bytes: &[u8]) -> Option<Endpoint> {
    text(bytes).filter(|path| PathBuf::from(path).is_absolute()).map(Endpoint::Socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_is_not_read() {
        let direct = |host: &str, port: u32| {
            let mut data = Vec::new();
            DirectTcpip { host: host.as_bytes(), port, originator: b"", originator_port: 0 }
                .encode(&mut data);
            Endpoint::of_channel(b"direct-tcpip", &data)
        };
        assert_eq!(direct("a", 80), Some(Endpoint::Port("a".to_owned(), 80)));
        for (host, port) in [("a", 0), ("a", 65536), ("", 80), ("a\0b", 80)] {
            assert_eq!(direct(host, port), None, "{host:?} {port}");
        }
        let listen = |port: u32| {
            let mut data = Vec::new();
            TcpipForward { address: b"", port }.encode(&mut data);
            Ask::read(b"tcpip-forward", &data)
        };
        assert_eq!(listen(0), Some(Ask::Listen(Endpoint::Port(String::new(), 0))));
        assert_eq!(listen(65536), None);
        let socket = |path: &str| {
            let mut data = Vec::new();
            path.as_bytes().encode(&mut data);
            Ask::read(b"streamlocal-forward@openssh.com", &data)
        };
        assert_eq!(socket("/tmp/x"), Some(Ask::Listen(Endpoint::Socket("/tmp/x".to_owned()))));
        assert_eq!(socket("x"), None);
        assert!(Endpoint::addresses("example.com").is_empty());
    }
}
