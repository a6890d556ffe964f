//! One layer alone: two transport engines exchange keys in memory, then messages, with no socket, thread or clock.
//!
//! ```text
//! cargo run -p examples --bin layer_alone
//! ```
//!
//! The engines of `ssh-kex` take bytes and the time, and give bytes and events; what carries the bytes is the caller's
//! business. The layers above, `ssh-auth` and `ssh-connection`, work in the same way on the payloads that come out here.

use examples::end;
use ssh_client::{
    KeyPair, PrivateKey,
    crypto::KeyKind,
    kex::{Config, Event, Receiver, Transport},
    wire::{PacketSink, message::transport::ServiceRequest},
};
use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

fn main() -> ExitCode {
    end(run())
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let config = Config::default();
    let host_key = PrivateKey::generate(KeyKind::Ed25519, config.provider.random)?;
    let host_key = Arc::new(KeyPair::new(&host_key, &config.provider)?);
    let mut server = Side::new("server", Transport::server(config.clone(), vec![host_key], Instant::now())?);
    let mut client = Side::new("client", Transport::client(config, Instant::now())?);

    while !(client.transport.is_established() && server.transport.is_established()) {
        exchange(&mut client, &mut server)?;
    }
    if let Some(chosen) = client.transport.negotiated() {
        say(&format!("both use {}, {} and {}", chosen.kex, chosen.host_key, chosen.cipher_c2s))?;
    }

    // From here on, messages of the layers above are encrypted. While keys are renewed there is no packet to fill.
    if !client.transport.send(&ServiceRequest { service: b"ssh-userauth" }) {
        return Err("the engine takes no message".into());
    }
    exchange(&mut client, &mut server)?;
    Ok(ExitCode::SUCCESS)
}

/// An engine: the transport, and beside it the receiver, which decrypts.
struct Side {
    name: &'static str,
    transport: Transport,
    receiver: Receiver,
}

/// Moves what each side has to send to the other.
fn exchange(client: &mut Side, server: &mut Side) -> Result<(), Box<dyn Error>> {
    let (up, down) = (client.output(), server.output());
    server.receive(&up)?;
    client.receive(&down)
}

impl Side {
    fn new(name: &'static str, (transport, receiver): (Transport, Receiver)) -> Self {
        Self { name, transport, receiver }
    }

    /// What would be written to a socket.
    fn output(&mut self) -> Vec<u8> {
        std::mem::take(self.transport.output())
    }

    /// Takes what would come from a socket.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        if !bytes.is_empty() {
            say(&format!("{} receives {} bytes", self.name, bytes.len()))?;
        }
        self.receiver.push(bytes);
        while let Some(received) = self.receiver.decode()? {
            let payload = self.transport.handle(received, Instant::now())?;
            while let Some(event) = self.transport.poll_event() {
                self.decide(&event)?;
            }
            // New keys: nothing behind the peer's NEWKEYS is decoded before they are here.
            if let Some(open) = self.transport.take_open() {
                self.receiver.install(open);
            }
            if let Some(payload) = payload {
                say(&format!("{} has a message {} for the layer above", self.name, payload[0]))?;
            }
        }
        Ok(())
    }

    /// Whatever needs a decision is an event, answered by a method.
    fn decide(&mut self, event: &Event) -> Result<(), Box<dyn Error>> {
        match event {
            Event::HostKey { key, algorithm } => {
                // A real client compares the key with one that it knows.
                say(&format!("{}: the server owns a key of {} bytes, by {algorithm}", self.name, key.len()))?;
                self.transport.accept_host_key(Instant::now())?;
            }
            Event::Identified(peer) => say(&format!("{} talks with {}", self.name, peer.software()))?,
            Event::Established { .. } => say(&format!("{} uses the new keys", self.name))?,
            _ => {}
        }
        Ok(())
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
