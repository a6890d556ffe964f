//! The same scenarios for both drivers: by threads, or by tasks in the test target `tasks`.

use ssh_server::{Server, blocking};
use std::net::{SocketAddr, TcpListener};

#[cfg(feature = "tokio")]
use ssh_server::tokio as tasks;
#[cfg(feature = "tokio")]
pub use ssh_server::tokio::Sessions as TaskSessions;

#[cfg(not(feature = "tokio"))]
pub trait TaskSessions {}
#[cfg(not(feature = "tokio"))]
impl<T> TaskSessions for T {}

/// A server at work.
pub enum Serving {
    ByThreads(blocking::Serving),
    #[cfg(feature = "tokio")]
    ByTasks(tasks::Serving, tokio::runtime::Runtime),
}

/// Serves by the driver of this test target.
pub fn serve<H: blocking::Sessions + TaskSessions>(server: &Server<H>, listener: TcpListener) -> Serving {
    #[cfg(feature = "tokio")]
    if env!("CARGO_CRATE_NAME") == "tasks" {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        return Serving::ByTasks(tasks::serve(server, listener).unwrap(), runtime);
    }
    Serving::ByThreads(server.serve(listener).unwrap())
}

impl Serving {
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::ByThreads(serving) => serving.address(),
            #[cfg(feature = "tokio")]
            Self::ByTasks(serving, _) => serving.address(),
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
