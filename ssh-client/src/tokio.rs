//! Sessions and channels for tasks, on tokio.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use ssh_client::{Config, host_key::Known, known_hosts::KnownHosts, tokio::Session};
//!
//! let known = KnownHosts::load("/home/alice/.ssh/known_hosts")?;
//! let config = Config::new("alice").password("correct horse").host_key(Known(known));
//! let session = Session::connect(("example.com", 22), &config).await?;
//! let (mut date, mut uptime) = (session.command("date"), session.command("uptime"));
//! let (date, uptime) = tokio::join!(date.output(), uptime.output());
//! println!("{}{}", String::from_utf8_lossy(&date?.stdout), String::from_utf8_lossy(&uptime?.stdout));
//! # Ok(())
//! # }
//! ```
//!
//! [`Session`] and [`Channel`] are handles: clone them, share them between tasks; the session ends when the last handle
//! is gone or when one is told to [close](Session::close) it. How a session runs is told
//! [where they are](ssh_session::tokio): each has one task of its own, in which no caller's code runs but the stream's.
//!
//! It takes a runtime with I/O and time enabled, of either flavour. What a [`Config`](crate::Config) holds may block:
//! policies, callbacks, signers, agents. It runs on [`spawn_blocking`](tokio::task::spawn_blocking), and goes on there to
//! its end when the future that waits for it is dropped.

mod command;
mod connect;
mod session;

pub use crate::Output;
pub use command::{Child, ChildStdin, Command};
pub use connect::{Login, Unverified};
pub use session::Session;
pub use ssh_session::tokio::{Channel, Forward, Forwarded, Incoming, ReadHalf, Source, Terminal, WriteHalf};
