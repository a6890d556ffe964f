//! What stays in memory of secrets that were used and dropped: nothing.
//!
//! The process reads its own memory by `/proc/self/mem`. What it looks for would itself be found there, so another process,
//! which is this test again, computes it and tells no more than a hash of each piece.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/dsa.rs"]
mod dsa;
mod scan;
mod subjects;

use scan::{Found, Sought};
use ssh_crypto::SecureRandom;
use std::{
    env,
    hint::black_box,
    process::Command,
    sync::{Barrier, Mutex},
    thread,
};
use subjects::{Seeded, Subject, subjects};
use zeroize::Zeroize;

const SUBJECT: &str = "MEMORY_TEST_SUBJECT";

#[test]
fn secrets_that_were_used_are_nowhere_in_memory() {
    let mut left = vec![];
    for subject in subjects() {
        let sought = elsewhere(&subject.name);
        assert!(sought.len() >= 16, "nothing to look for: {}", subject.name);
        let after = |steps| look(&subject, &sought, steps);
        let found = [after(0), after(1), after(2)];
        println!("{}: {found:?}", subject.name);
        if found.iter().any(|found| found.any()) {
            left.push(format!("{}: {found:?}", subject.name));
        }
    }
    assert!(left.is_empty(), "left in memory: {left:#?}");
}

/// Uses the secrets in a thread, whose stack is there for as long as it waits.
fn look(subject: &Subject, sought: &Sought, steps: usize) -> Found {
    let (results, waiting) = (Mutex::new(vec![]), Barrier::new(2));
    let run = &subject.run;
    thread::scope(|scope| {
        scope.spawn(|| {
            *results.lock().unwrap() = run(steps);
            waiting.wait();
            waiting.wait();
        });
        waiting.wait();
        let mut sought = sought.clone();
        for secret in results.lock().unwrap().drain(..) {
            sought.add(&secret);
        }
        let found = sought.look();
        waiting.wait();
        found
    })
}

/// The secrets of this subject, as another process tells them.
fn elsewhere(name: &str) -> Sought {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "secrets_are_told_by_their_hashes", "--nocapture"])
        .env(SUBJECT, name)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Sought::parse(&String::from_utf8(output.stdout).unwrap())
}

/// The other process.
#[test]
fn secrets_are_told_by_their_hashes() {
    let Ok(name) = env::var(SUBJECT) else { return };
    let subject = subjects().into_iter().find(|subject| subject.name == name).unwrap();
    let mut sought = Sought::default();
    (subject.secrets)(&mut sought);
    println!("{sought}");
}

#[test]
fn what_is_forgotten_is_found() {
    let mut secret = Seeded::new(99).bytes(64);
    let mut sought = Sought::default();
    sought.add(&secret);
    // On the heap, in part and where no word begins.
    let mut forgotten = vec![0; 100];
    forgotten[33..][..17].copy_from_slice(&secret[5..22]);
    secret.zeroize();
    assert!(sought.look().heap() >= 2);
    black_box(&forgotten);
    forgotten.zeroize();
    assert!(!sought.look().any());

    // On the stack of a thread, below what it does now.
    let waiting = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            forget();
            waiting.wait();
            waiting.wait();
        });
        waiting.wait();
        assert!(sought.look().stack() >= 49);
        waiting.wait();
    });
}

#[inline(never)]
fn forget() {
    let mut secret = [[0_u8; 64]; 64];
    Seeded::new(99).fill(&mut secret[0]).unwrap();
    black_box(&mut secret);
}
