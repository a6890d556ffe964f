//! What the peer sends.

use super::Mux;
use crate::{
    ChannelId, Event,
    channel::{Channel, Debt, Incoming, Slot},
    error::Repr,
    text::{Request, Text, verb},
    window::SendWindow,
};
use bytes::{Buf, Bytes};
use log::debug;
use ssh_wire::{
    Decode, DecodeError, Message, Rest,
    message::connection::{
        ChannelClose, ChannelData, ChannelEof, ChannelExtendedData, ChannelFailure, ChannelOpen,
        ChannelOpenConfirmation, ChannelOpenFailure, ChannelRequest, ChannelSuccess, ChannelWindowAdjust,
        GlobalRequest, RequestFailure, RequestSuccess,
    },
    number::{self, open_failure},
};
use std::time::Instant;

impl Mux {
    pub(super) fn dispatch(&mut self, payload: Bytes, now: Instant) -> Result<(), Repr> {
        match *payload.first().ok_or(Repr::Malformed { number: 0, source: DecodeError::Truncated })? {
            number::CHANNEL_DATA => self.on_data(payload, now),
            number::CHANNEL_EXTENDED_DATA => self.on_extended_data(payload, now),
            number::CHANNEL_WINDOW_ADJUST => self.on_adjust(&payload),
            number::CHANNEL_EOF => self.on_eof(&payload),
            number::CHANNEL_CLOSE => self.on_close(&payload),
            number::CHANNEL_REQUEST => self.on_request(&payload),
            number::CHANNEL_SUCCESS => {
                let ChannelSuccess { recipient } = parse(&payload)?;
                self.on_reply(recipient, ChannelSuccess::NUMBER, true, now)
            }
            number::CHANNEL_FAILURE => {
                let ChannelFailure { recipient } = parse(&payload)?;
                self.on_reply(recipient, ChannelFailure::NUMBER, false, now)
            }
            number::CHANNEL_OPEN => self.on_open(&payload),
            number::CHANNEL_OPEN_CONFIRMATION => self.on_confirmation(&payload, now),
            number::CHANNEL_OPEN_FAILURE => self.on_open_failure(&payload, now),
            number::GLOBAL_REQUEST => self.on_global_request(&payload),
            number::REQUEST_SUCCESS => {
                let RequestSuccess { data: Rest(data) } = parse(&payload)?;
                self.on_global_reply(true, payload.slice_ref(data), now)
            }
            number::REQUEST_FAILURE => {
                let RequestFailure {} = parse(&payload)?;
                self.on_global_reply(false, Bytes::new(), now)
            }
            other => Err(Repr::Unknown(other)),
        }
    }
}

/// Data and windows.
impl Mux {
    fn on_data(&mut self, mut payload: Bytes, now: Instant) -> Result<(), Repr> {
        let ChannelData { recipient, data } = parse(&payload)?;
        let length = data.len();
        if let Some(channel) = self.receive(ChannelData::NUMBER, recipient, length, now)? {
            payload.advance(payload.len() - length);
            self.events.push_back(Event::Data { channel, data: payload });
        }
        Ok(())
    }

    fn on_extended_data(&mut self, mut payload: Bytes, now: Instant) -> Result<(), Repr> {
        let ChannelExtendedData { recipient, code, data } = parse(&payload)?;
        let length = data.len();
        if let Some(channel) = self.receive(ChannelExtendedData::NUMBER, recipient, length, now)? {
            payload.advance(payload.len() - length);
            self.events.push_back(Event::ExtendedData { channel, code, data: payload });
        }
        Ok(())
    }

    /// Takes data into account; answers the channel if someone is to see it.
    fn receive(
        &mut self,
        number: u8,
        recipient: u32,
        bytes: usize,
        now: Instant,
    ) -> Result<Option<ChannelId>, Repr> {
        let (channel, open) = open(self.channels.number(recipient), number, recipient)?;
        let left = open.receive.left();
        // RFC 4254 §5.2: what does not fit the window may not be sent. Nothing that obeys it is over by a byte.
        open.receive.receive(bytes, now, &mut self.round_trip).ok_or(Repr::WindowExceeded {
            channel: recipient,
            sent: bytes,
            left,
        })?;
        if open.eof_received {
            // RFC 4254 §5.3 forbids it; OpenSSH passes over it. It gets no credit back, so there is an end to it.
            debug!("{}: channel {recipient}: dropped {bytes} bytes behind the end of file", self.name);
            return Ok(None);
        }
        let wanted = bytes > 0 && open.close == Debt::None;
        Ok(wanted.then_some(channel))
    }

    fn on_adjust(&mut self, payload: &[u8]) -> Result<(), Repr> {
        let ChannelWindowAdjust { recipient, bytes } = parse(payload)?;
        let number = ChannelWindowAdjust::NUMBER;
        let Some((channel, slot)) = self.channels.number(recipient) else {
            return Err(Repr::NoChannel { number, channel: recipient });
        };
        match slot {
            Slot::Open(open) => {
                open.send.grant(bytes).ok_or(Repr::WindowOverflow(recipient))?;
                if open.blocked && open.send.room() > 0 {
                    open.blocked = false;
                    self.events.push_back(Event::WindowOpened { channel });
                }
                Ok(())
            }
            // It may cross our CLOSE, or come late.
            Slot::Finished(_) | Slot::Free => Ok(()),
            Slot::Opening(_) => Err(Self::state(number, channel, "before it was confirmed")),
            Slot::Incoming(_) => Err(Self::state(number, channel, "before it was accepted")),
        }
    }
}

/// The life of a channel.
impl Mux {
    fn on_open(&mut self, payload: &Bytes) -> Result<(), Repr> {
        let ChannelOpen { channel_type, sender, window, max_packet, data: Rest(data) } = parse(payload)?;
        if max_packet == 0 {
            return Err(Repr::NoPacketSize);
        }
        self.refuse_flood()?;
        debug!("{}: the peer opens a channel of type {}", self.name, Text(channel_type));
        if self.config.refuse_channels {
            self.refuse(sender, open_failure::ADMINISTRATIVELY_PROHIBITED);
            return Ok(());
        }
        let incoming = Incoming { remote: sender, send: SendWindow::new(window, max_packet) };
        let Some(channel) = self.channels.insert(Slot::Incoming(incoming)) else {
            self.refuse(sender, open_failure::RESOURCE_SHORTAGE);
            return Ok(());
        };
        let (channel_type, data) = (payload.slice_ref(channel_type), payload.slice_ref(data));
        self.events.push_back(Event::Incoming { channel, channel_type, data });
        Ok(())
    }

    fn on_confirmation(&mut self, payload: &Bytes, now: Instant) -> Result<(), Repr> {
        let ChannelOpenConfirmation { recipient, sender, window, max_packet, data: Rest(data) } =
            parse(payload)?;
        let number = ChannelOpenConfirmation::NUMBER;
        let (channel, slot) = known(self.channels.number(recipient), number, recipient)?;
        let Slot::Opening(opening) = slot else {
            return Err(Self::state(number, channel, "that was confirmed already"));
        };
        if max_packet == 0 {
            return Err(Repr::NoPacketSize);
        }
        debug!(
            "{}: channel {channel}: open, with a window of {window} bytes and packets of up to {max_packet}",
            self.name
        );
        self.round_trip.sample(opening.since, now);
        let mut open = Channel::new(sender, SendWindow::new(window, max_packet), opening.window);
        let (eof, close) = (opening.eof, opening.close);
        let requests = std::mem::take(&mut opening.requests);
        open.awaited = std::mem::take(&mut opening.awaited);
        // They start their round trip now.
        open.awaited.iter_mut().for_each(|since| *since = Some(now));
        *slot = Slot::Open(open);

        for mut request in requests {
            self.outbox.release(request.len());
            if let Some(recipient) = request.get_mut(1..5) {
                recipient.copy_from_slice(&sender.to_be_bytes());
            }
            self.send_later(&Rest(&request));
        }
        if eof {
            self.eof(channel);
        }
        if close {
            self.close(channel);
        } else {
            self.events.push_back(Event::Opened { channel, data: payload.slice_ref(data) });
        }
        Ok(())
    }

    fn on_open_failure(&mut self, payload: &[u8], now: Instant) -> Result<(), Repr> {
        let ChannelOpenFailure { recipient, reason, description, .. } = parse(payload)?;
        let number = ChannelOpenFailure::NUMBER;
        let (channel, slot) = known(self.channels.number(recipient), number, recipient)?;
        let Slot::Opening(opening) = slot else {
            return Err(Self::state(number, channel, "that was confirmed already"));
        };
        debug!(
            "{}: channel {channel}: the peer refuses it, reason {reason}: {}",
            self.name,
            Text(description)
        );
        self.round_trip.sample(opening.since, now);
        self.outbox.release(opening.requests.iter().map(Vec::len).sum());
        self.windows -= u64::from(opening.window);
        let unanswered = opening.awaited.len();
        self.channels.remove(recipient);
        self.events.extend((0..unanswered).map(|_| Event::Reply { channel, success: false }));
        let description = String::from_utf8_lossy(description).into_owned();
        self.events.push_back(Event::OpenFailed { channel, reason, description });
        Ok(())
    }

    fn on_eof(&mut self, payload: &[u8]) -> Result<(), Repr> {
        let ChannelEof { recipient } = parse(payload)?;
        let (channel, open) = open(self.channels.number(recipient), ChannelEof::NUMBER, recipient)?;
        debug!("{}: channel {channel}: EOF received", self.name);
        let first = !std::mem::replace(&mut open.eof_received, true);
        if first && open.close == Debt::None {
            self.events.push_back(Event::Eof { channel });
        }
        Ok(())
    }

    fn on_close(&mut self, payload: &[u8]) -> Result<(), Repr> {
        let ChannelClose { recipient } = parse(payload)?;
        let number = ChannelClose::NUMBER;
        let (channel, slot) = known(self.channels.number(recipient), number, recipient)?;
        let open = open(Some((channel, &mut *slot)), number, recipient)?.1;
        debug!("{}: channel {channel}: CLOSE received", self.name);
        self.unanswered -= open.unanswered;
        self.windows -= u64::from(open.receive.size());
        let unanswered = open.awaited.len();
        if open.close == Debt::Paid {
            self.channels.remove(recipient);
        } else {
            // RFC 4254 §5.3: each side sends one; the number is free after both.
            *slot = Slot::Finished(open.remote);
            self.list(recipient);
        }
        self.events.extend((0..unanswered).map(|_| Event::Reply { channel, success: false }));
        self.events.push_back(Event::Closed { channel });
        Ok(())
    }
}

/// Requests and replies.
impl Mux {
    fn on_request(&mut self, payload: &Bytes) -> Result<(), Repr> {
        let ChannelRequest { recipient, request, want_reply, data: Rest(data) } = parse(payload)?;
        self.refuse_flood()?;
        let (channel, open) = open(self.channels.number(recipient), ChannelRequest::NUMBER, recipient)?;
        if open.close != Debt::None {
            // Nobody listens, and behind our CLOSE nothing may be answered.
            return Ok(());
        }
        debug!("{}: channel {channel}: the peer requests {}", self.name, Request { name: request, data });
        let ask = want_reply && !self.config.refuse_requests;
        if ask {
            open.unanswered += 1;
            self.unanswered += 1;
        } else if want_reply {
            let recipient = open.remote;
            self.send_later(&ChannelFailure { recipient });
        }
        let (name, data) = (payload.slice_ref(request), payload.slice_ref(data));
        self.events.push_back(Event::Request { channel, name, want_reply: ask, data });
        Ok(())
    }

    fn on_reply(&mut self, recipient: u32, number: u8, success: bool, now: Instant) -> Result<(), Repr> {
        let Some((channel, slot)) = self.channels.number(recipient) else {
            return Err(Repr::NoChannel { number, channel: recipient });
        };
        match slot {
            Slot::Open(open) => {
                let since = open.awaited.pop_front().ok_or(Repr::Unsolicited)?;
                debug!("{}: channel {channel}: our request is {}", self.name, verb(success));
                self.round_trip.sample(since, now);
                self.events.push_back(Event::Reply { channel, success });
                Ok(())
            }
            // It may come late.
            Slot::Finished(_) | Slot::Free => Ok(()),
            Slot::Opening(_) => Err(Self::state(number, channel, "before it was confirmed")),
            Slot::Incoming(_) => Err(Self::state(number, channel, "before it was accepted")),
        }
    }

    fn on_global_request(&mut self, payload: &Bytes) -> Result<(), Repr> {
        let GlobalRequest { name, want_reply, data: Rest(data) } = parse(payload)?;
        self.refuse_flood()?;
        debug!("{}: the peer requests {}", self.name, Text(name));
        let ask = want_reply && !self.config.refuse_requests;
        if ask {
            self.unanswered_global += 1;
            self.unanswered += 1;
        } else if want_reply {
            self.send_later(&RequestFailure {});
        }
        let (name, data) = (payload.slice_ref(name), payload.slice_ref(data));
        self.events.push_back(Event::GlobalRequest { name, want_reply: ask, data });
        Ok(())
    }

    fn on_global_reply(&mut self, success: bool, data: Bytes, now: Instant) -> Result<(), Repr> {
        let awaited = self.awaited.pop_front().ok_or(Repr::Unsolicited)?;
        debug!("{}: our request is {}", self.name, verb(success));
        self.round_trip.sample(awaited.since, now);
        self.events.push_back(Event::GlobalReply { success, data });
        Ok(())
    }

    /// Fails when a peer makes requests and does not let us answer.
    fn refuse_flood(&self) -> Result<(), Repr> {
        let flood =
            self.outbox.len() > self.config.max_queue || self.unanswered >= self.config.max_unanswered;
        if flood { Err(Repr::Flood) } else { Ok(()) }
    }
}

fn parse<'a, M: Message + Decode<'a>>(payload: &'a [u8]) -> Result<M, Repr> {
    M::parse(payload).map_err(|source| Repr::Malformed { number: M::NUMBER, source })
}

/// The channel of that number, in whatever state; an error if there is none now.
fn known(
    found: Option<(ChannelId, &mut Slot)>,
    number: u8,
    recipient: u32,
) -> Result<(ChannelId, &mut Slot), Repr> {
    match found {
        None | Some((_, Slot::Free | Slot::Finished(_))) => {
            Err(Repr::NoChannel { number, channel: recipient })
        }
        Some(found) => Ok(found),
    }
}

/// The channel of that number, which must be open.
fn open(
    found: Option<(ChannelId, &mut Slot)>,
    number: u8,
    recipient: u32,
) -> Result<(ChannelId, &mut Channel), Repr> {
    let (channel, slot) = known(found, number, recipient)?;
    match slot {
        Slot::Open(open) => Ok((channel, open)),
        Slot::Opening(_) => Err(Mux::state(number, channel, "before it was confirmed")),
        _ => Err(Mux::state(number, channel, "before it was accepted")),
    }
}
