//! The same scenarios for both drivers: by threads, or by tasks in the test targets whose names begin with `tasks`.

#![allow(dead_code, reason = "each test target uses its own part")]

use ssh_server::{Error, Server, blocking};
use std::{
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    thread::{self, JoinHandle},
};

#[cfg(feature = "tokio")]
use ssh_server::tokio as tasks;
#[cfg(feature = "tokio")]
pub use ssh_server::tokio::Sessions as TaskSessions;

#[cfg(not(feature = "tokio"))]
pub trait TaskSessions {}
#[cfg(not(feature = "tokio"))]
impl<T> TaskSessions for T {}

/// Whether this test target serves by tasks.
#[cfg(feature = "tokio")]
pub fn is_by_tasks() -> bool {
    env!("CARGO_CRATE_NAME").starts_with("tasks")
}

/// A server at work.
pub enum Serving {
    ByThreads(blocking::Serving),
    #[cfg(feature = "tokio")]
    ByTasks(tasks::Serving, tokio::runtime::Runtime),
}

#[cfg(feature = "tokio")]
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Serves by the driver of this test target.
pub fn serve<H: blocking::Sessions + TaskSessions>(server: &Server<H>, listener: TcpListener) -> Serving {
    #[cfg(feature = "tokio")]
    if is_by_tasks() {
        let runtime = runtime();
        let _entered = runtime.enter();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        return Serving::ByTasks(tasks::serve(server, listener).unwrap(), runtime);
    }
    Serving::ByThreads(server.serve(listener).unwrap())
}

/// Serves one session of the stream by the driver of this test target; how it ended is what the thread gives.
pub fn serve_one<H: blocking::Sessions + TaskSessions>(
    server: Server<H>,
    stream: UnixStream,
) -> JoinHandle<Error> {
    #[cfg(feature = "tokio")]
    if is_by_tasks() {
        return thread::spawn(move || {
            stream.set_nonblocking(true).unwrap();
            // One thread is enough.
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let stream = tokio::net::UnixStream::from_std(stream).unwrap();
                tasks::serve_one(&server, stream, None).await
            })
        });
    }
    thread::spawn(move || server.serve_one(stream, None))
}

impl Serving {
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::ByThreads(serving) => serving.address(),
            #[cfg(feature = "tokio")]
            Self::ByTasks(serving, _) => serving.address(),
        }
    }

    /// The tasks that there are: none by threads.
    pub fn tasks(&self) -> usize {
        match self {
            Self::ByThreads(_) => 0,
            #[cfg(feature = "tokio")]
            Self::ByTasks(_, runtime) => runtime.metrics().num_alive_tasks(),
        }
    }

    pub fn stop(self) {
        match self {
            Self::ByThreads(serving) => serving.stop(),
            #[cfg(feature = "tokio")]
            Self::ByTasks(serving, runtime) => runtime.block_on(serving.stop()),
        }
    }
}
