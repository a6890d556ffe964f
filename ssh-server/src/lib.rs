//! An SSH-2 server: sessions over any stream, with the decisions in your hands.
//!
//! ```no_run
//! use ssh_server::{Fixed, KeyKind, KeyPair, PrivateKey, Server, ShellCommands};
//! use std::{net::TcpListener, sync::Arc};
//!
//! let server = Server::new(Fixed::new("alice").password("correct horse"))
//!     .commands(ShellCommands);
//! let key = PrivateKey::generate(KeyKind::Ed25519, &*server.provider().random)?;
//! let key = KeyPair::new(&key, server.provider())?;
//! let server = server.host_key(Arc::new(key));
//! let serving = server.serve(TcpListener::bind("127.0.0.1:2222")?)?;
//! serving.wait();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What has no handler is refused: without [`Server::commands`], nothing can be run; ports are not forwarded, and
//! there are no terminals and no variables.
//!
//! | module | holds |
//! | --- | --- |
//! | [`auth`] | [`Authenticator`]: who may in; [`Fixed`]: one user |
//! | [`command`] | [`Commands`]: what runs a command; [`ShellCommands`]: the shell of this machine |
//! | [`server`] | [`Server`], its [`Limits`], and [`Serving`], which stops it |

#![cfg(unix)]

pub mod auth;
pub mod command;
pub mod server;
mod startups;

pub use auth::{Authenticator, Credential, Fixed, Verdict};
pub use command::{Commands, ShellCommands};
pub use server::{Limits, Server, Serving};

pub use ssh_connection::Exit;
pub use ssh_crypto::{KeyKind, KeyPair, PrivateKey, Provider, PublicKey, Secret, Signer};
pub use ssh_session::{Error, ErrorKind, Phase, Settings};
