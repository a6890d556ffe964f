//! Many commands, one after another on one session.
//!
//! `MANY_COMMANDS` is how many (1,000 at first).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counted;
#[path = "../interop/support.rs"]
#[expect(dead_code, reason = "other scenarios use the rest")]
mod support;

use crate::driver::Session;
use counted::{Held, memory};
use ssh_client::Exit;
use std::{io::Write, time::Instant};
use support::config_with_key;
use testing::{KeyKind, Sshd};

#[test]
fn many_commands_leave_nothing_behind() {
    let Some(sshd) = Sshd::start_or_skip("many_commands_leave_nothing_behind") else { return };
    let count = std::env::var("MANY_COMMANDS").map_or(1000, |count| count.parse().unwrap());
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let before = Held::now();
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).unwrap();
    let run = |count: u32| {
        for _ in 0..count {
            assert_eq!(session.command("true").status().unwrap(), Some(Exit::Status(0)));
        }
    };
    // What the first ones allocate for good.
    run(100);
    let (with_session, memory_before) = (Held::now(), memory());
    let begin = Instant::now();
    run(count);
    let time = begin.elapsed().as_secs_f64();
    let memory_after = memory();
    let _ = writeln!(
        std::io::stderr(),
        "{count} commands in {time:.1} s; from {memory_before} to {memory_after} KiB; {with_session:?}"
    );
    with_session.settle("after the commands");
    assert!(memory_after <= memory_before + 512, "from {memory_before} to {memory_after} KiB");
    drop(session);
    before.settle("after the session");
}
