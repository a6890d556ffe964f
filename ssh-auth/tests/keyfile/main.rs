//! Key files made by the real tools: read here, compared with the tool's own public key, and used to sign.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // All of this crate is tests.

mod damage;
mod openssh;
mod pem;
mod public;
mod putty;
mod tools;

/// Files and their errors may be shared by threads.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<ssh_auth::keyfile::PrivateKeyFile>();
    shared::<ssh_auth::keyfile::KeyFileError>();
};
