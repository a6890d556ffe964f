//! No session by threads leaves anything behind. A target of its own, for it counts what the process holds.

#![cfg(target_os = "linux")]

#[path = "process/threads.rs"]
mod driver;
#[path = "process/leaks.rs"]
mod scenarios;
