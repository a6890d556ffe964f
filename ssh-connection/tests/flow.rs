//! Data through two engines, in every order of operations: complete, in order, and never more than the windows allow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{End, settle};
use proptest::prelude::*;
use ssh_connection::{ChannelId, Config, Event, Written};
use std::{collections::HashMap, time::Duration};

/// What a side does next.
#[derive(Debug, Clone)]
enum Operation {
    /// Asks for a channel.
    Open,
    /// Writes so many bytes to a channel, chosen by the first number.
    Write(usize, usize),
    WriteExtended(usize, usize),
    /// Reads so many bytes of what has arrived.
    Read(usize, usize),
    Request(usize, bool),
    Global(bool),
    Eof(usize),
    Close(usize),
    /// Sends at most so many packets, and lets the peer have them.
    Send(usize),
    /// Lets time pass.
    Wait(u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let channel = || 0..8usize;
    prop_oneof![
        1 => Just(Open),
        6 => (channel(), 0..5000usize).prop_map(|(channel, bytes)| Write(channel, bytes)),
        2 => (channel(), 0..500usize).prop_map(|(channel, bytes)| WriteExtended(channel, bytes)),
        6 => (channel(), 0..5000usize).prop_map(|(channel, bytes)| Read(channel, bytes)),
        1 => (channel(), any::<bool>()).prop_map(|(channel, reply)| Request(channel, reply)),
        1 => any::<bool>().prop_map(Global),
        1 => channel().prop_map(Eof),
        1 => channel().prop_map(Close),
        8 => (0..20usize).prop_map(Send),
        1 => (0..200u64).prop_map(Wait),
    ]
}

/// One direction of one channel as the test sees it.
#[derive(Default)]
struct Stream {
    written: Vec<u8>,
    written_extended: Vec<u8>,
    received: Vec<u8>,
    received_extended: Vec<u8>,
    unread: usize,
    eof: bool,
}

/// A side with what its user knows.
struct Side {
    end: End,
    /// Channels by their place in the test, in the order in which they became known.
    channels: Vec<ChannelId>,
    streams: HashMap<ChannelId, Stream>,
    closed: HashMap<ChannelId, bool>,
    asked: usize,
    answered: usize,
    asked_global: usize,
    answered_global: usize,
    counter: u8,
}

impl Side {
    fn new(config: Config) -> Self {
        Self {
            end: End::new(config),
            channels: Vec::new(),
            streams: HashMap::new(),
            closed: HashMap::new(),
            asked: 0,
            answered: 0,
            asked_global: 0,
            answered_global: 0,
            counter: 0,
        }
    }

    fn channel(&self, at: usize) -> Option<ChannelId> {
        self.channels.get(at % self.channels.len().max(1)).copied()
    }

    fn data(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes)
            .map(|_| {
                self.counter = self.counter.wrapping_mul(5).wrapping_add(3);
                self.counter
            })
            .collect()
    }

    fn act(&mut self, operation: &Operation) {
        match *operation {
            Operation::Open => {
                if let Ok(channel) = self.end.mux.open(b"session", b"") {
                    self.channels.push(channel);
                    self.streams.insert(channel, Stream::default());
                }
            }
            Operation::Write(at, bytes) | Operation::WriteExtended(at, bytes) => {
                let Some(channel) = self.channel(at) else { return };
                let extended = matches!(operation, Operation::WriteExtended(..));
                let data = self.data(bytes);
                let (mux, wire) = (&mut self.end.mux, &mut self.end.wire);
                let before = mux.writable(channel);
                let written = match extended {
                    true => mux.write_extended(channel, 1, &data, wire),
                    false => mux.write(channel, &data, wire),
                };
                if let Ok(Written::Bytes(taken)) = written {
                    assert!(taken <= before && taken <= data.len());
                    assert_eq!(mux.writable(channel), before - taken);
                    let stream = self.streams.get_mut(&channel).unwrap();
                    let to = if extended { &mut stream.written_extended } else { &mut stream.written };
                    to.extend_from_slice(&data[..taken]);
                }
            }
            Operation::Read(at, bytes) => {
                let Some(channel) = self.channel(at) else { return };
                let stream = self.streams.get_mut(&channel).unwrap();
                let bytes = bytes.min(stream.unread);
                stream.unread -= bytes;
                self.end.mux.consumed(channel, bytes, self.end.now);
            }
            Operation::Request(at, want_reply) => {
                let Some(channel) = self.channel(at) else { return };
                if self.end.mux.request(channel, b"x", want_reply, b"").is_ok() {
                    self.asked += usize::from(want_reply);
                }
            }
            Operation::Global(want_reply) => {
                self.end.mux.global_request(b"x", want_reply, b"").unwrap();
                self.asked_global += usize::from(want_reply);
            }
            Operation::Eof(at) => {
                let Some(channel) = self.channel(at) else { return };
                self.end.mux.eof(channel);
            }
            Operation::Close(at) => {
                let Some(channel) = self.channel(at) else { return };
                self.end.mux.close(channel);
                self.closed.entry(channel).or_insert(false);
            }
            Operation::Wait(millis) => self.end.now += Duration::from_millis(millis),
            Operation::Send(_) => {}
        }
    }

    /// Takes all events.
    fn drain(&mut self, window: usize) {
        while let Some(event) = self.end.mux.poll_event() {
            match event {
                Event::Incoming { channel, .. } => {
                    self.end.mux.accept(channel).unwrap();
                    self.channels.push(channel);
                    self.streams.insert(channel, Stream::default());
                }
                Event::Data { channel, data } => {
                    assert!(!data.is_empty());
                    let stream = self.streams.get_mut(&channel).unwrap();
                    assert!(!stream.eof, "data behind the end of file");
                    stream.received.extend_from_slice(&data);
                    stream.unread += data.len();
                    assert!(stream.unread <= window, "window overrun");
                }
                Event::ExtendedData { channel, code, data } => {
                    assert_eq!(code, 1);
                    let stream = self.streams.get_mut(&channel).unwrap();
                    assert!(!stream.eof, "data behind the end of file");
                    stream.received_extended.extend_from_slice(&data);
                    stream.unread += data.len();
                    assert!(stream.unread <= window, "window overrun");
                }
                Event::Eof { channel } => self.streams.get_mut(&channel).unwrap().eof = true,
                Event::Closed { channel } => {
                    let twice = self.closed.insert(channel, true);
                    assert_ne!(twice, Some(true), "closed twice");
                }
                Event::Request { channel, want_reply: true, .. } => self.end.mux.reply(channel, true),
                Event::GlobalRequest { want_reply: true, .. } => self.end.mux.global_reply(true, b""),
                Event::Reply { .. } => self.answered += 1,
                Event::GlobalReply { .. } => self.answered_global += 1,
                Event::OpenFailed { .. } => panic!("nobody refuses"),
                _ => {}
            }
        }
    }

    /// Sends at most so many packets to the other side.
    fn send(&mut self, packets: usize, to: &mut Self, window: usize) {
        self.end.wire.room = packets;
        self.end.mux.flush(&mut self.end.wire);
        while let Some(payload) = self.end.wire.next() {
            to.end.now += Duration::from_micros(100);
            to.end.mux.handle(payload, to.end.now).unwrap();
        }
        to.drain(window);
    }
}

/// What `from` wrote has arrived at `to`: all of it, or a part of it if `to` closed the channel before it came.
fn check(from: &Side, to: &Side) {
    for (mine, theirs) in from.channels.iter().zip(&to.channels) {
        let (sent, received) = (&from.streams[mine], &to.streams[theirs]);
        if to.closed.contains_key(theirs) {
            assert!(sent.written.starts_with(&received.received));
            assert!(sent.written_extended.starts_with(&received.received_extended));
        } else {
            assert!(sent.written == received.received && sent.written_extended == received.received_extended);
        }
    }
}

fn run(operations: &[(bool, Operation)], window: u32, max_window: u32, max_packet: u32) {
    let mut config = Config::default();
    (config.window, config.max_window, config.max_packet) = (window, max_window, max_packet);
    config.max_channels = 1000;
    let (mut a, mut b) = (Side::new(config.clone()), Side::new(config));
    let window = max_window.max(window) as usize;
    // Only one side opens, so that the channels of both are known in the same order.
    a.act(&Operation::Open);
    for (first, operation) in operations {
        let (actor, other) =
            if *first || matches!(operation, Operation::Open) { (&mut a, &mut b) } else { (&mut b, &mut a) };
        match operation {
            Operation::Send(packets) => actor.send(*packets, other, window),
            operation => actor.act(operation),
        }
    }
    // Everything that waits is delivered; the readers read all, the writers close.
    for round in 0.. {
        a.send(usize::MAX, &mut b, window);
        b.send(usize::MAX, &mut a, window);
        if !a.end.mux.wants_flush() && !b.end.mux.wants_flush() {
            break;
        }
        assert!(round < 20, "they never fall silent");
    }
    for side in [&mut a, &mut b] {
        for at in 0..side.channels.len() {
            side.act(&Operation::Read(at, usize::MAX));
        }
    }
    settle(&mut a.end, &mut b.end);
    check(&a, &b);
    check(&b, &a);
    for side in [&mut a, &mut b] {
        side.drain(window);
        for at in 0..side.channels.len() {
            // All credit that was earned came back, up to what is not worth a message.
            let channel = side.channels[at];
            assert_eq!(side.end.mux.unread(channel), 0);
            side.act(&Operation::Close(at));
        }
    }
    settle(&mut a.end, &mut b.end);
    for side in [&mut a, &mut b] {
        side.drain(window);
        assert_eq!(side.end.mux.channels(), 0);
        assert_eq!((side.answered, side.answered_global), (side.asked, side.asked_global));
        assert!(side.channels.iter().all(|channel| side.closed.get(channel) == Some(&true)));
    }
}

proptest! {
    #[test]
    fn any_order_of_operations_with_ordinary_windows(
        operations in prop::collection::vec((any::<bool>(), operation()), 0..200),
        window in 100..10_000u32,
        max_packet in 1..3000u32,
    ) {
        run(&operations, window, window, max_packet);
    }

    #[test]
    fn any_order_of_operations_with_windows_that_grow(
        operations in prop::collection::vec((any::<bool>(), operation()), 0..300),
        window in 1..500u32,
    ) {
        run(&operations, window, 100 * window, 1000);
    }

    #[test]
    fn any_order_of_operations_with_windows_of_a_few_bytes(
        operations in prop::collection::vec((any::<bool>(), operation()), 0..200),
        window in 1..4u32,
        max_packet in 1..4u32,
    ) {
        run(&operations, window, window, max_packet);
    }
}

/// Both sides send a long stream at once, through windows of one byte and packets of one byte.
#[test]
fn windows_of_one_byte_do_not_stop_a_stream() {
    stream(1, 1, 2_000);
}

#[test]
fn windows_smaller_than_a_packet_do_not_stop_a_stream() {
    stream(7, 1000, 20_000);
}

#[test]
fn windows_that_no_packet_divides_do_not_stop_a_stream() {
    stream(100_003, 32_768, 3_000_000);
}

fn stream(window: u32, max_packet: u32, total: usize) {
    let mut config = common::windows_of(window);
    config.max_packet = max_packet;
    let (mut a, ours, mut b, theirs) = common::pair(config);
    let data: Vec<u8> = (0..total).map(|i| (i / 251 + i) as u8).collect();
    let (mut sent, mut received) = ([0; 2], [Vec::new(), Vec::new()]);
    let mut idle = 0;
    while received.iter().any(|stream: &Vec<u8>| stream.len() < total) {
        let before = received[0].len() + received[1].len() + sent[0] + sent[1];
        for (at, (end, channel)) in [(&mut a, ours), (&mut b, theirs)].into_iter().enumerate() {
            if let Ok(Written::Bytes(taken)) = end.mux.write(channel, &data[sent[at]..], &mut end.wire) {
                sent[at] += taken;
            }
        }
        settle(&mut a, &mut b);
        for (at, (end, channel)) in [(&mut b, theirs), (&mut a, ours)].into_iter().enumerate() {
            while let Some(event) = end.mux.poll_event() {
                if let Event::Data { data, .. } = event {
                    received[at].extend_from_slice(&data);
                    end.mux.consumed(channel, data.len(), end.now);
                }
            }
        }
        // Every other round may carry credit alone.
        idle = if received[0].len() + received[1].len() + sent[0] + sent[1] > before { 0 } else { idle + 1 };
        assert!(idle < 3, "the stream stands still");
    }
    assert!(received.iter().all(|stream| *stream == data));
}
