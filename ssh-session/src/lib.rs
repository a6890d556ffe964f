//! Runs the engines of an SSH-2 session over a stream, for either role.
//!
//! The layers below do no I/O. This crate owns the stream: it reads, lets the engines decrypt, decide and answer,
//! writes, minds the clock, and gives channels that behave like sockets. `ssh-client` and `ssh-server` are facades over
//! it; whoever needs neither's policies (known hosts, credentials, handlers) can use it alone:
//!
//! ```no_run
//! use ssh_auth::{Method, client};
//! use ssh_session::{Phase, Settings, blocking::{Connection, Decision}};
//!
//! let stream = std::net::TcpStream::connect("127.0.0.1:22")?;
//! let connection = Connection::client(stream, Settings::new(ssh_kex::Config::default()))?;
//! let Decision::HostKey { blob, .. } = connection.next_decision(None, Phase::Handshake)? else { return Ok(()) };
//! println!("the host key has {} bytes", blob.len());
//! connection.accept_host_key()?;
//! connection.authenticate(client::ClientConfig::new("alice", vec![Method::None]))?;
//! while let Decision::ClientAuth(event) = connection.next_decision(None, Phase::Authentication)? {
//!     match event {
//!         client::Event::Success => println!("in"),
//!         client::Event::Failed => println!("refused"),
//!         _ => continue,
//!     }
//!     break;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`blocking`] | [`Connection`](blocking::Connection) and [`Channel`](blocking::Channel) for threads, and the [`Stream`](blocking::Stream)s they run over |
//! | `tokio` | the same for tasks, over anything that is `AsyncRead` and `AsyncWrite`; with the feature `tokio` |
//! | [`settings`] | [`Settings`]: what a session is told beforehand |
//! | `modes` | the modes of a terminal; on Unix |
//! | [`error`] | [`Error`], its [`ErrorKind`] and the [`Phase`] of a timeout |

mod bell;
pub mod blocking;
mod core;
mod dispatch;
mod endpoint;
mod engine;
pub mod error;
mod inbox;
mod incoming;
mod listeners;
#[cfg(unix)]
pub mod modes;
mod pace;
mod peer_requests;
mod request;
pub mod settings;
#[cfg(unix)]
mod signal;
#[cfg(feature = "tokio")]
mod tasks;
mod terminal;
mod timers;
#[cfg(feature = "tokio")]
pub mod tokio;
mod watch;

pub use core::Decision;
pub use error::{Error, ErrorKind, Phase};
pub use peer_requests::{ChannelOffer, GlobalRequest, PeerRequest};
pub use request::ChannelRequest;
pub use settings::{Keepalive, Settings};
pub use terminal::Terminal;
