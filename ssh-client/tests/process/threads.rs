//! The blocking API, as the scenarios use it; `tasks.rs` has another of the same shape.

#![allow(dead_code, reason = "each test target uses its own part")]

pub(crate) use ssh_client::blocking::Session;

/// The tasks that are alive.
pub(crate) fn tasks() -> usize {
    0
}
