//! Serving by threads.
//!
//! | item | is |
//! | --- | --- |
//! | [`Sessions`] | what serves session channels |
//! | [`Start`] | a program that a client wants to be run |
//! | [`Serving`] | a server at work |
//!
//! Every session has threads of its own: one that decides and accepts channels, beside those of
//! [`ssh_session::blocking`], and one for each channel.

mod channel;
pub(crate) mod forward;
mod pass;
mod place;
mod program;
mod serving;
mod session;

pub use channel::{NoSessions, Sessions, Start};
pub use program::run;
pub use serving::Serving;
pub use ssh_session::blocking::{Channel, ChannelRequest, Stream};
