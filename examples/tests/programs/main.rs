//! Every program of this directory, run as its own documentation says, against a real server.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as the tests do")]

mod alone;
mod forward;
mod host;
mod host_key;
mod sessions;
