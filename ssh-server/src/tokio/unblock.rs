//! Code that may block, such as the user's decisions.

use ssh_session::{Error, ErrorKind};
use std::panic;
use tokio::task::spawn_blocking;

/// Runs what may block where it blocks no task.
pub(super) async fn unblock<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    spawn_blocking(run).await.map_err(|error| match error.try_into_panic() {
        // It was the caller's code, and so it is the caller's panic.
        Ok(panic) => panic::resume_unwind(panic),
        Err(error) => Error::with_source(ErrorKind::Closed, "the runtime is shutting down", error),
    })
}
