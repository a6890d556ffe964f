//! The client's and the server's engine against each other, and each against a peer that misbehaves.
#![allow(clippy::unwrap_used)] // All of this crate is tests.

mod order;
mod pair;
mod pitfalls;
mod pitfalls_server;
mod random;
mod sequences;
mod wire;
