//! The blocking API against servers that others have written: one module for each, and the scenarios that they share;
//! `mldsa` has what only the newest OpenSSH knows.
//! OpenSSH of this machine has more tests of its own, in `interop`. The scenarios are those for tasks, too: `tasks.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod algorithms;
mod asyncssh;
mod certificates;
mod dropbear;
mod facade;
mod mldsa;
mod offer;
mod openssh;
mod paramiko;
mod scenarios;
mod support;
