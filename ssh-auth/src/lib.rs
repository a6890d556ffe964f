//! User authentication of SSH-2 and private key files, without I/O.
//!
//! | module | holds | standard |
//! | --- | --- | --- |
//! | [`client`] | [`Client`], the client's engine | RFC 4252, 4256, 8332 |
//! | [`server`] | [`Server`], the server's engine | RFC 4252, 4256 |
//! | [`method`] | the methods it can try | RFC 4252, 4256, OpenSSH PROTOCOL §3.1 |
//! | [`attempt`] | [`Attempt`]: what was tried and what the server said | |
//! | [`keyfile`] | private key files of every format | RFC 4716, 5208, 5915, 7468, OpenSSH PROTOCOL.key |

pub mod attempt;
pub mod client;
mod error;
pub mod keyfile;
pub mod method;
pub mod server;

pub use attempt::Attempt;
pub use client::{Client, ClientConfig, Event};
pub use error::{Error, ErrorKind};
pub use keyfile::{KeyFileError, KeyFileErrorKind, PrivateKeyFile};
pub use method::{Method, hostbased::HostbasedMethod, interactive::Prompt, publickey::KeyMethod};
pub use server::{Server, ServerConfig, ServerEvent};
