//! The engine.

mod command;
mod inbound;

use crate::{
    ChannelId, Config, Error, Event,
    channel::{Channel, Debt, Slot},
    error::Repr,
    outbox::Outbox,
    table::Table,
    window::RoundTrip,
};
use bytes::Bytes;
use log::debug;
use ssh_wire::{
    Message, Packet, PacketSink, Rest,
    message::connection::{ChannelClose, ChannelEof, ChannelWindowAdjust, GlobalRequest},
    number,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// All channels of one session.
///
/// The order of calls: each payload that [`Mux::understands`] goes to [`Mux::handle`]; then [`Mux::poll_event`] until
/// it answers `None`; then, and after any other calls, [`Mux::flush`]. An error of `handle` is final: the peer is to be
/// disconnected.
///
/// What waits for the sink is bounded: data waits in the caller, for [`Mux::write`] takes what can be sent and no
/// more; credit, EOF and CLOSE are owed, not queued; requests, opens and replies wait in a queue with a bound
/// ([`Config::max_queue`]). Received data is bounded by the windows, and credit goes back when the caller says that
/// its user has read ([`Mux::consumed`]).
///
/// Once queues have reached their size, data costs no allocation and no copy: what arrives is sliced out of its
/// payload, what is written is encoded from the caller's bytes straight into the sink's packet.
#[derive(Debug)]
pub struct Mux {
    /// See [`Mux::set_name`].
    name: &'static str,
    config: Config,
    channels: Table,
    /// Numbers of channels that may owe something.
    listed: VecDeque<u32>,
    outbox: Outbox,
    events: VecDeque<Event>,
    /// Our global requests that have no answer yet.
    awaited: VecDeque<Awaited>,
    /// The peer's requests that have no answer yet, those on channels included.
    unanswered: usize,
    /// The peer's global requests that have no answer yet.
    unanswered_global: usize,
    round_trip: RoundTrip,
    /// The last time we were told.
    now: Option<Instant>,
    /// The receive windows of all channels together, in bytes.
    windows: u64,
    failed: Option<Error>,
}

/// A global request of ours without an answer.
#[derive(Debug)]
struct Awaited {
    since: Option<Instant>,
    /// The sequence number of its packet, once it is sent.
    seq: Option<u32>,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "not all may have been written"]
pub enum Written {
    /// The first so many bytes were taken.
    Bytes(usize),
    /// Nothing was taken.
    Blocked(Blocked),
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// The peer's window is used up, or it has not confirmed the channel yet: [`Event::WindowOpened`] or
    /// [`Event::Opened`] says when to go on.
    Window,
    /// The sink takes nothing now: it is full, or the keys are being changed.
    Output,
}

/// Getters.
impl Mux {
    /// Without any channel.
    pub fn new(config: Config) -> Self {
        let config = config.clamped();
        Self {
            name: "Mux",
            channels: Table::new(config.max_channels),
            listed: VecDeque::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            awaited: VecDeque::new(),
            unanswered: 0,
            unanswered_global: 0,
            round_trip: RoundTrip::default(),
            now: None,
            windows: 0,
            failed: None,
            config,
        }
    }

    /// What the log calls this side.
    pub fn set_name(&mut self, name: &'static str) {
        self.name = name;
    }

    /// Whether messages of this number are for [`Mux::handle`]. Others get UNIMPLEMENTED (RFC 4253 §11.4).
    pub fn understands(number: u8) -> bool {
        matches!(number, number::GLOBAL_REQUEST..=number::REQUEST_FAILURE | number::CHANNEL_OPEN..=number::CHANNEL_FAILURE)
    }

    /// Channels at present, those included that are being opened or closed.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Bytes that the peer's window lets us write now; 0 for a channel that is not open.
    pub fn writable(&self, channel: ChannelId) -> usize {
        self.open_channel(channel).map_or(0, |open| open.send.left() as usize)
    }

    /// Bytes that were received and not [consumed](Mux::consumed) yet; 0 for a channel that is not open.
    pub fn unread(&self, channel: ChannelId) -> usize {
        self.open_channel(channel).map_or(0, |open| open.receive.unread() as usize)
    }

    /// The size of the receive window at present, in bytes; 0 for a channel that is not open.
    pub fn window(&self, channel: ChannelId) -> usize {
        self.open_channel(channel).map_or(0, |open| open.receive.size() as usize)
    }

    /// The shortest round trip to the peer and back that was seen, if any was.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.shortest()
    }

    /// Whether [`Mux::flush`] may have something to send.
    pub fn wants_flush(&self) -> bool {
        self.outbox.front().is_some() || !self.listed.is_empty()
    }

    fn open_channel(&self, channel: ChannelId) -> Option<&Channel> {
        match self.channels.get(channel) {
            Some(Slot::Open(open)) => Some(open),
            _ => None,
        }
    }
}

/// Input and events.
impl Mux {
    /// Takes one message of the peer. An error is final, and every later call answers the same.
    pub fn handle(&mut self, payload: Bytes, now: Instant) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.now = self.now.max(Some(now));
        self.dispatch(payload, now).map_err(|repr| {
            let error = Error::from(repr);
            debug!("{}: {error}", self.name);
            self.failed.insert(error).clone()
        })
    }

    /// Gives back the memory that holds nothing: for a session at rest.
    pub fn shrink_to_fit(&mut self) {
        self.channels.shrink_to_fit();
        self.events.shrink_to_fit();
        self.listed.shrink_to_fit();
        self.awaited.shrink_to_fit();
        self.outbox.shrink_to_fit();
    }

    /// What the peer did next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The peer answered the packet with this sequence number by UNIMPLEMENTED. If it was a global request, then it
    /// has failed: not every peer knows what to answer to a keepalive.
    pub fn unimplemented(&mut self, seq: u32) {
        if self.awaited.front().is_some_and(|awaited| awaited.seq == Some(seq)) {
            self.awaited.pop_front();
            self.events.push_back(Event::GlobalReply { success: false, data: Bytes::new() });
        }
    }
}

/// Output.
impl Mux {
    /// Sends what waits, in order, until the sink takes no more.
    pub fn flush(&mut self, sink: &mut (impl PacketSink + ?Sized)) {
        if !self.flush_outbox(sink) {
            return;
        }
        while let Some(&number) = self.listed.front() {
            if !self.pay(number, sink) {
                return;
            }
            self.listed.pop_front();
            self.channels.set_listed(number, false);
        }
    }

    /// Sends requests, opens and replies; `false` if some are left.
    fn flush_outbox(&mut self, sink: &mut (impl PacketSink + ?Sized)) -> bool {
        while let Some(message) = self.outbox.front() {
            let Some(mut packet) = sink.packet() else { return false };
            packet.push(&Rest(message));
            let wants_reply = GlobalRequest::parse(message).is_ok_and(|request| request.want_reply);
            let seq = packet.send();
            if wants_reply {
                let at = self.awaited.partition_point(|awaited| awaited.seq.is_some());
                if let Some(sent) = self.awaited.get_mut(at) {
                    sent.seq = Some(seq);
                }
            }
            self.outbox.pop();
        }
        true
    }

    /// Sends what a channel owes; `false` if the sink took less than all.
    fn pay(&mut self, number: u32, sink: &mut (impl PacketSink + ?Sized)) -> bool {
        let channel = match self.channels.number(number) {
            Some((_, Slot::Open(channel))) => channel,
            Some((_, &mut Slot::Finished(recipient))) => {
                let sent = send(sink, &ChannelClose { recipient });
                if sent {
                    debug!("{}: channel {number}: CLOSE sent", self.name);
                    self.channels.remove(number);
                }
                return sent;
            }
            _ => return true,
        };
        let recipient = channel.remote;
        if channel.credit_due() {
            let Some(packet) = sink.packet() else { return false };
            let bytes = channel.receive.give_back(self.now);
            packet.send_message(&ChannelWindowAdjust { recipient, bytes });
        }
        if channel.eof == Debt::Owed {
            if !send(sink, &ChannelEof { recipient }) {
                return false;
            }
            debug!("{}: channel {number}: EOF sent", self.name);
            channel.eof = Debt::Paid;
        }
        if channel.close == Debt::Owed {
            if !send(sink, &ChannelClose { recipient }) {
                return false;
            }
            debug!("{}: channel {number}: CLOSE sent", self.name);
            channel.close = Debt::Paid;
        }
        true
    }

    /// Has [`Mux::flush`] look at the channel.
    fn list(&mut self, number: u32) {
        if !self.channels.set_listed(number, true) {
            self.listed.push_back(number);
        }
    }
}

/// What every part of the engine needs.
impl Mux {
    /// The receive window of a new channel, in bytes.
    fn take_window(&mut self) -> u32 {
        let Config { window, max_packet, .. } = self.config;
        let granted = self.window_budget().min(window).max(window.min(max_packet));
        self.windows += u64::from(granted);
        granted
    }

    /// What the session's ceiling leaves for windows, in bytes.
    fn window_budget(&self) -> u32 {
        u32::try_from(self.config.max_session_window.saturating_sub(self.windows)).unwrap_or(u32::MAX)
    }

    /// Fails if a message of `bytes` cannot be queued.
    fn queue_room(&self, bytes: usize) -> Result<(), Repr> {
        if bytes > Packet::MAX_PAYLOAD {
            return Err(Repr::TooLong(bytes));
        }
        // The other half is for answers, so that the peer's flood and ours are not taken for one another.
        if self.outbox.len() + bytes > self.config.max_queue / 2 { Err(Repr::Queue) } else { Ok(()) }
    }

    /// A message number and the channel's number, for errors.
    fn state(number: u8, channel: ChannelId, when: &'static str) -> Repr {
        Repr::State { number, channel: channel.number(), when }
    }
}

fn send(sink: &mut (impl PacketSink + ?Sized), message: &impl Message) -> bool {
    sink.packet().map(|packet| packet.send_message(message)).is_some()
}
