//! The search for secrets in memory finds what is there.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::{hint::black_box, sync::Barrier, thread};
use testing::{Seeded, memory::Sought};
use zeroize::Zeroize;

#[test]
fn what_is_forgotten_is_found() {
    let mut secret = Seeded::new(99).bytes(64);
    let mut sought = Sought::default();
    sought.add(&secret);
    // On the heap, in part and where no word begins.
    let mut forgotten = vec![0; 100];
    forgotten[33..][..17].copy_from_slice(&secret[5..22]);
    secret.zeroize();
    assert!(sought.look().count() >= 2);
    black_box(&forgotten);
    forgotten.zeroize();
    assert_eq!(sought.look().count(), 0);

    // On the stack of a thread, below what it does now.
    let waiting = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            forget();
            waiting.wait();
            waiting.wait();
        });
        waiting.wait();
        assert!(sought.look().count() >= 49);
        waiting.wait();
    });
}

#[inline(never)]
fn forget() {
    let mut secret = [[0_u8; 64]; 64];
    secret[0].copy_from_slice(&Seeded::new(99).bytes(64));
    black_box(&mut secret);
}
