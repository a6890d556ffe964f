//! Sessions and channels for tasks, over any runtime's streams.
//!
//! A session is run by one future, its [`Driver`]: it reads, decrypts, hands out what has arrived, writes and minds the
//! clock. [`Connection`] and [`Channel`] are handles that wake it: clone them, share them between tasks. The session ends
//! when the last handle is gone or when one is told to [close](Connection::close) it, and its driver with it.
//!
//! The driver needs no task of its own, but somebody has to poll it while a session is waited for:
//!
//! ```no_run
//! # async fn example(stream: tokio::net::TcpStream) -> Result<(), ssh_session::Error> {
//! use ssh_session::{Phase, Settings, tokio::Connection};
//!
//! let (connection, driver) = Connection::client(stream, Settings::new(ssh_kex::Config::default()))?;
//! tokio::spawn(driver);
//! println!("{:?}", connection.next_decision(None, Phase::Handshake).await?);
//! # Ok(())
//! # }
//! ```
//!
//! Its timers, and the timeouts of calls, are those of tokio, which must be enabled in the runtime.
//!
//! **What is not read** stops its own channel and no other, as it is told for [threads](crate::blocking).
//!
//! **Dropping a future** that is not done leaves the session usable, always. Each method says what becomes of what it
//! was to do; *cancel safe* means that nothing is lost, and that it may as well be called again.

mod channel;
mod connection;
mod driver;
mod forward;
mod half;
mod incoming;
mod peer_requests;
mod shared;
mod waiting;
mod wire;

pub use crate::{ChannelRequest, Decision, GlobalRequest, Terminal, inbox::Source};
pub use channel::Channel;
pub use connection::Connection;
pub use driver::Driver;
pub use forward::{Forward, Forwarded};
pub use half::{ReadHalf, WriteHalf};
pub use incoming::Incoming;
pub use peer_requests::{ChannelOffer, PeerRequest, PeerRequests};
