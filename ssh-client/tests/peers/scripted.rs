//! A server that lets everybody in and then does what a test tells it, however wrong.

use rustix::event::{PollFd, PollFlags, poll};
use ssh_client::{
    Config, Provider,
    auth::{Server, ServerConfig},
    crypto::{KeyPair, PrivateKey},
    host_key::InsecureAcceptAny,
    kex::{self, Received, Receiver, Transport, default_provider},
    wire::{
        Message, PacketSink, Rest,
        message::connection::{ChannelOpen, ChannelOpenConfirmation, ChannelSuccess},
        number,
    },
};
use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::TcpStream,
    os::fd::AsFd,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use testing::Peer;

/// Starts a server that runs `script` with every client that has come in.
pub(crate) fn server(script: impl Fn(Wire) + Send + Sync + 'static) -> Peer {
    Peer::start(move |stream| {
        if let Some(wire) = Wire::accept(stream) {
            script(wire);
        }
    })
}

/// Starts a server that runs `script` with every client once the keys are there, after its first message: the request for
/// a service.
pub(crate) fn server_before_the_login(script: impl Fn(Wire) + Send + Sync + 'static) -> Peer {
    Peer::start(move |stream| {
        if let Some((wire, _)) = Wire::exchange(stream) {
            script(wire);
        }
    })
}

/// Lets in whoever is there.
pub(crate) fn config() -> Config {
    Config::new("anybody").host_key(InsecureAcceptAny)
}

/// The time set for what must not last.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
/// By then it must have ended, on however loaded a machine.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// Grants the channel that the client asks for, with this window.
pub(crate) fn open_channel<S: Read + Write>(wire: &mut Wire<S>, window: u32) -> Option<u32> {
    let open = wire.await_message(number::CHANNEL_OPEN)?;
    let sender = ChannelOpen::parse(&open).unwrap().sender;
    wire.send(&ChannelOpenConfirmation {
        recipient: sender,
        sender: 5,
        window,
        max_packet: 32768,
        data: Rest(b""),
    });
    Some(sender)
}

/// Says yes to the next request on the channel.
pub(crate) fn grant(wire: &mut Wire, channel: u32) -> Option<()> {
    wire.await_message(number::CHANNEL_REQUEST)?;
    wire.send(&ChannelSuccess { recipient: channel });
    Some(())
}

/// Runs `act` on a thread of its own; it must be over in time.
pub(crate) fn in_time<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || done.send(act()));
    is_done.recv_timeout(BOUND).unwrap()
}

/// The server's end of a connection, message by message.
pub(crate) struct Wire<S = TcpStream> {
    pub(crate) stream: S,
    transport: Transport,
    receiver: Receiver,
    arrived: VecDeque<Vec<u8>>,
}

impl<S: Read + Write> Wire<S> {
    /// Key exchange and authentication; `None` if the client goes away.
    pub(crate) fn accept(stream: S) -> Option<Self> {
        let (mut wire, first) = Self::exchange(stream)?;
        let provider = Arc::new(default_provider());
        let session_id = wire.transport.session_id().unwrap().to_vec();
        let mut auth = Server::new(ServerConfig::new(provider, &["none"]), session_id);
        let mut next = Some(first);
        while !auth.is_over() {
            auth.handle(&next.take().map_or_else(|| wire.receive(), Some)?).ok()?;
            if auth.poll_event().is_some() {
                auth.accept().ok()?;
            }
            auth.flush(&mut wire.transport);
            wire.write()?;
        }
        Some(wire)
    }

    /// Key exchange alone, with the message that follows it.
    fn exchange(stream: S) -> Option<(Self, Vec<u8>)> {
        let provider: Arc<Provider> = Arc::new(default_provider());
        let key = KeyPair::new(&PrivateKey::ed25519(&[7; 32]), &provider).unwrap();
        let (transport, receiver) =
            Transport::server(kex::Config::new(provider), vec![Arc::new(key)], Instant::now()).unwrap();
        let mut wire = Self { stream, transport, receiver, arrived: VecDeque::new() };
        let first = wire.receive()?;
        Some((wire, first))
    }

    /// The next message above the transport layer; `None` at the end of the connection.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            self.write()?;
            if let Some(payload) = self.arrived.pop_front() {
                return Some(payload);
            }
            while let Some(received) = self.receiver.decode().ok()? {
                self.handle(received)?;
            }
            if self.arrived.is_empty() {
                self.write()?;
                match self.stream.read(self.receiver.space()) {
                    Ok(0) | Err(_) => return None,
                    Ok(n) => self.receiver.filled(n),
                }
            }
        }
    }

    /// The next message of this number, others passed over.
    pub(crate) fn await_message(&mut self, number: u8) -> Option<Vec<u8>> {
        loop {
            let payload = self.receive()?;
            if payload.first() == Some(&number) {
                return Some(payload);
            }
        }
    }

    pub(crate) fn send(&mut self, message: &impl Message) {
        self.queue(message);
        self.write();
    }

    /// Sends later, together with what follows.
    pub(crate) fn queue(&mut self, message: &impl Message) {
        let mut packet = self.transport.packet().unwrap();
        packet.push(&Rest(&message.to_payload()));
        packet.send();
    }

    /// Writes what is queued if it is worth a system call; `false` if the client is gone.
    pub(crate) fn write_if_much(&mut self) -> bool {
        self.transport.output().len() < 1 << 16 || self.write().is_some()
    }

    /// Waits for the client to go away, taking all it says and answering nothing.
    pub(crate) fn ignore(mut self) {
        while self.receive().is_some() {}
    }

    /// Waits for the client to go away without reading a byte.
    pub(crate) fn stop_reading(self)
    where
        S: AsFd,
    {
        let mut sockets = [PollFd::new(&self.stream, PollFlags::RDHUP)];
        poll(&mut sockets, None).unwrap();
    }

    fn handle(&mut self, received: Received) -> Option<()> {
        let payload = self.transport.handle(received, Instant::now()).ok()?;
        self.arrived.extend(payload.map(|payload| payload.to_vec()));
        if let Some(open) = self.transport.take_open() {
            self.receiver.install(open);
        }
        Some(())
    }

    fn write(&mut self) -> Option<()> {
        let output = std::mem::take(self.transport.output());
        self.stream.write_all(&output).ok()
    }
}
