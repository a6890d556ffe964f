//! User authentication of SSH-2, private key files and the agent protocol, without I/O.
//!
//! | module | holds | standard |
//! | --- | --- | --- |
//! | [`client`] | [`Client`], the client's engine | RFC 4252, 4256, 8332 |
//! | [`server`] | [`Server`], the server's engine | RFC 4252, 4256 |
//! | [`method`] | the methods a client can try | RFC 4252, 4256, OpenSSH PROTOCOL §3.1 |
//! | [`attempt`] | [`Attempt`]: what was tried and what the server said | |
//! | [`keyfile`] | private key files of every format | RFC 4716, 5208, 5915, 7468, OpenSSH PROTOCOL.key |
//! | [`certificate`] | certificates of users and hosts | OpenSSH PROTOCOL.certkeys |
//! | [`revoked`] | lists of keys and certificates that were revoked | OpenSSH PROTOCOL.krl |
//! | [`pattern`] | patterns with `*` and `?` | ssh_config(5) |
//! | [`agent`] | the protocol between a client and its agent | draft-ietf-sshm-ssh-agent, OpenSSH PROTOCOL.agent |
//!
//! The engines take the messages that a transport has decrypted, ask by events, and put their own messages into a
//! [`PacketSink`](ssh_wire::PacketSink). Here a user with a key and a password logs in to a server that wants both, with
//! nothing but memory between the two:
//!
//! ```
//! use ssh_auth::{Client, ClientConfig, Event, KeyMethod, Method, Server, ServerConfig, ServerEvent};
//! use ssh_crypto::{KeyKind, KeyPair, PrivateKey, Signer, default_provider};
//! use ssh_wire::{Decoder, Encoder, Packet, PacketSink};
//! use std::sync::Arc;
//!
//! /// A transport without keys.
//! struct Wire(Encoder, Decoder);
//! impl PacketSink for Wire {
//!     fn packet(&mut self) -> Option<Packet<'_>> {
//!         Some(self.0.packet())
//!     }
//! }
//! impl Wire {
//!     fn messages(&mut self) -> Vec<Vec<u8>> {
//!         let bytes = std::mem::take(self.0.output());
//!         self.1.push(&bytes);
//!         std::iter::from_fn(|| self.1.decode().ok()?).map(|inbound| inbound.payload.to_vec()).collect()
//!     }
//! }
//! let mut wire = Wire(Encoder::new(|_| {}), Decoder::default());
//!
//! let provider = Arc::new(default_provider());
//! let key = KeyPair::new(&PrivateKey::generate(KeyKind::Ed25519, provider.random)?, &provider)?;
//! let methods = vec![
//!     Method::Publickey(KeyMethod {
//!         public_key: key.public_key().to_vec(),
//!         algorithms: vec!["ssh-ed25519".to_owned()],
//!         probe: false,
//!         id: 0,
//!     }),
//!     Method::Password { id: 1 },
//! ];
//! // Both sides know it from the key exchange.
//! let session_id = b"the first exchange hash".to_vec();
//! let mut client = Client::new(ClientConfig::new("alice", methods), session_id.clone());
//! let mut server = Server::new(ServerConfig::new(provider, &["publickey"]), session_id);
//!
//! client.start();
//! 'authentication: loop {
//!     while let Some(event) = client.poll_event() {
//!         match event {
//!             Event::Sign { algorithm, data, .. } => client.signature(key.sign(&algorithm, &data)),
//!             Event::Password { attempt: 1, .. } => client.password(Some("correct horse".into())),
//!             Event::Success => break 'authentication,
//!             other => panic!("{other:?} after {:?}", client.attempts()),
//!         }
//!     }
//!     client.flush(&mut wire);
//!     for message in wire.messages() {
//!         server.handle(&message)?;
//!         match server.poll_event() {
//!             Some(ServerEvent::Publickey { public_key, .. }) if public_key == key.public_key() => {
//!                 server.partial(&["password"])?;
//!             }
//!             Some(ServerEvent::Password { password, .. }) if *password == *b"correct horse" => server.accept()?,
//!             Some(_) => server.reject()?,
//!             None => {}
//!         }
//!     }
//!     server.flush(&mut wire);
//!     for message in wire.messages() {
//!         client.handle(&message)?;
//!     }
//! }
//! assert_eq!(client.attempts()[1].to_string(), "password: accepted");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod agent;
pub mod attempt;
pub mod certificate;
pub mod client;
mod error;
pub mod keyfile;
pub mod method;
pub mod pattern;
pub mod revoked;
pub mod server;

pub use attempt::Attempt;
pub use certificate::Certificate;
pub use client::{Client, ClientConfig, Event};
pub use error::{Error, ErrorKind};
pub use keyfile::{KeyFileError, KeyFileErrorKind, PrivateKeyFile};
pub use method::{Method, hostbased::HostbasedMethod, interactive::Prompt, publickey::KeyMethod};
pub use revoked::{RevokedKeys, RevokedKeysError};
pub use server::{Server, ServerConfig, ServerEvent};
