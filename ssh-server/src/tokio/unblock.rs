//! Code that may block, such as the user's decisions.

use ssh_session::{Error, ErrorKind};
use std::panic;
use tokio::{sync::Semaphore, task::spawn_blocking};

/// How much of one kind that clients may ask for without end blocks threads at a time. The runtime has 512 threads for that
/// unless told otherwise, and who wants to log in is judged on them. The threads belong to the runtime, not to a server, so
/// these places belong to the process.
const PLACES: usize = 64;

/// For the addresses of hosts, which somebody else's name server may be slow to tell.
pub(super) static LOOKUPS: Semaphore = Semaphore::const_new(PLACES);

/// For what the user says of addresses.
pub(super) static ADDRESSES: Semaphore = Semaphore::const_new(PLACES);

/// Runs what may block where it blocks no task.
pub(super) async fn unblock<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    spawn_blocking(run).await.map_err(|error| match error.try_into_panic() {
        // It was the caller's code, and so it is the caller's panic.
        Ok(panic) => panic::resume_unwind(panic),
        Err(error) => closed(error),
    })
}

/// The same once there is a place for it, which it keeps to its end. Dropping the future gives up the wait for the place;
/// what runs already can't be stopped.
pub(super) async fn unblock_in<T: Send + 'static>(
    places: &'static Semaphore,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let place = places.acquire().await.map_err(closed)?;
    unblock(move || {
        let _place = place;
        run()
    })
    .await
}

fn closed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::with_source(ErrorKind::Closed, "the runtime is shutting down", error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use std::{
        sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering, mpsc},
        thread,
        time::{Duration, Instant},
    };
    use tokio::{runtime::Builder, time::timeout};

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn what_blocks_for_long_leaves_threads_to_others() {
        let places: &'static Semaphore = Box::leak(Box::new(Semaphore::new(2)));
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(3).build().unwrap();
        let begun = Arc::<AtomicUsize>::default();
        let (end, ends) = mpsc::channel::<()>();
        let ends = Arc::new(Mutex::new(ends));
        let hangs = || {
            let (begun, ends) = (begun.clone(), ends.clone());
            runtime.spawn(unblock_in(places, move || {
                begun.fetch_add(1, Ordering::Relaxed);
                // Until the other end is dropped.
                let _ = ends.lock().unwrap().recv();
            }))
        };
        let judged = || runtime.block_on(async { timeout(PATIENCE, unblock(|| 7)).await.unwrap().unwrap() });
        let wait_for_begun = |count| {
            let deadline = Instant::now() + PATIENCE;
            while begun.load(Ordering::Relaxed) < count {
                assert!(Instant::now() < deadline, "{begun:?} of {count}");
                runtime.block_on(tokio::task::yield_now());
                thread::sleep(Duration::from_millis(1));
            }
        };

        let tasks: Vec<_> = (0..8).map(|_| hangs()).collect();
        wait_for_begun(2);
        assert_eq!(judged(), 7);
        // Who asked is gone, and what runs has its places still.
        for task in tasks {
            task.abort();
            assert!(runtime.block_on(task).unwrap_err().is_cancelled());
        }
        let others: Vec<_> = (0..8).map(|_| hangs()).collect();
        assert_eq!(judged(), 7);
        assert_eq!((begun.load(Ordering::Relaxed), places.available_permits()), (2, 0));
        // Those that waited and went are not run.
        drop(end);
        for other in others {
            runtime.block_on(async { timeout(PATIENCE, other).await.unwrap().unwrap().unwrap() });
        }
        assert_eq!(begun.load(Ordering::Relaxed), 2 + 8);
        // Nobody has waited for the first ones.
        let all = || runtime.block_on(async { timeout(PATIENCE, places.acquire_many(2)).await });
        assert!(all().unwrap().is_ok());
    }
}
