//! Moving data allocates nothing per packet.

#[path = "../interop/support.rs"]
#[expect(dead_code, reason = "other scenarios use the rest")]
mod support;

use crate::Running;
use allocation_counter::measure;
use support::config_with_key;
use testing::{KeyKind, Sshd};

/// Bytes that are moved by one call.
const BUFFER: usize = 256 << 10;
/// Bytes moved while allocations are counted.
const MEASURED: usize = 64 << 20;
/// Bytes moved before, until buffers and windows have their size.
const WARM_UP: usize = 96 << 20;
/// Allocations that `MEASURED` bytes may cost: some thousand packets.
const ALLOWED: u64 = 64;

fn start(sshd: &Sshd, command: &str) -> Running {
    Running::start(sshd.port(), &config_with_key(sshd, KeyKind::Ed25519), command)
}

/// Moves `WARM_UP` and then `MEASURED` bytes, these more than once if need be: a session that a busy machine lets wait is at
/// rest meanwhile, and gets its buffers anew. What each packet costs, it costs each time.
fn check(mut repeat: impl FnMut(usize)) {
    repeat(WARM_UP / BUFFER);
    let counted = [(); 3].map(|()| measure(|| repeat(MEASURED / BUFFER)));
    assert!(counted.iter().any(|counted| counted.count_total <= ALLOWED), "{counted:?}");
}

#[test]
fn receiving_allocates_nothing_per_packet() {
    let Some(sshd) = Sshd::start_or_skip("receiving_allocates_nothing_per_packet") else { return };
    let mut running = start(&sshd, "exec cat /dev/zero");
    let mut buffer = vec![0; BUFFER];
    check(|times| running.receive(&mut buffer, times));
}

#[test]
fn sending_allocates_nothing_per_packet() {
    let Some(sshd) = Sshd::start_or_skip("sending_allocates_nothing_per_packet") else { return };
    let mut running = start(&sshd, "exec cat > /dev/null");
    let data = vec![0; BUFFER];
    check(|times| running.send(&data, times));
}
