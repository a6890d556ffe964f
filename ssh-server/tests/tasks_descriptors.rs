//! The same by tasks.

#![allow(clippy::duplicate_mod, reason = "the scenarios are a test target of their own, too")]

#[path = "descriptors.rs"]
mod descriptors;
