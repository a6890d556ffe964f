//! No command by threads leaves anything behind. A target of its own, for it counts what the process holds.

#![cfg(target_os = "linux")]

#[path = "process/threads.rs"]
mod driver;
#[path = "process/many_commands.rs"]
mod scenarios;
