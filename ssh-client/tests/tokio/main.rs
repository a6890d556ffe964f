//! The API for tasks against real servers and against peers that misbehave: the scenarios of `tests/interop` on both
//! kinds of runtimes, and what only tasks can do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::duplicate_mod, reason = "the same scenarios on each runtime")]

mod agent;
mod beginnings;
mod cancelled;
mod current_thread;
mod decisions;
mod multi_thread;
#[path = "../peers/scripted.rs"]
mod scripted;
mod served;
#[path = "../interop/ssh_agent.rs"]
mod ssh_agent;
mod streams;
#[path = "../interop/support.rs"]
mod support;
