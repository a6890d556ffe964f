//! A long session by threads. A target of its own, for it takes its time.

#[path = "process/threads.rs"]
mod driver;
#[path = "process/endurance.rs"]
mod scenarios;
