//! The SSH connection protocol (RFC 4254) as an engine that does no I/O: many channels, each with its own flow
//! control, over one encrypted transport.
//!
//! | module | holds |
//! | --- | --- |
//! | [`mux`] | [`Mux`], the engine, the same for client and server |
//! | [`config`] | [`Config`]: windows, sizes and bounds |
//! | [`event`] | [`Event`]: what the peer did |
//! | [`window`] | how receive windows grow |
//! | [`request`] | [`Exit`]: how a command ended; [`TerminalModes`](request::TerminalModes) |
//! | [`error`] | [`Error`] and its [`ErrorKind`] |
//!
//! The log tells of channels and requests (`debug`), by their names and never with what they hold, and how windows grow
//! (`trace`).
//!
//! The engine takes decrypted payloads and gives [`Event`]s; what it has to say it writes into a
//! [`PacketSink`](ssh_wire::PacketSink), which is an encoder or a transport that may be rekeying. Two engines run a
//! command against each other in memory:
//!
//! ```
//! use ssh_connection::{Config, Event, Exit, Mux, Written};
//! use ssh_wire::message::connection::{Exec, ExitStatus};
//! use ssh_wire::{Decoder, Encode, Encoder, Packet, PacketSink};
//! use std::time::Instant;
//!
//! /// One direction of a connection: packets in the clear.
//! struct Wire { encoder: Encoder, decoder: Decoder }
//! impl PacketSink for Wire {
//!     fn packet(&mut self) -> Option<Packet<'_>> { Some(self.encoder.packet()) }
//! }
//! impl Wire {
//!     fn new() -> Self {
//!         Self { encoder: Encoder::new(|padding| padding.fill(0)), decoder: Decoder::default() }
//!     }
//!     fn deliver(&mut self, to: &mut Mux) -> Result<(), Box<dyn std::error::Error>> {
//!         self.decoder.push(&std::mem::take(self.encoder.output()));
//!         while let Some(inbound) = self.decoder.decode()? {
//!             to.handle(inbound.payload, Instant::now())?;
//!         }
//!         Ok(())
//!     }
//! }
//! let (mut client, mut up) = (Mux::new(Config::default()), Wire::new());
//! let (mut server, mut down) = (Mux::new(Config::default()), Wire::new());
//!
//! // The request waits for the channel's confirmation by itself.
//! let channel = client.open(b"session", b"")?;
//! let mut command = Vec::new();
//! Exec { command: b"uptime" }.encode(&mut command);
//! client.request(channel, b"exec", true, &command)?;
//! client.flush(&mut up);
//! up.deliver(&mut server)?;
//!
//! let Some(Event::Incoming { channel: session, .. }) = server.poll_event() else { panic!() };
//! server.accept(session)?;
//! server.flush(&mut down);
//! down.deliver(&mut client)?;
//! assert!(matches!(client.poll_event(), Some(Event::Opened { .. })));
//! client.flush(&mut up);
//! up.deliver(&mut server)?;
//!
//! assert!(matches!(server.poll_event(), Some(Event::Request { name, .. }) if &name[..] == b"exec"));
//! server.reply(session, true);
//! assert!(matches!(server.write(session, b"up 3 days\n", &mut down)?, Written::Bytes(10)));
//! let mut status = Vec::new();
//! ExitStatus { status: 0 }.encode(&mut status);
//! server.request(session, b"exit-status", false, &status)?;
//! server.close(session);
//! server.flush(&mut down);
//! down.deliver(&mut client)?;
//!
//! assert!(matches!(client.poll_event(), Some(Event::Reply { success: true, .. })));
//! let Some(Event::Data { data, .. }) = client.poll_event() else { panic!() };
//! client.consumed(channel, data.len(), Instant::now());
//! assert_eq!(&data[..], b"up 3 days\n");
//! let Some(Event::Request { name, data, .. }) = client.poll_event() else { panic!() };
//! assert_eq!(Exit::parse(&name, &data), Some(Exit::Status(0)));
//! assert_eq!(client.poll_event(), Some(Event::Closed { channel }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod channel;
pub mod config;
pub mod error;
pub mod event;
pub mod mux;
mod outbox;
pub mod request;
mod table;
mod text;
pub mod window;

pub use config::Config;
pub use error::{Error, ErrorKind};
pub use event::Event;
pub use mux::{Blocked, Mux, Written};
pub use request::Exit;
pub use table::ChannelId;
