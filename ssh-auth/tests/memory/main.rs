//! What stays in memory of private key files, of passphrases and of passwords that were used and dropped: nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // All of this crate is tests.

mod derivation;
mod files;
mod subjects;

use ssh_crypto::{Secret, SecureRandom};
use testing::{Seeded, memory};

#[test]
fn secrets_that_were_used_are_nowhere_in_memory() {
    let test = "secrets_that_were_used_are_nowhere_in_memory";
    memory::check_something_is_left(test, &subjects::kept());
    memory::check_nothing_is_left(test, &subjects::subjects());
}

/// A text that nobody would guess, and that stands in memory only where it is used.
fn text(seed: u64, len: usize) -> Secret {
    let mut text = vec![0; len];
    Seeded::new(seed).fill(&mut text).unwrap();
    text.iter_mut().for_each(|byte| *byte = b'!' + *byte % 94);
    Secret::new(text)
}

/// The passphrase of all files.
fn passphrase() -> Secret {
    text(1, 48)
}
