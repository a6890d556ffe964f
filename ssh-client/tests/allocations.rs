//! Allocations by threads. A target of its own, for it replaces the allocator by one that counts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

#[path = "process/allocations.rs"]
mod scenarios;

use ssh_client::{
    Config,
    blocking::{Channel, Session},
};
use std::io::{Read, Write};

/// A command at work.
struct Running(Channel);

impl Running {
    fn start(port: u16, config: &Config, command: &str) -> Self {
        let session = Session::connect(("127.0.0.1", port), config).unwrap();
        Self(session.command(command).spawn().unwrap())
    }

    fn receive(&mut self, buffer: &mut [u8], times: usize) {
        for _ in 0..times {
            self.0.read_exact(buffer).unwrap();
        }
    }

    fn send(&mut self, data: &[u8], times: usize) {
        for _ in 0..times {
            self.0.write_all(data).unwrap();
        }
    }
}
