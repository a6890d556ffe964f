//! Servers that are in, and then do what no server should, against the blocking API; `tests/tokio` has the scenarios for
//! the other one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod facade;
mod failed_writes;
mod only_threads;
mod scenarios;
mod scripted;
