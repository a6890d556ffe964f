//! From the engines' events to those who wait for them.

use crate::{
    Error, ErrorKind,
    core::{Core, Decision},
    engine::Event,
    inbox::{Inbox, Source},
    listeners::Answered,
};
use bytes::Bytes;
use ssh_connection::{ChannelId, Exit};
use ssh_wire::number::EXTENDED_DATA_STDERR;
use std::{sync::Arc, time::Instant};

/// Lines before the identification string that are kept for the error message.
const KEPT_LINES: usize = 4;

impl Core {
    /// Hands the engines' events to those who wait for them.
    pub(crate) fn dispatch(&mut self) -> Result<(), Error> {
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::Connection(event) => self.dispatch_connection(event)?,
                Event::ClientAuth(event) => self.decide(Decision::ClientAuth(event)),
                Event::ServerAuth(event) => self.decide(Decision::ServerAuth(event)),
                Event::Transport(event) => self.dispatch_transport(event)?,
            }
        }
        Ok(())
    }

    fn decide(&mut self, decision: Decision) {
        self.decisions.push_back(decision);
        self.notify_changed();
    }

    fn dispatch_transport(&mut self, event: ssh_kex::Event) -> Result<(), Error> {
        use ssh_kex::Event;
        match event {
            Event::HostKey { key, algorithm } => {
                self.decide(Decision::HostKey { blob: key, algorithm });
            }
            Event::Established { rekey } => {
                if !rekey {
                    self.decisions.push_back(Decision::Established);
                }
                self.notify_changed();
                self.notify_room();
            }
            Event::Line(line) => {
                let line = line.escape_ascii().to_string();
                log::debug!("{} says before its identification: {line}", self.engine.peer());
                if self.lines.len() < KEPT_LINES {
                    self.lines.push(line);
                }
            }
            Event::Disconnected(disconnected) => {
                let (reason, text) = (disconnected.reason, disconnected.description);
                let peer = self.engine.peer();
                let message = format!("{peer} ended the session: {text:?} (reason {reason})");
                return Err(Error::new(ErrorKind::Disconnected, message));
            }
            _ => {}
        }
        Ok(())
    }

    fn dispatch_connection(&mut self, event: ssh_connection::Event) -> Result<(), Error> {
        use ssh_connection::Event;
        match event {
            Event::Data { channel, data } => self.deliver(channel, Source::Stdout, data),
            Event::ExtendedData { channel, code, data } if code == EXTENDED_DATA_STDERR => {
                self.deliver(channel, Source::Stderr, data);
            }
            Event::ExtendedData { channel, data, .. } => {
                self.engine.mux.consumed(channel, data.len(), Instant::now());
            }
            Event::WindowOpened { channel } => self.with(channel, Inbox::set_window_opened),
            Event::Eof { channel } => self.with(channel, Inbox::set_eof),
            Event::Closed { channel } => {
                self.with(channel, Inbox::set_closed);
                self.channels.remove(&channel);
            }
            Event::Opened { channel, .. } => self.with(channel, |inbox| inbox.set_opened(Ok(()))),
            Event::OpenFailed { channel, reason, description } => {
                let peer = self.engine.peer();
                let message = format!("{peer} refused the channel: {description:?} (reason {reason})");
                let error = Error::new(ErrorKind::ChannelRefused, message);
                self.with(channel, |inbox| inbox.set_opened(Err(error)));
                self.channels.remove(&channel);
            }
            Event::Reply { channel, success } => self.with(channel, |inbox| inbox.set_reply(success)),
            Event::Request { channel, name, want_reply, data } => {
                if let Some(exit) = Exit::parse(&name, &data) {
                    self.with(channel, |inbox| inbox.set_exit(exit));
                }
                self.keep_request(channel, &name, want_reply, &data)?;
            }
            Event::Incoming { channel, channel_type, data } => {
                self.incoming(channel, &channel_type, &data)?;
            }
            Event::GlobalRequest { name, want_reply, data } => {
                self.keep_global_request(&name, want_reply, &data)?;
            }
            Event::GlobalReply { success, data } => {
                if let Some(Some(number)) = self.global_waiters.pop_front() {
                    // At once, for connections may follow right behind.
                    match self.listeners.answered(number, success, &data) {
                        Answered::Wanted => {
                            self.global_replies.insert(number, (success, data));
                            self.notify_changed();
                        }
                        Answered::Unwanted => {}
                        Answered::InVain(address, port) => self.give_back(&address, port),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn with(&self, channel: ChannelId, act: impl FnOnce(&Inbox)) {
        if let Some(inbox) = self.channels.get(&channel) {
            act(inbox);
        }
    }

    /// Puts data into the channel's inbox; data for a channel whose handles are gone is dropped.
    fn deliver(&mut self, channel: ChannelId, source: Source, data: Bytes) {
        let Some(inbox) = self.channels.get(&channel) else { return };
        inbox.push(source, data);
        if !self.to_wake.last().is_some_and(|last| Arc::ptr_eq(last, inbox)) {
            self.to_wake.push(inbox.clone());
        }
    }

    /// Wakes the readers of the channels that data has come for: once for a whole batch of packets.
    pub(crate) fn wake_readers(&mut self) {
        self.to_wake.drain(..).for_each(|inbox| inbox.wake());
    }

    /// Answers the peer's request to open a channel.
    fn incoming(&mut self, channel: ChannelId, channel_type: &[u8], data: &[u8]) -> Result<(), Error> {
        if let Some(kept) = self.peer_requests.open(channel, channel_type, data) {
            match kept {
                Ok(()) => self.notify_changed(),
                Err((reason, description)) => self.engine.mux.reject(channel, reason, description)?,
            }
            return Ok(());
        }
        let inbox = self.new_inbox();
        match self.listeners.accept(channel, channel_type, data, inbox.clone()) {
            Ok(()) => {
                self.channels.insert(channel, inbox);
                self.engine.mux.accept(channel)?;
                self.notify_changed();
            }
            Err((reason, description)) => self.engine.mux.reject(channel, reason, description)?,
        }
        Ok(())
    }
}
