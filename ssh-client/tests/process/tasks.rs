//! The API for tasks in the shape of the blocking one, on a runtime of several threads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test target uses its own part")]

#[path = "../tokio/api.rs"]
mod api;

pub(crate) use api::Session;

use std::{sync::OnceLock, time::Duration};
use tokio::runtime::{Builder, Runtime};

/// The tasks that are alive.
pub(crate) fn tasks() -> usize {
    runtime().metrics().num_alive_tasks()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        // Threads for what blocks come and go; those that are kept for the next call would be counted.
        builder.worker_threads(2).thread_keep_alive(Duration::ZERO).enable_all().build().unwrap()
    })
}
