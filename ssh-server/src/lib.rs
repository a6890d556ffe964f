//! An SSH-2 server: sessions over any stream, with the decisions in your hands.
//!
//! ```no_run
//! use ssh_server::{Fixed, KeyKind, KeyPair, PrivateKey, Programs, Server, default_provider};
//! use std::{net::TcpListener, sync::Arc};
//!
//! let provider = default_provider();
//! let key = PrivateKey::generate(KeyKind::Ed25519, provider.random)?;
//! let serving = Server::builder()
//!     .host_key(Arc::new(KeyPair::new(&key, &provider)?))
//!     .auth(Fixed::new("alice").password("correct horse"))
//!     .sessions(Programs::new())
//!     .serve(TcpListener::bind("127.0.0.1:2222")?)?;
//! serving.wait();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Users with files of keys, connections forwarded, another limit:
//!
//! ```no_run
//! # use ssh_server::{AuthorizedKeys, ForwardAll, Limits, Programs, Server, Signer, blocking::Serving};
//! # use std::{net::TcpListener, sync::Arc};
//! # fn example(key: Arc<dyn Signer>) -> Result<Serving, Box<dyn std::error::Error>> {
//! let mut limits = Limits::default();
//! limits.sessions = 16;
//! let server = Server::builder()
//!     .host_key(key)
//!     .auth(AuthorizedKeys::new("alice", "/home/alice/.ssh/authorized_keys"))
//!     .sessions(Programs::new().shell(false).subsystem("sftp", "/usr/lib/openssh/sftp-server"))
//!     .forwarding(ForwardAll)
//!     .banner("Be welcome.\n")
//!     .limits(limits)
//!     .build()?;
//! # Ok(server.serve(TcpListener::bind("127.0.0.1:2222")?)?)
//! # }
//! ```
//!
//! What has no handler is refused: without [`Builder::sessions`](server::Builder::sessions) nothing can be run, without
//! [`Builder::forwarding`](server::Builder::forwarding) no connection is forwarded.
//!
//! | module | holds |
//! | --- | --- |
//! | [`server`] | [`Server`] and how it is built |
//! | [`limits`] | [`Limits`]: what is granted at most |
//! | [`auth`] | [`Authenticator`]: who may in; [`Fixed`], [`AuthorizedKeys`] |
//! | [`login`] | [`Login`]: who is in; [`Permissions`]: what their credentials permit |
//! | [`request`] | what a client asks for on a session channel |
//! | [`programs`] | [`Programs`]: runs programs of this machine |
//! | [`process`] | how processes are started, signalled and told to have ended, on terminals or pipes |
//! | [`forwarding`] | [`Forwarding`]: where connections may lead |
//! | [`blocking`] | serving by threads, and handlers for them |
//! | `tokio` | the same by tasks, with the feature `tokio` |

#![cfg(unix)]

pub mod auth;
pub mod blocking;
pub mod forwarding;
pub mod limits;
pub mod login;
pub mod process;
pub mod programs;
pub mod request;
pub mod server;
mod start;
mod startups;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use auth::{Authenticator, AuthorizedKeys, Client, Credential, Fixed, Method, Verdict};
pub use forwarding::{ForwardAll, Forwarding, NoForwarding};
pub use limits::Limits;
pub use login::{Login, Permissions};
pub use programs::Programs;
pub use server::{Builder, Server};
pub use start::Start;

pub use ssh_auth::certificate::CertifiedSigner;
pub use ssh_connection::Exit;
pub use ssh_crypto::{KeyKind, KeyPair, PrivateKey, Provider, PublicKey, Secret, Signer};
pub use ssh_kex::default_provider;
pub use ssh_session::{Error, ErrorKind, Keepalive, Phase, Settings};
