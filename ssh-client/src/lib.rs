//! An SSH-2 client: sessions over any stream, channels that behave like sockets.
//!
//! ```no_run
//! use ssh_client::{Config, blocking::Session, host_key::Known, known_hosts::KnownHosts};
//!
//! let known = KnownHosts::load("/home/alice/.ssh/known_hosts")?;
//! let config = Config::new("alice").password("correct horse").host_key(Known(known));
//! let session = Session::connect(("example.com", 22), &config)?;
//! let output = session.command("uname -a").output()?;
//! assert!(output.success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`blocking`] | [`Session`](blocking::Session), [`Channel`](blocking::Channel) and [`Command`](blocking::Command) for threads |
//! | `tokio` | the same for tasks, with the feature `tokio` |
//! | [`config`] | [`Config`]: everything a session is told beforehand |
//! | [`credential`] | [`Credential`]: passwords, keys, dialogues |
//! | [`agent`] | [`Agent`](agent::Agent): the agent that keeps a user's keys |
//! | [`certificate`] | keys with certificates |
//! | [`host_key`] | policies for host keys; the first one refuses all |
//! | [`known_hosts`] | OpenSSH's files of host keys |
//! | [`ssh_config`] | OpenSSH's configuration files |
//!
//! The layers below are crates of their own and re-exported: [`wire`], [`crypto`], [`kex`], [`auth`], [`connection`],
//! [`session`].

pub mod agent;
mod awaited;
pub mod blocking;
pub mod certificate;
mod command;
pub mod config;
pub mod credential;
mod dialogue;
pub mod host_key;
mod host_memory;
pub mod known_hosts;
mod preference;
mod quirks;
pub mod ssh_config;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use awaited::Awaited;
pub use command::Output;
pub use config::{Config, Timeouts};
pub use credential::Credential;
pub use host_memory::HostMemory;

pub use ssh_auth as auth;
pub use ssh_connection as connection;
pub use ssh_crypto as crypto;
pub use ssh_kex as kex;
pub use ssh_session as session;
pub use ssh_wire as wire;

pub use ssh_auth::{Attempt, KeyFileError, KeyFileErrorKind, PrivateKeyFile, pattern};
pub use ssh_connection::{Exit, request::TerminalModes};
pub use ssh_crypto::{KeyKind, KeyPair, PrivateKey, Provider, PublicKey, Secret, Signer};
pub use ssh_kex::{Algorithms, Negotiated, RekeyLimit, default_provider};
pub use ssh_session::{Error, ErrorKind, Phase, Terminal};
pub use ssh_wire::message::connection::TerminalSize;
