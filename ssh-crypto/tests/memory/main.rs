//! What stays in memory of secrets that were used and dropped: nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "../common/dsa.rs"]
mod dsa;
mod subjects;

use testing::memory;

#[test]
fn secrets_that_were_used_are_nowhere_in_memory() {
    memory::check_nothing_is_left("secrets_that_were_used_are_nowhere_in_memory", &subjects::subjects());
}
