//! The demo against a real server: as a command among pipes, and on a terminal as a user sees it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as the tests do")]

mod agents;
mod commands;
mod dynamic;
mod errors;
mod forwarding;
mod forwards;
mod full_disks;
mod host;
mod host_keys;
mod jumps;
mod logins;
mod loopback;
mod terminals;
