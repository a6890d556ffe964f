//! What the kernel tells of a process (proc(5)).

use crate::Outcome;
use rustix::{
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};
use std::{fs, time::Duration};

/// A line of `/proc/PID/status`: memory in KiB, or a number.
fn status(pid: u32, name: &str) -> Outcome<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("nothing known of it")?;
    Ok(value.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?)
}

/// Resident memory in bytes that no file stands behind.
pub(crate) fn resident(pid: u32) -> Outcome<u64> {
    Ok(status(pid, "RssAnon")? * 1024)
}

pub(crate) fn threads(pid: u32) -> Outcome<u64> {
    status(pid, "Threads")
}

/// The files that a process has open.
pub(crate) fn descriptors(pid: u32) -> Outcome<u64> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64)
}

/// The CPU time of this process.
pub(crate) fn cpu() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::ProcessCPUTime).try_into()?)
}

/// The CPU time of another process, to a hundredth of a second.
pub(crate) fn cpu_of(pid: u32) -> Outcome<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything.
    let (_, rest) = text.rsplit_once(')').ok_or("nothing known of it")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 =
        fields.get(11..13).ok_or("too short")?.iter().map(|field| field.parse().unwrap_or(0)).sum();
    Ok(Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64))
}
