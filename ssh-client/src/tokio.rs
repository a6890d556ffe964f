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
//! It takes a runtime with I/O and time enabled, of either flavour.
//!
//! # Decisions
//!
//! What needs a person or a service is best awaited where the session is: no thread waits, and other tasks go on.
//!
//! | decision | awaited | blocking |
//! | --- | --- | --- |
//! | host key | [`Config::host_key_async`](crate::Config::host_key_async), [`DecideAsync`](crate::host_key::DecideAsync) | [`Config::host_key`](crate::Config::host_key) |
//! | password | [`Credential::ask_password_async`](crate::Credential::ask_password_async) | [`Credential::AskPassword`](crate::Credential::AskPassword) |
//! | dialogue | [`Credential::interactive_async`](crate::Credential::interactive_async) | [`Credential::Interactive`](crate::Credential::Interactive) |
//! | new password | [`Config::change_password_async`](crate::Config::change_password_async) | [`Config::change_password`](crate::Config::change_password) |
//! | signature | [`Credential::KeyAsync`](crate::Credential::KeyAsync), and the keys of an agent at a socket | [`Credential::Key`](crate::Credential::Key) |
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # async fn ask(_: &str) -> Option<String> { None }
//! use ssh_client::{Config, Credential, agent::Agent, host_key::{DecideAsync, HostKey, HostKeyRefused}, tokio::Session};
//!
//! let config = Config::new("alice")
//!     .host_key_async(DecideAsync(|key: HostKey| async move {
//!         match ask(&format!("is {} right?", key.fingerprint())).await.as_deref() {
//!             Some("yes") => Ok(()),
//!             _ => Err(HostKeyRefused("the user said no".to_owned())),
//!         }
//!     }))
//!     .credential(Credential::agent(Agent::at("/run/user/1000/agent")))
//!     .credential(Credential::ask_password_async(|_attempt| async { ask("password").await.map(Into::into) }));
//! let session = Session::connect(("example.com", 22), &config).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A decision is dropped with the future that connects, and when the session ends while it is made: it may be dropped
//! anywhere, and starts from its beginning if it is asked again. What blocks runs on
//! [`spawn_blocking`](tokio::task::spawn_blocking), and goes on there to its end. The time that a decision takes counts
//! for no timeout; the server's patience may end before (`LoginGraceTime`).

#[cfg(unix)]
mod agent;
mod command;
mod connect;
mod session;
mod tasks;

pub use crate::Output;
#[cfg(unix)]
pub use agent::Agent;
pub use command::{Child, ChildStdin, Command};
pub use connect::{Login, Unverified};
pub use session::Session;
pub use ssh_session::tokio::{Channel, Forward, Forwarded, Incoming, ReadHalf, Source, Terminal, WriteHalf};
