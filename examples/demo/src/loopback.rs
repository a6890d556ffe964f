//! A host of its own, for a first try on a machine that has no SSH server: in this process, on 127.0.0.1, for this user.

use crate::exit::Failure;
use log::debug;
use ssh_client::{Provider, PublicKey, Signer};
use ssh_server::{Fixed, ForwardAll, KeyKind, KeyPair, PrivateKey, Programs, Server, blocking::Serving};
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

/// Where the server listens: its keys are made anew each time, and known to nobody else.
pub(crate) const HOST: &str = "127.0.0.1";

/// The server, until it is dropped.
pub(crate) struct Loopback {
    serving: Serving,
    /// The key that the server has to show.
    pub(crate) host_key: PublicKey,
    /// The only key that it lets in.
    pub(crate) user_key: Arc<dyn Signer>,
}

impl Loopback {
    /// Runs commands and shells for `user`, who is whoever runs this program.
    pub(crate) fn start(user: &str, provider: &Provider) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(format!("server of --loopback: {error}"));
        let generate =
            || PrivateKey::generate(KeyKind::Ed25519, provider.random).map_err(|error| failed(&error));
        let pair = |key: &PrivateKey| KeyPair::new(key, provider).map_err(|error| failed(&error));
        let (host, own) = (generate()?, generate()?);
        let server = Server::builder()
            .host_key(Arc::new(pair(&host)?))
            .auth(Fixed::new(user).key(own.public_key()))
            .sessions(Programs::new())
            .forwarding(ForwardAll)
            .build()
            .map_err(|error| failed(&error))?;
        let serving = TcpListener::bind((HOST, 0))
            .and_then(|listener| server.serve(listener))
            .map_err(|error| failed(&error))?;
        debug!("a server of our own listens on {}", serving.address());
        Ok(Self { serving, host_key: host.public_key(), user_key: Arc::new(pair(&own)?) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address()
    }
}
