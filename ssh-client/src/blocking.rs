//! Sessions and channels for threads.
//!
//! [`Session`] and [`Channel`] are handles: clone them, share them between threads; the session ends when the last
//! handle is gone or when one is told to [close](Session::close) it. How a session runs, which threads it has, and what
//! happens to a stream that nobody reads, is told [where they are](ssh_session::blocking). [`Command`] adds one thread
//! while it has input to write.

mod command;
mod connect;
mod session;

pub use crate::Output;
pub use command::Command;
pub use connect::{Login, Unverified};
pub use session::Session;
pub use ssh_session::blocking::{
    Channel, Direct, Forward, Forwarded, Halves, Incoming, Source, Stderr, Stream, Terminal,
};
#[cfg(unix)]
pub use ssh_session::blocking::{Readiness, Ready};
