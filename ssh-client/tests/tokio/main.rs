//! The API for tasks against real servers and against peers that misbehave: the scenarios of `tests/interop` on both
//! kinds of runtimes, and what only tasks can do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::duplicate_mod, reason = "the same scenarios on each runtime")]

mod cancelled;
mod current_thread;
mod multi_thread;
mod streams;
#[path = "../interop/support.rs"]
mod support;
