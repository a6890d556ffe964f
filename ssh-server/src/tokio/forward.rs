//! Forwarded connections: made for the client, and taken for it.

use super::{
    Channel,
    together::first,
    unblock::{ADDRESSES, LOOKUPS, unblock, unblock_in},
};
use crate::{
    Forwarding, Login,
    blocking::forward::listen::Listener,
    forwarding::{Ask, Endpoint, PATIENCE, PAUSE},
    server::Parts,
};
use ssh_session::tokio::{ChannelOffer, Connection, GlobalRequest};
use ssh_wire::number::open_failure;
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    os::fd::OwnedFd,
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::Semaphore,
    task::AbortHandle,
    time::{sleep, timeout},
};

/// The forwarded connections of one session, and what is listened on for them until this is dropped.
pub(super) struct Forwards<H> {
    parts: Arc<Parts<H>>,
    connection: Connection,
    login: Arc<Login>,
    places: Arc<Semaphore>,
    listeners: HashMap<Endpoint, Listening>,
}

/// Tasks that accept connections, until this is dropped.
struct Listening {
    accepting: Vec<AbortHandle>,
    /// What is listened on: a socket of the file system goes with it.
    _listener: Listener,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.iter().for_each(AbortHandle::abort);
    }
}

impl<H: Send + Sync + 'static> Forwards<H> {
    pub(super) fn new(parts: Arc<Parts<H>>, connection: Connection, login: Arc<Login>) -> Self {
        let places = Arc::new(Semaphore::new(parts.limits.connections.min(Semaphore::MAX_PERMITS)));
        Self { parts, connection, login, places, listeners: HashMap::new() }
    }

    /// Makes the connection that the client asks for, if it may.
    pub(super) async fn connect(&self, offer: ChannelOffer) {
        let Some(endpoint) = Endpoint::of_channel(offer.channel_type(), offer.data()) else { return };
        if !self.may(&endpoint, Endpoint::may_connect).await {
            return offer.refuse(open_failure::ADMINISTRATIVELY_PROHIBITED, "forwarding is not permitted");
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return offer.refuse(open_failure::RESOURCE_SHORTAGE, "too many connections");
        };
        let (parts, login, connection) = (self.parts.clone(), self.login.clone(), self.connection.clone());
        tokio::spawn(async move {
            // Who waits for an address no longer wants it when the session is over.
            let connected = first(connect(parts, login, &endpoint), async {
                Err(io::Error::other(connection.wait().await))
            });
            let passed = match connected.await {
                Ok(stream) => match offer.accept() {
                    Ok(channel) => stream.join(channel).await,
                    Err(error) => Err(error.into()),
                },
                Err(error) => {
                    offer.refuse(open_failure::CONNECT_FAILED, "connection failed");
                    Err(error)
                }
            };
            passed.unwrap_or_else(|error| log::debug!("connection to {endpoint:?}: {error}"));
            drop(place);
        });
    }

    /// Listens, or does so no longer.
    pub(super) async fn request(&mut self, request: GlobalRequest) {
        match Ask::read(request.name(), request.data()) {
            Some(Ask::Listen(endpoint)) => {
                if let Some(answer) = self.listen(&endpoint).await {
                    request.reply(true, &answer);
                }
            }
            Some(Ask::Cancel(endpoint)) => {
                let was_there = self.listeners.remove(&endpoint).is_some();
                request.reply(was_there, &[]);
            }
            None => {}
        }
    }

    /// Asks the policy.
    async fn may(&self, endpoint: &Endpoint, ask: fn(&Endpoint, &Login, &dyn Forwarding) -> bool) -> bool {
        let (endpoint, login, parts) = (endpoint.clone(), self.login.clone(), self.parts.clone());
        unblock(move || ask(&endpoint, &login, &*parts.forwarding)).await.unwrap_or(false)
    }

    /// Listens; answers with what the client is told.
    async fn listen(&mut self, endpoint: &Endpoint) -> Option<Vec<u8>> {
        if !self.may(endpoint, Endpoint::may_listen).await {
            return None;
        }
        if self.listeners.len() >= self.parts.limits.listeners || self.listeners.contains_key(endpoint) {
            return None;
        }
        let prepared = Listener::bind(endpoint).and_then(|listener| {
            let sockets = listener.sockets().iter().map(|socket| Socket::new(endpoint, socket.try_clone()?));
            Ok((sockets.collect::<io::Result<Vec<_>>>()?, listener))
        });
        let (sockets, listener) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                log::debug!("{endpoint:?} can't be listened on: {error}");
                return None;
            }
        };
        let (port, answer) = (listener.port(), endpoint.answer(listener.port()));
        let accepting = sockets.into_iter().map(|socket| {
            let (connection, places) = (self.connection.clone(), self.places.clone());
            tokio::spawn(accept(connection, places, endpoint.clone(), port, socket)).abort_handle()
        });
        self.listeners
            .insert(endpoint.at(port), Listening { accepting: accepting.collect(), _listener: listener });
        Some(answer)
    }
}

/// Accepts connections for the client.
async fn accept(
    connection: Connection,
    places: Arc<Semaphore>,
    endpoint: Endpoint,
    port: u16,
    socket: Socket,
) {
    loop {
        let (stream, originator) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Without descriptors, it would fail again at once.
                log::warn!("connection to {endpoint:?} not accepted: {error}");
                sleep(PAUSE).await;
                continue;
            }
        };
        // Without a place the connection is cut.
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let (channel_type, data) = endpoint.forwarded(port, originator);
        let connection = connection.clone();
        tokio::spawn(async move {
            match connection.open(channel_type, &data).await {
                Ok(channel) => stream.join(channel).await,
                Err(error) => Err(error.into()),
            }
            .unwrap_or_else(|error| log::debug!("forwarded connection: {error}"));
            drop(place);
        });
    }
}

/// Connects to a socket, or to the first address that answers, of those that are permitted.
async fn connect<H: Send + Sync + 'static>(
    parts: Arc<Parts<H>>,
    login: Arc<Login>,
    endpoint: &Endpoint,
) -> io::Result<Stream> {
    let (host, port) = match endpoint {
        Endpoint::Socket(path) => {
            return in_time(UnixStream::connect(path)).await.map(Stream::Socket);
        }
        Endpoint::Port(host, port) => (host.as_str(), *port),
    };
    let mut last = io::Error::new(io::ErrorKind::PermissionDenied, "no address is permitted");
    for address in resolve(&LOOKUPS, host, port, look_up).await? {
        let (parts, login) = (parts.clone(), login.clone());
        let may = move || parts.forwarding.may_connect_address(&login, address);
        if !unblock_in(&ADDRESSES, may).await? {
            continue;
        }
        match in_time(TcpStream::connect(address)).await {
            Ok(stream) => return Stream::port(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses of a host, by `look_up` where it is a name.
async fn resolve(
    places: &'static Semaphore,
    host: &str,
    port: u16,
    look_up: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let host = host.to_owned();
    unblock_in(places, move || look_up(&host, port)).await?
}

fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}

async fn in_time<T>(connect: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// What is listened on.
enum Socket {
    Port(TcpListener),
    Socket(UnixListener),
}

impl Socket {
    fn new(endpoint: &Endpoint, socket: OwnedFd) -> io::Result<Self> {
        Ok(match endpoint {
            Endpoint::Port(..) => Self::Port(TcpListener::from_std(socket.into())?),
            Endpoint::Socket(_) => Self::Socket(UnixListener::from_std(socket.into())?),
        })
    }

    async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Port(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Stream::port(stream)?, Some(from)))
            }
            Self::Socket(listener) => Ok((Stream::Socket(listener.accept().await?.0), None)),
        }
    }
}

/// A connection to be joined to a channel.
enum Stream {
    Port(TcpStream),
    Socket(UnixStream),
}

impl Stream {
    fn port(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::Port(stream))
    }

    /// Passes bytes both ways until both directions are through, or the client closes the channel.
    async fn join(self, channel: Channel) -> io::Result<()> {
        match self {
            Self::Port(stream) => join(channel, stream).await,
            Self::Socket(stream) => join(channel, stream).await,
        }
    }
}

async fn join(mut channel: Channel, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let watch = channel.clone();
    let passed = first(async { copy_bidirectional(&mut channel, &mut stream).await.map(drop) }, async {
        // Requests have no meaning here, and are refused as they are dropped.
        while let Ok(Some(_)) = watch.next_request().await {}
        Ok(())
    })
    .await;
    watch.close();
    passed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use tokio::runtime::Builder;

    #[test]
    fn names_wait_for_a_place_and_addresses_need_none() {
        let places: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let told = |_: &str, port| Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))]);
            let taken = places.acquire().await.unwrap();
            for (host, address) in [("127.0.0.1", "127.0.0.1:7"), ("::1", "[::1]:7")] {
                assert_eq!(resolve(places, host, 7, told).await.unwrap(), [address.parse().unwrap()]);
            }
            assert!(testing::polled(1, resolve(places, "host", 7, told)).await.is_none());
            drop(taken);
            assert_eq!(resolve(places, "host", 7, told).await.unwrap(), told("host", 7).unwrap());
            assert_eq!(places.available_permits(), 1);
        });
    }
}
