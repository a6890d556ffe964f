//! The blocking API against real servers and against peers that misbehave.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agent;
mod agent_logins;
mod algorithms;
mod authentication;
mod certificates;
mod channels;
mod compression;
mod facade;
mod failures;
mod guesses;
mod host_keys;
mod hostbased;
mod readiness;
mod rekeying;
mod security_keys;
mod ssh_agent;
mod support;
