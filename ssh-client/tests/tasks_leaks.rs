//! No session by tasks leaves anything behind: the scenarios of `leaks.rs`.

#![cfg(target_os = "linux")]

#[path = "process/tasks.rs"]
mod driver;
#[path = "process/leaks.rs"]
mod scenarios;
