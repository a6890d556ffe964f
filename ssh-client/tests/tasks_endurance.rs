//! A long session by tasks: the scenarios of `endurance.rs`.

#[path = "process/tasks.rs"]
mod driver;
#[path = "process/endurance.rs"]
mod scenarios;
