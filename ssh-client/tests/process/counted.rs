//! What the process holds, counted.

use super::support::PATIENCE;
use crate::driver::tasks;
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// What sessions may leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    tasks: usize,
    threads: usize,
    descriptors: usize,
}

impl Held {
    pub(crate) fn now() -> Self {
        let count = |directory| fs::read_dir(directory).unwrap().count();
        Self { tasks: tasks(), threads: count("/proc/self/task"), descriptors: count("/proc/self/fd") }
    }

    /// Waits until it is as it was: what has to end may take a moment.
    pub(crate) fn settle(self, what: &str) {
        let start = Instant::now();
        loop {
            let now = Self::now();
            if now == self {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: {now:?}, and not {self:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The memory of this process in KiB that no file stands behind.
pub(crate) fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
