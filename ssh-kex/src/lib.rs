//! The transport layer of SSH-2 as an engine without I/O: negotiation, key exchange, rekeying, strict key exchange.
//!
//! | module | holds | standard |
//! | --- | --- | --- |
//! | [`transport`] | [`Transport`]: the engine, for clients and servers | RFC 4253 §7–11, OpenSSH PROTOCOL §1.9, §1.10 |
//! | [`receiver`] | [`Receiver`]: from the socket's bytes to packets, beside the transport | RFC 4253 §4.2, §6 |
//! | [`method`] | the key exchange methods, which [`provider`] adds to a [`Provider`] | RFC 4253 §8, 4419, 5656, 8268, 8731 |
//! | [`negotiate`] | what both sides agreed on, or why they could not | RFC 4253 §7.1 |
//! | [`config`] | [`Config`], [`Algorithms`], [`RekeyLimit`] | RFC 4253 §9, 4344 §3, 9142 |
//!
//! Log records have the target [`LOG_TARGET`]: `debug` tells what was negotiated and when keys change, `trace` what both
//! sides offer. Those of single messages, sent or received, have that of [`ssh_wire::LOG_TARGET`]. No secret is ever
//! logged.
//!
//! A client and a server in memory; sockets would stand where the two `feed` calls are:
//!
//! ```
//! use ssh_crypto::{KeyKind, KeyPair, PrivateKey};
//! use ssh_kex::{Config, Event, Receiver, Transport};
//! use std::{sync::Arc, time::Instant};
//!
//! /// Hands bytes from the wire to one side.
//! fn feed(
//!     (transport, receiver): &mut (Transport, Receiver),
//!     bytes: Vec<u8>,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     receiver.push(&bytes);
//!     while let Some(received) = receiver.decode()? {
//!         let _for_the_layers_above = transport.handle(received, Instant::now())?;
//!         while let Some(event) = transport.poll_event() {
//!             if let Event::HostKey { key, algorithm } = event {
//!                 println!("a key of {} bytes, proved by {algorithm}: is it the right one?", key.len());
//!                 transport.accept_host_key(Instant::now())?;
//!             }
//!         }
//!         if let Some(open) = transport.take_open() {
//!             receiver.install(open);
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let config = Config::default();
//! let host_key = PrivateKey::generate(KeyKind::Ed25519, config.provider.random)?;
//! let host_key = Arc::new(KeyPair::new(&host_key, &config.provider)?);
//! let mut server = Transport::server(config.clone(), vec![host_key], Instant::now())?;
//! let mut client = Transport::client(config, Instant::now())?;
//!
//! while !(client.0.is_established() && server.0.is_established()) {
//!     feed(&mut server, std::mem::take(client.0.output()))?;
//!     feed(&mut client, std::mem::take(server.0.output()))?;
//! }
//! assert_eq!(client.0.session_id(), server.0.session_id());
//! assert_eq!(client.0.negotiated().map(|chosen| chosen.kex), Some("mlkem768x25519-sha256"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allowed;
pub mod config;
mod derive;
mod error;
mod event;
mod exchange;
mod ext_info;
mod input;
pub mod method;
pub mod negotiate;
mod offer;
mod owed;
mod padding;
pub mod receiver;
mod rekey;
mod state;
mod strict;
mod text;
pub mod transport;

pub use config::{Algorithms, Config, RekeyLimit};
pub use error::{Error, ErrorKind};
pub use event::{Disconnected, Event};
pub use negotiate::{AlgorithmKind, Negotiated, NothingInCommon};
pub use receiver::{NewOpen, Received, Receiver};
pub use transport::Transport;

use ssh_crypto::Provider;

/// The target of this crate's log records.
pub const LOG_TARGET: &str = "ssh_kex";

/// Which side of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that asks for the host key.
    Client,
    /// The side that has it.
    Server,
}

impl Role {
    /// What the log calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
        }
    }

    /// The other side's role.
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Adds the key exchange methods of this crate behind those that `base` has.
pub fn provider(mut base: Provider) -> Provider {
    for kex in method::ALL {
        if base.kex(kex.name()).is_none() {
            base.kex.to_mut().push(kex);
        }
    }
    base
}

/// The suites of [`ssh_crypto::default_provider`] and the methods of this crate.
pub fn default_provider() -> Provider {
    provider(ssh_crypto::default_provider())
}
