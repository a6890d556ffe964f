//! Allocations by tasks: the scenarios of `allocations.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

#[path = "process/allocations.rs"]
mod scenarios;

use ssh_client::{
    Config,
    tokio::{Channel, Session},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::{Builder, Runtime},
};

/// A command at work. The thread that calls runs the session, too, so that all is counted.
struct Running {
    channel: Channel,
    runtime: Runtime,
}

impl Running {
    fn start(port: u16, config: &Config, command: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let channel = runtime.block_on(async {
            let session = Session::connect(("127.0.0.1", port), config).await?;
            let channel = session.open_session().await?;
            channel.exec(command).await.map(|()| channel)
        });
        Self { channel: channel.unwrap(), runtime }
    }

    fn receive(&mut self, buffer: &mut [u8], times: usize) {
        self.runtime.block_on(async {
            for _ in 0..times {
                self.channel.read_exact(buffer).await.unwrap();
            }
        });
    }

    fn send(&mut self, data: &[u8], times: usize) {
        self.runtime.block_on(async {
            for _ in 0..times {
                self.channel.write_all(data).await.unwrap();
            }
        });
    }
}
