//! The same scenarios for both drivers: by threads, or by tasks in the test targets whose names begin with `tasks`; then
//! on a runtime of several threads, or of one where they say so.

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
#[cfg(feature = "tokio")]
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
#[cfg(feature = "tokio")]
use tokio::runtime::{Builder, Runtime};

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
    ByTasks(tasks::Serving, Running),
}

/// A runtime at work.
#[cfg(feature = "tokio")]
pub struct Running {
    runtime: Arc<Runtime>,
    is_over: Arc<AtomicBool>,
}

#[cfg(feature = "tokio")]
impl Running {
    fn start() -> Self {
        let is_over = Arc::<AtomicBool>::default();
        if !env!("CARGO_CRATE_NAME").ends_with("one_thread") {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            return Self { runtime: Arc::new(runtime), is_over };
        }
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build().unwrap());
        let (running, ends) = (runtime.clone(), is_over.clone());
        thread::spawn(move || {
            running.block_on(async {
                while !ends.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
        });
        Self { runtime, is_over }
    }
}

#[cfg(feature = "tokio")]
impl Drop for Running {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Serves by the driver of this test target.
pub fn serve<H: blocking::Sessions + TaskSessions>(server: &Server<H>, listener: TcpListener) -> Serving {
    #[cfg(feature = "tokio")]
    if is_by_tasks() {
        let running = Running::start();
        let _entered = running.runtime.enter();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        return Serving::ByTasks(tasks::serve(server, listener).unwrap(), running);
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
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
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
            Self::ByTasks(_, running) => running.runtime.metrics().num_alive_tasks(),
        }
    }

    pub fn stop(self) {
        match self {
            Self::ByThreads(serving) => serving.stop(),
            #[cfg(feature = "tokio")]
            Self::ByTasks(serving, running) => running.runtime.block_on(serving.stop()),
        }
    }
}
