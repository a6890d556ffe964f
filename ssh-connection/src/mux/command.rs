//! What the caller asks for.

use super::{Awaited, Blocked, Mux, Written};
use crate::{
    ChannelId, Error,
    channel::{Channel, Debt, Opening, Slot},
    config::MAX_DATA,
    error::Repr,
    text::{Request, Text, verb},
};
use log::{debug, trace};
use ssh_wire::{
    Encode, Message, PacketSink, Rest,
    message::connection::{
        ChannelData, ChannelExtendedData, ChannelFailure, ChannelOpen, ChannelOpenConfirmation,
        ChannelOpenFailure, ChannelRequest, ChannelSuccess, GlobalRequest, RequestFailure, RequestSuccess,
    },
    number::open_failure,
};
use std::{collections::VecDeque, time::Instant};

/// What a request or an open adds to its name and data at the most, in bytes.
const OVERHEAD: usize = 32;
/// What is sent of a description, in bytes.
const MAX_DESCRIPTION: usize = 1024;

/// Opening and closing channels.
impl Mux {
    /// Asks for a channel; [`Event::Opened`](crate::Event::Opened) or [`Event::OpenFailed`](crate::Event::OpenFailed) answers. `data` is what the type adds, encoded:
    /// [`DirectTcpip`](ssh_wire::message::connection::DirectTcpip) for instance.
    ///
    /// [`Mux::request`], [`Mux::eof`] and [`Mux::close`] may follow at once: they wait for the answer.
    pub fn open(&mut self, channel_type: &[u8], data: &[u8]) -> Result<ChannelId, Error> {
        self.queue_room(channel_type.len() + data.len() + OVERHEAD)?;
        if self.channels.is_full() {
            return Err(Repr::Channels.into());
        }
        let window = self.take_window();
        let opening = Opening {
            window,
            since: self.now,
            requests: Vec::new(),
            awaited: VecDeque::new(),
            eof: false,
            close: false,
        };
        let channel = self.channels.insert(Slot::Opening(opening)).ok_or(Repr::Channels)?;
        debug!("{}: channel {channel}: opening {}", self.name, Text(channel_type));
        self.outbox.push(&ChannelOpen {
            channel_type,
            sender: channel.number(),
            window,
            max_packet: self.config.max_packet,
            data: Rest(data),
        });
        Ok(channel)
    }

    /// Grants a channel that the peer asked for.
    pub fn accept(&mut self, channel: ChannelId) -> Result<(), Error> {
        let Slot::Incoming(incoming) = self.channels.get_mut(channel).ok_or(Repr::Closed)? else {
            return Err(Repr::NotIncoming.into());
        };
        let (recipient, send) = (incoming.remote, incoming.send.clone());
        let window = self.take_window();
        if let Some(slot) = self.channels.get_mut(channel) {
            *slot = Slot::Open(Channel::new(recipient, send, window));
        }
        debug!("{}: channel {channel}: accepted", self.name);
        self.outbox.push(&ChannelOpenConfirmation {
            recipient,
            sender: channel.number(),
            window,
            max_packet: self.config.max_packet,
            data: Rest(b""),
        });
        Ok(())
    }

    /// Refuses a channel that the peer asked for. `reason` is one of [`open_failure`]; of `description`, 1024 bytes
    /// are sent at most.
    pub fn reject(&mut self, channel: ChannelId, reason: u32, description: &str) -> Result<(), Error> {
        let Slot::Incoming(incoming) = self.channels.get_mut(channel).ok_or(Repr::Closed)? else {
            return Err(Repr::NotIncoming.into());
        };
        let recipient = incoming.remote;
        self.channels.remove(channel.number());
        let fits =
            (0..=description.len().min(MAX_DESCRIPTION)).rev().find(|&end| description.is_char_boundary(end));
        let description = &description.as_bytes()[..fits.unwrap_or(0)];
        debug!("{}: channel {channel}: refused, reason {reason}: {}", self.name, Text(description));
        self.outbox.push(&ChannelOpenFailure { recipient, reason, description, language: b"" });
        Ok(())
    }

    /// Says that no more data follows. Requests may still be made. It has no effect on a channel that is closed.
    pub fn eof(&mut self, channel: ChannelId) {
        match self.channels.get_mut(channel) {
            Some(Slot::Opening(opening)) => opening.eof = true,
            Some(Slot::Open(open)) if open.close == Debt::None => {
                open.eof.owe();
                self.list(channel.number());
            }
            _ => {}
        }
    }

    /// Closes the channel, behind what was written and requested before. What still arrives is dropped, and
    /// [`Event::Closed`](crate::Event::Closed) follows when the peer has closed it, too. A channel that waits to be
    /// accepted is rejected; one that the peer has not confirmed is closed when it is, without an
    /// [`Event::Opened`](crate::Event::Opened).
    pub fn close(&mut self, channel: ChannelId) {
        match self.channels.get_mut(channel) {
            Some(Slot::Opening(opening)) => opening.close = true,
            Some(Slot::Incoming(_)) => {
                // It cannot fail: the channel is there, and waits.
                let _ = self.reject(channel, open_failure::ADMINISTRATIVELY_PROHIBITED, "");
            }
            Some(Slot::Open(open)) => {
                open.close.owe();
                self.unanswered -= std::mem::take(&mut open.unanswered);
                self.list(channel.number());
            }
            _ => {}
        }
    }
}

/// Data.
impl Mux {
    /// Writes from the front of `data` what the window and the sink take: fewer bytes than given, possibly.
    pub fn write(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        sink: &mut (impl PacketSink + ?Sized),
    ) -> Result<Written, Error> {
        self.write_with(channel, data, sink, |recipient, data| ChannelData { recipient, data })
    }

    /// Writes to another stream of the channel; the code is
    /// [`EXTENDED_DATA_STDERR`](ssh_wire::number::EXTENDED_DATA_STDERR) for all that is standard. See [`Mux::write`].
    pub fn write_extended(
        &mut self,
        channel: ChannelId,
        code: u32,
        data: &[u8],
        sink: &mut (impl PacketSink + ?Sized),
    ) -> Result<Written, Error> {
        self.write_with(channel, data, sink, |recipient, data| ChannelExtendedData { recipient, code, data })
    }

    fn write_with<'a, M: Message>(
        &mut self,
        channel: ChannelId,
        data: &'a [u8],
        sink: &mut (impl PacketSink + ?Sized),
        message: impl Fn(u32, &'a [u8]) -> M,
    ) -> Result<Written, Error> {
        // What was asked for before the data comes before it.
        let flushed = self.flush_outbox(sink);
        let open = match self.channels.get_mut(channel).ok_or(Repr::Closed)? {
            Slot::Opening(opening) if opening.close => return Err(Repr::Closed.into()),
            Slot::Opening(opening) if opening.eof => return Err(Repr::EofSent.into()),
            Slot::Opening(_) => return Ok(Written::Blocked(Blocked::Window)),
            Slot::Incoming(_) => return Err(Repr::Unanswered.into()),
            Slot::Open(open) if open.close == Debt::None => open,
            Slot::Open(_) | Slot::Finished(_) | Slot::Free => return Err(Repr::Closed.into()),
        };
        if open.eof != Debt::None {
            return Err(Repr::EofSent.into());
        }
        if !flushed && !data.is_empty() {
            return Ok(Written::Blocked(Blocked::Output));
        }
        let mut rest = data;
        let blocked = loop {
            if rest.is_empty() {
                return Ok(Written::Bytes(data.len()));
            }
            let room = open.send.room().min(MAX_DATA as usize);
            if room == 0 {
                open.blocked = true;
                break Blocked::Window;
            }
            let Some(packet) = sink.packet() else { break Blocked::Output };
            let (now, later) = rest.split_at(room.min(rest.len()));
            packet.send_message(&message(open.remote, now));
            open.send.sent(now.len());
            rest = later;
        };
        Ok(match data.len() - rest.len() {
            0 => Written::Blocked(blocked),
            taken => Written::Bytes(taken),
        })
    }

    /// Whether the peer's window lets us write. If it does not, [`Event::WindowOpened`](crate::Event::WindowOpened) or
    /// [`Event::Opened`](crate::Event::Opened) tells when it does, as after a write that was blocked. A channel that is gone needs no window: a write fails at once.
    pub fn await_window(&mut self, channel: ChannelId) -> bool {
        match self.channels.get_mut(channel) {
            Some(Slot::Open(open)) => {
                open.blocked = open.send.room() == 0;
                !open.blocked
            }
            Some(Slot::Opening(_)) => false,
            _ => true,
        }
    }

    /// The user has read `bytes` of the channel's data, of whichever stream. Credit goes back to the peer when it is
    /// worth a message. A channel that is gone needs none.
    pub fn consumed(&mut self, channel: ChannelId, bytes: usize, now: Instant) {
        self.now = self.now.max(Some(now));
        let budget = self.window_budget();
        let Some(Slot::Open(open)) = self.channels.get_mut(channel) else { return };
        let grow = open.receive.read(bytes, now, self.round_trip);
        if grow {
            let size = open.receive.size();
            let more = size.min(self.config.max_window.saturating_sub(size)).min(budget / 2);
            open.receive.grow(more);
            self.windows += u64::from(more);
            trace!("{}: channel {channel}: the window grows to {} bytes", self.name, open.receive.size());
        }
        if open.credit_due() {
            self.list(channel.number());
        }
    }
}

/// Requests and replies.
impl Mux {
    /// Makes a request; with `want_reply`, an [`Event::Reply`](crate::Event::Reply) answers. `data` is what the request adds, encoded:
    /// [`Exec`](ssh_wire::message::connection::Exec) for instance.
    pub fn request(
        &mut self,
        channel: ChannelId,
        name: &[u8],
        want_reply: bool,
        data: &[u8],
    ) -> Result<(), Error> {
        self.queue_room(name.len() + data.len() + OVERHEAD)?;
        let message = |recipient| ChannelRequest { recipient, request: name, want_reply, data: Rest(data) };
        let awaited = match self.channels.get_mut(channel).ok_or(Repr::Closed)? {
            Slot::Opening(opening) if !opening.close => {
                let payload = message(0).to_payload();
                self.outbox.hold(payload.len());
                opening.requests.push(payload);
                &mut opening.awaited
            }
            Slot::Open(open) if open.close == Debt::None => {
                self.outbox.push(&message(open.remote));
                &mut open.awaited
            }
            Slot::Incoming(_) => return Err(Repr::Unanswered.into()),
            Slot::Opening(_) | Slot::Open(_) | Slot::Finished(_) | Slot::Free => {
                return Err(Repr::Closed.into());
            }
        };
        if want_reply {
            awaited.push_back(self.now);
        }
        debug!("{}: channel {channel}: requesting {}", self.name, Request { name, data });
        Ok(())
    }

    /// Answers the peer's oldest request on the channel that has no answer yet. Without such a request, or on a
    /// channel that is closed, it has no effect.
    pub fn reply(&mut self, channel: ChannelId, success: bool) {
        let Some(Slot::Open(open)) = self.channels.get_mut(channel) else { return };
        if open.unanswered == 0 {
            return;
        }
        open.unanswered -= 1;
        self.unanswered -= 1;
        let recipient = open.remote;
        debug!("{}: channel {channel}: the peer's request is {}", self.name, verb(success));
        if success {
            self.outbox.push(&ChannelSuccess { recipient });
        } else {
            self.outbox.push(&ChannelFailure { recipient });
        }
    }

    /// Makes a request that concerns no channel; with `want_reply`, an [`Event::GlobalReply`](crate::Event::GlobalReply) answers. `data` is what
    /// the request adds, encoded: [`TcpipForward`](ssh_wire::message::connection::TcpipForward) for instance.
    pub fn global_request(&mut self, name: &[u8], want_reply: bool, data: &[u8]) -> Result<(), Error> {
        self.queue_room(name.len() + data.len() + OVERHEAD)?;
        debug!("{}: requesting {}", self.name, Text(name));
        self.outbox.push(&GlobalRequest { name, want_reply, data: Rest(data) });
        if want_reply {
            self.awaited.push_back(Awaited { since: self.now, seq: None });
        }
        Ok(())
    }

    /// Answers the peer's oldest global request that has no answer yet; `data` is what a success adds, encoded.
    /// Without such a request it has no effect. Data that no packet can carry makes it a failure.
    pub fn global_reply(&mut self, success: bool, data: &[u8]) {
        if self.unanswered_global == 0 {
            return;
        }
        self.unanswered_global -= 1;
        self.unanswered -= 1;
        let success = success && data.len() <= MAX_DATA as usize;
        debug!("{}: the peer's request is {}", self.name, verb(success));
        if success {
            self.outbox.push(&RequestSuccess { data: Rest(data) });
        } else {
            self.outbox.push(&RequestFailure {});
        }
    }
}

/// Answers by rule, where the caller is not asked.
impl Mux {
    pub(super) fn refuse(&mut self, recipient: u32, reason: u32) {
        self.outbox.push(&ChannelOpenFailure { recipient, reason, description: b"", language: b"" });
    }

    pub(super) fn send_later(&mut self, message: &impl Encode) {
        self.outbox.push(message);
    }
}
