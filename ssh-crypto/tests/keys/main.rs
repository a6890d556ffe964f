//! Keys, signatures and key agreement, on every back end there is.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod agreement;
mod back_ends;
#[path = "../common/dsa.rs"]
mod dsa;
mod mldsa;
mod refused;
mod rsa;
mod security_key;
mod ssh_keygen;
mod vectors;
mod wycheproof;

use ssh_crypto::{Kem, KeyAgreement, Provider, RandomError, SecureRandom, rust_crypto};
use std::sync::Mutex;

/// The back ends there are.
pub(crate) fn providers() -> Vec<Provider> {
    vec![
        rust_crypto::provider(),
        #[cfg(feature = "aws-lc")]
        ssh_crypto::aws_lc::provider(),
    ]
}

pub(crate) fn agreements() -> Vec<[&'static dyn KeyAgreement; 4]> {
    vec![
        {
            use rust_crypto::*;
            [X25519, NISTP256, NISTP384, NISTP521]
        },
        #[cfg(feature = "aws-lc")]
        {
            use ssh_crypto::aws_lc::*;
            [X25519, NISTP256, NISTP384, NISTP521]
        },
    ]
}

pub(crate) fn kems() -> Vec<[&'static dyn Kem; 2]> {
    vec![
        {
            use rust_crypto::*;
            [MLKEM768, MLKEM1024]
        },
        #[cfg(feature = "aws-lc")]
        {
            use ssh_crypto::aws_lc::*;
            [MLKEM768, MLKEM1024]
        },
    ]
}

/// A source that gives these bytes and then fails: private values of vectors.
#[derive(Debug)]
pub(crate) struct Given(Mutex<Vec<u8>>);

impl Given {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Mutex::new(bytes.to_vec()))
    }
}

impl SecureRandom for Given {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let mut given = self.0.lock().unwrap();
        if given.len() < bytes.len() {
            return Err(RandomError);
        }
        bytes.copy_from_slice(&given.drain(..bytes.len()).collect::<Vec<_>>());
        Ok(())
    }
}
