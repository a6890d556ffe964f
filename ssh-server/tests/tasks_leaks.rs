//! Serving by tasks: nothing stays behind either.

#![allow(clippy::duplicate_mod, reason = "the scenarios are a test target of their own, too")]

#[path = "leaks.rs"]
mod leaks;
