//! Serving by tasks: what OpenSSH's client finds is the same as by threads.

#[path = "openssh.rs"]
mod openssh;
