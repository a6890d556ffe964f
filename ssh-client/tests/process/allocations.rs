//! Moving data allocates nothing per packet. A file of its own, for it replaces the allocator by one that counts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(unix)]

use allocation_counter::measure;
use ssh_client::{
    Config, Credential,
    blocking::{Channel, Session},
    host_key::InsecureAcceptAny,
};
use std::io::{Read, Write};
use testing::{KeyKind, Sshd};

/// Bytes moved while allocations are counted.
const MEASURED: usize = 64 << 20;
/// Bytes moved before, until buffers and windows have their size.
const WARM_UP: usize = 96 << 20;
/// Allocations that `MEASURED` bytes may cost: some thousand packets.
const ALLOWED: u64 = 64;

fn run(sshd: &Sshd, command: &str) -> Channel {
    let config = Config::new(sshd.user()).host_key(InsecureAcceptAny);
    let key = Credential::key_file(sshd.user_key_path(KeyKind::Ed25519), None, config.provider()).unwrap();
    let config = config.credential(key);
    Session::connect(("127.0.0.1", sshd.port()), &config).unwrap().command(command).spawn().unwrap()
}

#[test]
fn receiving_allocates_nothing_per_packet() {
    let Some(sshd) = Sshd::start_or_skip("receiving_allocates_nothing_per_packet") else { return };
    let channel = run(&sshd, &format!("head -c {} /dev/zero", WARM_UP + MEASURED));
    let mut buffer = vec![0; 256 << 10];
    let mut receive = |mut left: usize| {
        while left > 0 {
            let most = left.min(buffer.len());
            left -= match (&channel).read(&mut buffer[..most]).unwrap() {
                0 => panic!("the end, and {left} bytes are missing"),
                n => n,
            };
        }
    };
    receive(WARM_UP);
    let counted = measure(|| receive(MEASURED));
    assert!(counted.count_total <= ALLOWED, "{counted:?}");
}

#[test]
fn sending_allocates_nothing_per_packet() {
    let Some(sshd) = Sshd::start_or_skip("sending_allocates_nothing_per_packet") else { return };
    let channel = run(&sshd, "cat > /dev/null");
    let buffer = vec![0; 256 << 10];
    let send = |bytes: usize| {
        for _ in 0..bytes / buffer.len() {
            (&channel).write_all(&buffer).unwrap();
        }
    };
    send(WARM_UP);
    let counted = measure(|| send(MEASURED));
    assert!(counted.count_total <= ALLOWED, "{counted:?}");
}
