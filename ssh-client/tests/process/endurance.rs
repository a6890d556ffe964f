//! A long session: data in both directions at once through OpenSSH, with new keys all the time, that loses and reorders
//! nothing.
//!
//! `ENDURANCE_MIB` is how much flows in each direction (256 at first), `ENDURANCE_REKEY_MIB` how much of it between two
//! key exchanges (1 at first).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../interop/support.rs"]
mod support;

use crate::driver::Session;
use ssh_client::{Exit, RekeyLimit};
use std::{
    io::{Read, Write},
    thread,
    time::Instant,
};
use support::{PATIENCE, config_with_key, key_exchanges};
use testing::{KeyKind, Sshd};

#[test]
fn a_long_session_loses_and_reorders_nothing() {
    let test = "a_long_session_loses_and_reorders_nothing";
    let (size, between) = (number("ENDURANCE_MIB", 256), number("ENDURANCE_REKEY_MIB", 1));
    // At DEBUG1 the server logs each key exchange; it wants none itself, so that they can be counted.
    let Some(sshd) = Sshd::builder().config("LogLevel DEBUG1\nRekeyLimit 4G").start_or_skip(test) else {
        return;
    };
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let config = config.rekey(RekeyLimit { bytes: between << 20, ..RekeyLimit::default() });
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).unwrap();
    let channel = session.open_session().unwrap();
    channel.exec("exec cat").unwrap();
    // Should one direction fail, the other must not wait for it for ever.
    channel.set_read_timeout(Some(PATIENCE));
    channel.set_write_timeout(Some(PATIENCE));

    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut blocks = Blocks::new();
            for _ in 0..size {
                (&channel).write_all(blocks.next_block()).unwrap();
            }
            channel.shutdown_write().unwrap();
        });
        let mut blocks = Blocks::new();
        let mut received = vec![0; BLOCK];
        for number in 0..size {
            (&channel).read_exact(&mut received).unwrap_or_else(|error| panic!("in MiB {number}: {error}"));
            assert!(received == blocks.next_block(), "MiB {number} is not what was sent");
        }
        assert_eq!((&channel).read(&mut received).unwrap(), 0, "more than was sent");
    });
    let time = start.elapsed();
    assert_eq!(channel.wait(Some(PATIENCE)).unwrap(), Some(Exit::Status(0)));

    let exchanges = key_exchanges(&sshd) as u64;
    let _ = writeln!(
        std::io::stderr(),
        "{size} MiB in each direction in {:.1} s, {exchanges} key exchanges",
        time.as_secs_f64()
    );
    // What is under way when the limit is reached comes on top of it.
    assert!(exchanges >= size / between * 3 / 4, "{exchanges} key exchanges");
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable}={value}")))
}

/// In bytes.
const BLOCK: usize = 1 << 20;

/// Blocks of noise that does not repeat within one, each with its number in front: a byte that is lost, doubled or out of
/// place makes one differ. Comparing whole blocks costs next to nothing.
struct Blocks {
    block: Vec<u8>,
    number: u64,
}

impl Blocks {
    fn new() -> Self {
        Self { block: testing::noise(BLOCK), number: 0 }
    }

    fn next_block(&mut self) -> &[u8] {
        self.block[..8].copy_from_slice(&self.number.to_le_bytes());
        self.number += 1;
        &self.block
    }
}
