//! Serving by tasks: what clients find is the same as by threads.

#![allow(clippy::duplicate_mod, reason = "each file of scenarios is a test target of its own, too")]

#[path = "ends.rs"]
mod ends;
#[path = "hostile.rs"]
mod hostile;
#[path = "limits.rs"]
mod limits;
#[path = "openssh.rs"]
mod openssh;
#[path = "others.rs"]
mod others;
#[path = "own.rs"]
mod own;
#[path = "security_keys.rs"]
mod security_keys;
