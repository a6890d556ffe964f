//! What the tests of the workspace share: a real OpenSSH server ([`Sshd`]) and other people's servers ([`Dropbear`],
//! [`PythonServer`]) and clients ([`newer_program`], [`python_client`]), OpenSSH's agent ([`SshAgent`]), throw-away keys ([`KeyPair`]), a proxy that
//! delays, cuts, stalls and damages what passes through it ([`Proxy`]), servers that follow a script ([`Peer`]), commands
//! on a terminal ([`Pty`]) and what a shell must do there ([`check_shell`]), bytes to send ([`noise`]) and bytes
//! that are random to nobody ([`Seeded`]), futures that are given up ([`polled`]), and a look at what secrets leave in memory (`memory`).
//!
//! Everything here belongs to the test that made it: it listens on 127.0.0.1 on a port that was free, keeps its files
//! in a temporary directory, and is gone when its value is dropped. Nothing needs root, except an account with a
//! password ([`SshdBuilder::password_user`]).
//!
//! A test that needs something which a machine may lack says so by its own name and returns:
//!
//! ```
//! # fn test() {
//! let Some(sshd) = testing::Sshd::start_or_skip("exec_returns_the_exit_status") else { return };
//! assert!(sshd.port() > 0);
//! # }
//! # test();
//! ```
//!
//! With `SSH_INTEROP=required` in the environment the skip is a failure instead, so that continuous integration cannot
//! turn green by testing nothing.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is test code: a failure here is a failed test, and shall say where"
)]

mod account;
mod agent;
mod dropbear;
mod keys;
#[cfg(target_os = "linux")]
pub mod memory;
mod newer;
mod noise;
mod peer;
mod polled;
mod process;
mod proxy;
mod pty;
mod python;
mod security_key;
mod seeded;
mod server;
mod shell;
mod skip;
mod sshd;

pub use agent::SshAgent;
pub use dropbear::Dropbear;
pub use keys::{KeyKind, KeyPair};
pub use newer::{MISSING as NEWER_MISSING, find as newer_program};
pub use noise::noise;
pub use peer::Peer;
pub use polled::polled;
pub use proxy::{Cut, Direction, Proxy};
pub use pty::Pty;
pub use python::{CODE, Library, PythonServer, python_client};
pub use security_key::{SecurityKey, SecurityKeyAgent};
pub use seeded::Seeded;
pub use server::Server;
pub use shell::check_shell;
pub use skip::{is_required, say, skip};
pub use sshd::{Sshd, SshdBuilder};
