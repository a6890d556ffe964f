//! No command by tasks leaves anything behind: the scenarios of `many_commands.rs`.

#![cfg(target_os = "linux")]

#[path = "process/tasks.rs"]
mod driver;
#[path = "process/many_commands.rs"]
mod scenarios;
