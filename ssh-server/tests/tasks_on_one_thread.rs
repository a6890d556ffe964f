//! Serving by tasks on a runtime of one thread.

#![allow(clippy::duplicate_mod, reason = "the scenarios are a test target of their own, too")]

#[path = "ends.rs"]
mod ends;
#[path = "own.rs"]
mod own;
