//! The scenarios on a runtime of one thread.

use std::{future, sync::OnceLock, thread};
use tokio::runtime::{Builder, Runtime};

#[path = "../interop/agent_logins.rs"]
mod agent_logins;
#[path = "api.rs"]
mod api;
#[path = "../interop/authentication.rs"]
mod authentication;
#[path = "../interop/certificates.rs"]
mod certificates;
#[path = "../interop/channels.rs"]
mod channels;
#[path = "../interop/compression.rs"]
mod compression;
#[path = "facade.rs"]
mod facade;
#[path = "../peers/failed_writes.rs"]
mod failed_writes;
#[path = "../interop/failures.rs"]
mod failures;
#[path = "../interop/guesses.rs"]
mod guesses;
#[path = "../interop/host_keys.rs"]
mod host_keys;
#[path = "../interop/hostbased.rs"]
mod hostbased;
#[path = "../peers/scenarios.rs"]
mod peers;
#[path = "../interop/rekeying.rs"]
mod rekeying;
#[path = "../interop/security_keys.rs"]
mod security_keys;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<&'static Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime: &Runtime =
            Box::leak(Box::new(Builder::new_current_thread().enable_all().build().unwrap()));
        // It runs what the scenarios do not wait for.
        thread::spawn(|| runtime.block_on(future::pending::<()>()));
        runtime
    })
}
