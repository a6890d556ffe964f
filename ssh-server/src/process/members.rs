//! Who is in a process group.

use rustix::process::Pid;
use std::fs;

/// Whether anybody runs in the group but its leader. Where the system does not tell, there may be.
///
/// A signal would not tell: as long as the leader is not reaped, there is somebody to take it.
pub(super) fn has_others(leader: Pid) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    let leader = leader.as_raw_nonzero().get();
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .any(|pid: i32| pid != leader && runs_in(pid, leader))
}

/// Whether the process is in the group of this number, and has not ended.
fn runs_in(pid: i32, group: i32) -> bool {
    let Ok(stat) = fs::read(format!("/proc/{pid}/stat")) else { return false };
    // The state, the parent and the group stand behind the name, which may hold anything.
    let behind = stat.rsplit(|&byte| byte == b')').next().unwrap_or_default();
    let mut fields = behind.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let has_ended = fields.next().is_none_or(|state| matches!(state, b"Z" | b"X"));
    !has_ended && fields.nth(1) == Some(group.to_string().as_bytes())
}
