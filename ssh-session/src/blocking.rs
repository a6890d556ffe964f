//! Sessions and channels for threads.
//!
//! A session has two threads of its own: one reads and decrypts while no caller that waits does so itself, one writes
//! what does not leave at once and minds the clock; when the stream takes no more for the first time, a third one is started to mind the clock. None runs the
//! caller's code but the stream's and that of [`Channel::on_ready`], which a caller may also run that waits. [`Connection`] and [`Channel`] are handles: clone
//! them, share them between threads; the session ends when the last handle is gone or when one is told to
//! [close](Connection::close) it.
//!
//! **What is not read.** Each channel has a window, which both its streams (stdout and stderr) share. What arrives is
//! kept until it is read, up to the window, and only what was read is given back as credit. A stream that nobody reads
//! stops its channel when the window is full: the command at the other end then blocks in its write, as with a full
//! pipe, and the other stream gets nothing more either. Other channels do not notice.

mod channel;
mod clock;
mod connection;
mod driver;
mod forward;
mod incoming;
mod output;
mod peer_requests;
mod readiness;
mod reading;
mod stream;
mod stretch;
mod waiting;

pub use crate::{ChannelRequest, Decision, GlobalRequest, Terminal, inbox::Source};
pub use channel::{Channel, Stderr};
pub use connection::Connection;
pub use forward::{Forward, Forwarded};
pub use incoming::Incoming;
pub use peer_requests::{ChannelOffer, PeerRequest, PeerRequests};
#[cfg(unix)]
pub use readiness::{Readiness, Ready};
pub use stream::{Direct, Halves, Stream};
