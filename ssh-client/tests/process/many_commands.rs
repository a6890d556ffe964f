//! Many commands, one after another on one session, leave nothing behind. The only test of its process, whose memory and
//! threads it looks at.
//!
//! `MANY_COMMANDS` is how many (1,000 at first).

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ssh_client::{Config, Credential, Exit, PublicKey, blocking::Session, host_key::Expect};
use std::{fs, io::Write, time::Instant};
use testing::{KeyKind, Sshd};

#[test]
fn many_commands_leave_nothing_behind() {
    let Some(sshd) = Sshd::builder().start_or_skip("many_commands_leave_nothing_behind") else { return };
    let count = std::env::var("MANY_COMMANDS").map_or(1000, |count| count.parse().unwrap());
    let host_key = PublicKey::from_line(sshd.host_key(KeyKind::Ed25519).public_line()).unwrap().0;
    let config = Config::new(sshd.user()).host_key(Expect(host_key));
    let path = sshd.user_key_path(KeyKind::Ed25519);
    let credential = Credential::key_file(path, None, config.provider()).unwrap();
    let session = Session::connect(("127.0.0.1", sshd.port()), &config.credential(credential)).unwrap();

    let run = |count: u32| {
        for _ in 0..count {
            assert_eq!(session.command("true").status().unwrap(), Some(Exit::Status(0)));
        }
    };
    // What the first ones allocate for good.
    run(100);
    let before = (resident(), threads());
    let begin = Instant::now();
    run(count);
    let time = begin.elapsed().as_secs_f64();
    let after = (resident(), threads());
    let _ = writeln!(
        std::io::stderr(),
        "{count} commands in {time:.1} s; from {} KiB and {} threads to {} and {}",
        before.0,
        before.1,
        after.0,
        after.1
    );
    assert_eq!(after.1, before.1, "threads");
    assert!(after.0 <= before.0 + 512, "from {} to {} KiB", before.0, after.0);
}

/// The resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}
