//! A session: authenticated, with channels to open.

use super::{
    Channel, Command, Forward, Incoming,
    connect::{self, Unverified},
};
use crate::{Config, Error, agent::SessionBinding, host_key::HostKey};
use bytes::Bytes;
use ssh_kex::Negotiated;
use ssh_session::tokio::Connection;
use ssh_wire::ident::Identification;
use std::{fmt, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// An authenticated connection to a server. It is a handle: clones are the same session, and tasks may share it.
///
/// The session ends when the last handle, those of its channels included, is dropped.
#[derive(Clone)]
pub struct Session {
    connection: Connection,
    user: Arc<str>,
    host_key: Arc<HostKey>,
}

/// How a session begins.
impl Session {
    /// Connects, checks the host key and authenticates, with everything prepared in `config`.
    ///
    /// `address` is a host name or an IP address with a port. All its addresses are tried in order. Dropping the future
    /// ends the connection.
    pub async fn connect<'a>(address: impl Into<(&'a str, u16)>, config: &Config) -> Result<Self, Error> {
        let (host, port) = address.into();
        let stream = Self::dial((host, port), config).await?;
        Self::connect_over(stream, host, port, config).await
    }

    /// The first of the steps that [`Session::connect`] takes in one: the name resolved, and the first of its addresses
    /// that answers connected to. The stream is for [`Session::handshake`]. Dropping the future ends the connection.
    pub async fn dial<'a>(address: impl Into<(&'a str, u16)>, config: &Config) -> Result<TcpStream, Error> {
        let (host, port) = address.into();
        connect::dial(host, port, config).await
    }

    /// The same over a stream the caller has: a socket, a process's pipes, a [`Channel`] of a session to a jump host.
    /// `host` and `port` are what the host key is looked up by. Dropping the future ends the connection.
    pub async fn connect_over<S>(stream: S, host: &str, port: u16, config: &Config) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::handshake(stream, host, port, config).await?.verify().await?.authenticate().await
    }

    /// The first of the steps that [`Session::connect_over`] takes in one: the key exchange, up to the point where
    /// the host key has to be accepted. Dropping the future ends the connection.
    pub async fn handshake<S>(stream: S, host: &str, port: u16, config: &Config) -> Result<Unverified, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Unverified::start(stream, host, port, config).await
    }

    pub(super) fn new(connection: Connection, user: &str, host_key: Arc<HostKey>) -> Self {
        Self { connection, user: user.into(), host_key }
    }
}

/// What a session does.
impl Session {
    /// Opens a channel of type `session`, on which one command, shell or subsystem can be started (RFC 4254 §6.1).
    ///
    /// Dropping the future closes the channel.
    pub async fn open_session(&self) -> Result<Channel, Error> {
        self.connection.open_session().await
    }

    /// Lets the server connect to `host` and `port`, as it sees them (RFC 4254 §7.2). `originator` is told to the
    /// server as the one who asks.
    ///
    /// Dropping the future closes the channel.
    pub async fn direct_tcpip(
        &self,
        host: &str,
        port: u16,
        originator: (&str, u16),
    ) -> Result<Channel, Error> {
        self.connection.direct_tcpip(host, port, originator).await
    }

    /// Opens a channel of any type; `data` is what the type adds to the request, encoded.
    ///
    /// Dropping the future closes the channel.
    pub async fn open(&self, channel_type: &str, data: &[u8]) -> Result<Channel, Error> {
        self.connection.open(channel_type, data).await
    }

    /// A command to run on a channel of its own, in the manner of `tokio::process::Command`.
    pub fn command(&self, command: impl Into<Vec<u8>>) -> Command {
        Command::new(self.clone(), command.into())
    }

    /// Asks the server to listen on `address` (empty for all it has) and `port` (0 lets it choose), and to pass
    /// connections on (RFC 4254 §7.1).
    ///
    /// The request is sent at the first poll. When the future is dropped later the port is given back.
    pub async fn forward(&self, address: &str, port: u16) -> Result<Forward, Error> {
        self.connection.forward(address, port).await
    }

    /// Lets the server open channels of this type, which are refused otherwise: `auth-agent@openssh.com` for an agent
    /// that was forwarded by a request of a channel. Connections to forwarded ports come to [`Session::forward`].
    ///
    /// # Errors
    /// Channels of this type are taken already, or the session has ended.
    pub fn incoming(&self, channel_type: &str) -> Result<Incoming, Error> {
        self.connection.incoming(channel_type)
    }

    /// Sends a global request and waits for the answer if one is wanted: whether it succeeded, and its data.
    ///
    /// The request is sent at the first poll; dropping the future later gives up the answer only.
    pub async fn global_request(
        &self,
        name: &str,
        want_reply: bool,
        data: &[u8],
    ) -> Result<(bool, Bytes), Error> {
        self.connection.global_request(name, want_reply, data).await
    }

    /// Asks the server for a sign of life and waits for it; any answer is one. Cancel safe.
    pub async fn ping(&self) -> Result<(), Error> {
        self.connection.ping().await
    }

    /// Starts a key exchange now. Data goes on flowing as soon as it is over.
    pub fn rekey(&self) -> Result<(), Error> {
        self.connection.rekey()
    }

    /// Waits until the session ends, and answers how. Cancel safe.
    pub async fn wait(&self) -> Error {
        self.connection.wait().await
    }

    /// Ends the session for all handles, and waits until what was written has left, if the server takes it in time, and
    /// the stream is closed. Calls that wait end with an error of kind [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    ///
    /// The session ends at the first poll; dropping the future later gives up the wait only.
    pub async fn close(&self) {
        self.connection.close().await;
    }
}

/// What can be asked about a session.
impl Session {
    /// Whether the session is usable. It is authenticated from its beginning: what is not, is a
    /// [`Login`](super::Login).
    pub fn is_active(&self) -> bool {
        self.connection.is_active()
    }

    /// What was negotiated in the last key exchange.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.connection.negotiated()
    }

    /// The server's identification string.
    pub fn server(&self) -> Option<Identification> {
        self.connection.peer_identification()
    }

    /// The server's host key, which was accepted, with the name and the port it was looked up by.
    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// What binds an agent's connection to this session: [`Agent::forwarded_to`](crate::agent::Agent::forwarded_to).
    pub fn binding(&self) -> Option<SessionBinding> {
        SessionBinding::of_tasks(&self.connection)
    }

    /// The session identifier: the exchange hash of the first key exchange (RFC 4253 §7.2).
    pub fn session_id(&self) -> Vec<u8> {
        self.connection.session_id()
    }

    /// Who is logged in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The session below this facade, of which this is a handle.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user).field("connection", &self.connection).finish()
    }
}
