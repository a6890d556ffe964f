//! The system's limit of open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, Write};

/// What a visit opens at most: the session, the agent or the resolver, and two files.
const PER_VISIT: u64 = 4;
/// What the program has open beside: its streams, the runtime, files that are being read.
const RESERVED: u64 = 32;

/// As many of `jobs` as the limit has descriptors for, once it is as high as it may be. The user is told if it is fewer.
pub(crate) fn fitting(jobs: usize) -> io::Result<usize> {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if raised != limit && setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let Some(limit) = limit.current else { return Ok(jobs) };
    let fitting = usize::try_from(limit.saturating_sub(RESERVED) / PER_VISIT).unwrap_or(usize::MAX).max(1);
    if fitting < jobs {
        let what = format!("no more than {limit} files may be open: {fitting} hosts at a time, not {jobs}");
        writeln!(io::stderr(), "warning: {what}")?;
    }
    Ok(fitting.min(jobs))
}
