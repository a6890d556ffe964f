//! Serving by tasks: no session has a thread.
//!
//! | item | is |
//! | --- | --- |
//! | [`serve`] | accepts connections, and serves each |
//! | [`Sessions`] | what serves session channels |
//! | [`Start`] | a program that a client wants to be run |
//! | [`Serving`] | a server at work |
//!
//! A session costs two tasks, and each of its channels one. Who may in, and where connections may
//! lead, is decided by the same [`Authenticator`](crate::Authenticator)s and [`Forwarding`](crate::Forwarding), which may
//! block: they are asked on the runtime's threads for that. The runtime must have sockets and timers enabled.
//!
//! ```no_run
//! # async fn example(builder: ssh_server::server::Builder<ssh_server::blocking::NoSessions>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use ssh_server::{Exit, tokio::{Sessions, Start, serve}};
//! use tokio::{io::AsyncWriteExt, net::TcpListener};
//!
//! struct Greeter;
//!
//! impl Sessions for Greeter {
//!     async fn start(&self, start: Start) {
//!         let greeting = format!("hello, {}\n", start.login().user);
//!         let mut channel = start.accept();
//!         let written = channel.write_all(greeting.as_bytes()).await;
//!         let _ = channel.send_exit(&Exit::Status(if written.is_ok() { 0 } else { 1 }));
//!     }
//! }
//!
//! let server = builder.sessions(Greeter).build()?;
//! let serving = serve(&server, TcpListener::bind("127.0.0.1:2222").await?)?;
//! serving.wait().await;
//! # Ok(())
//! # }
//! ```

mod channel;
mod descriptor;
mod forward;
mod program;
mod serving;
mod session;
mod together;
mod unblock;

pub use channel::{Sessions, Start};
pub use program::run;
pub use serving::{Serving, serve, serve_one};
pub use ssh_session::{ChannelRequest, tokio::Channel};
