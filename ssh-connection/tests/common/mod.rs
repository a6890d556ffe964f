//! What the tests share: a sink in memory, an engine to which hand-made messages are sent, and a pair of engines.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use ssh_connection::{ChannelId, Config, Error, ErrorKind, Event, Mux};
use ssh_wire::{
    Decoder, Encoder, Message, Packet, PacketSink, Rest,
    message::connection::{ChannelOpen, ChannelOpenConfirmation},
};
use std::time::{Duration, Instant};

/// A sink whose packets stay in the clear, and that takes only as many as it is told to.
pub(crate) struct Wire {
    encoder: Encoder,
    decoder: Decoder,
    /// Packets it still takes.
    pub(crate) room: usize,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            encoder: Encoder::new(|padding| padding.fill(0)),
            decoder: Decoder::default(),
            room: usize::MAX,
        }
    }
}

impl PacketSink for Wire {
    fn packet(&mut self) -> Option<Packet<'_>> {
        self.room = self.room.checked_sub(1)?;
        Some(self.encoder.packet())
    }
}

impl Wire {
    /// The next payload that was sent.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let sent = std::mem::take(self.encoder.output());
        self.decoder.push(&sent);
        self.decoder.decode().unwrap().map(|inbound| inbound.payload)
    }
}

/// An engine and what it sends.
pub(crate) struct End {
    pub(crate) mux: Mux,
    pub(crate) wire: Wire,
    pub(crate) now: Instant,
}

impl End {
    pub(crate) fn new(config: Config) -> Self {
        Self { mux: Mux::new(config), wire: Wire::default(), now: Instant::now() }
    }

    /// Has the engine handle a message.
    pub(crate) fn hear(&mut self, message: &impl Message) -> Result<(), Error> {
        self.mux.handle(message.to_payload().into(), self.now)
    }

    /// What it does next; panics if that is nothing.
    pub(crate) fn event(&mut self) -> Event {
        self.mux.poll_event().expect("an event")
    }

    pub(crate) fn no_event(&mut self) {
        assert_eq!(self.mux.poll_event(), None);
    }

    /// All that it sends now.
    pub(crate) fn says(&mut self) -> Vec<Bytes> {
        self.mux.flush(&mut self.wire);
        std::iter::from_fn(|| self.wire.next()).collect()
    }

    /// The one message that it sends now.
    pub(crate) fn says_one(&mut self) -> Bytes {
        let mut said = self.says();
        assert_eq!(said.len(), 1, "{said:?}");
        said.remove(0)
    }

    /// With a channel that the peer, which calls it `remote`, has confirmed.
    pub(crate) fn opened(&mut self, remote: u32, window: u32, max_packet: u32) -> ChannelId {
        let channel = self.mux.open(b"session", b"").unwrap();
        self.says_one();
        self.now += Duration::from_millis(100);
        let recipient = channel.number();
        self.hear(&ChannelOpenConfirmation {
            recipient,
            sender: remote,
            window,
            max_packet,
            data: Rest(b""),
        })
        .unwrap();
        assert_eq!(self.event(), Event::Opened { channel, data: Bytes::new() });
        channel
    }

    /// Asserts that the message breaks the protocol, and that the engine stays broken.
    #[track_caller]
    pub(crate) fn refuses(&mut self, message: &impl Message) {
        let error = self.hear(message).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        self.now += Duration::from_secs(1);
        assert_eq!(self.hear(&ssh_wire::message::connection::ChannelEof { recipient: 0 }), Err(error));
    }
}

/// An OPEN for a session, as a peer would send it.
pub(crate) fn open_session(sender: u32) -> ChannelOpen<'static> {
    ChannelOpen { channel_type: b"session", sender, window: 1000, max_packet: 100, data: Rest(b"") }
}

/// Moves everything that either side has to say until both are silent; the events stay where they are.
pub(crate) fn settle(a: &mut End, b: &mut End) {
    loop {
        let (said, heard) = (a.says(), b.says());
        if said.is_empty() && heard.is_empty() {
            return;
        }
        said.into_iter().for_each(|payload| b.mux.handle(payload, b.now).unwrap());
        heard.into_iter().for_each(|payload| a.mux.handle(payload, a.now).unwrap());
    }
}

/// Two engines with a channel that is open on both sides.
pub(crate) fn pair(config: Config) -> (End, ChannelId, End, ChannelId) {
    let (mut a, mut b) = (End::new(config.clone()), End::new(config));
    let ours = a.mux.open(b"session", b"").unwrap();
    settle(&mut a, &mut b);
    let Event::Incoming { channel: theirs, .. } = b.event() else { panic!() };
    b.mux.accept(theirs).unwrap();
    settle(&mut a, &mut b);
    assert!(matches!(a.event(), Event::Opened { channel, .. } if channel == ours));
    (a, ours, b, theirs)
}

/// A configuration with fixed windows of this size.
pub(crate) fn windows_of(window: u32) -> Config {
    let mut config = Config::default();
    config.window = window;
    config.max_window = window;
    config
}
