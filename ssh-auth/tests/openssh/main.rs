//! The agent's protocol and certificates against OpenSSH's own tools.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // All of this crate is tests.

mod agent;
mod certificate;
mod mldsa;
mod revoked;
mod tools;
