//! What becomes of each message that comes in, as [`crate::allowed`] judges it.

use crate::{
    Disconnected, Error, Event, LOG_TARGET, Role, Transport,
    allowed::{Phase, Verdict, verdict},
    error::Cause,
    owed::Answer,
    state::{Deadline, State},
    text,
};
use bytes::Bytes;
use log::{debug, trace};
use ssh_wire::{
    Decode, Inbound, Message, Shown,
    ident::Identification,
    message::transport::{Debug, Disconnect, ExtInfo, Ping, Unimplemented},
    number,
};
use std::time::Instant;

impl Transport {
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), Error> {
        self.now = now;
        if self.deadline == Deadline::Unset {
            self.deadline = Deadline::after(now, self.config.kex_timeout);
        }
        match &self.state {
            State::Closed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    pub(crate) fn identified(&mut self, identification: Identification) -> Result<Option<Bytes>, Error> {
        if self.peer.is_some() {
            return Err(Error::usage("the identification string was handled twice"));
        }
        debug!(target: LOG_TARGET, "{:?}: the peer is {identification}", self.role);
        self.peer = Some(identification.clone());
        self.events.push_back(Event::Identified(identification));
        Ok(None)
    }

    pub(crate) fn message(&mut self, inbound: &Inbound) -> Result<Option<Bytes>, Error> {
        let Inbound { seq, payload } = inbound;
        let Some(&number) = payload.first() else {
            return Err(Error::unexpected(0, "without a payload"));
        };
        trace!(target: ssh_wire::LOG_TARGET, "{:?}: received {}", self.role, Shown(payload));
        self.received.count(payload.len());
        let mut upper = None;
        match verdict(self.phase, self.role, number) {
            Verdict::Transport => self.transport_message(number, payload)?,
            Verdict::Kex => self.kex_message(number, payload, *seq)?,
            Verdict::Upper => {
                let is_success = self.role == Role::Client && number == number::USERAUTH_SUCCESS;
                self.authenticated |= is_success || number >= number::GLOBAL_REQUEST;
                if is_success {
                    self.encoder.authenticated();
                }
                upper = Some(payload.clone());
            }
            Verdict::Unknown => self.owed.push(Answer::Unimplemented(*seq))?,
            Verdict::Refused => return Err(self.refused(number)),
        }
        self.renew_if_due();
        self.flush_owed();
        Ok(upper)
    }

    fn transport_message(&mut self, number: u8, payload: &Bytes) -> Result<(), Error> {
        match number {
            number::DISCONNECT => {
                let Disconnect { reason, description, .. } = decode("DISCONNECT", payload)?;
                let disconnected = Disconnected::new(reason, description);
                debug!(target: LOG_TARGET, "{:?}: the peer disconnected: {disconnected:?}", self.role);
                self.events.push_back(Event::Disconnected(disconnected.clone()));
                self.close(Cause::Disconnected(disconnected).into());
            }
            number::DEBUG => {
                let Debug { always_display, message, .. } = decode("DEBUG", payload)?;
                let message = text::printable(message);
                debug!(target: LOG_TARGET, "{:?}: the peer says: {message:?}", self.role);
                self.notice(Event::Debug { message, always_display });
            }
            number::UNIMPLEMENTED => {
                let Unimplemented { seq } = decode("UNIMPLEMENTED", payload)?;
                debug!(target: LOG_TARGET, "{:?}: the peer does not know our message {seq}", self.role);
                self.notice(Event::Unimplemented { seq });
                if matches!(&self.state, State::Proposed(proposal) if proposal.seq == seq) {
                    return Err(Cause::NoKex.into());
                }
            }
            // RFC 8308 §2.4: behind the first NEWKEYS and before USERAUTH_SUCCESS; elsewhere it says nothing.
            number::EXT_INFO if !self.authenticated => {
                let message: ExtInfo<'_> = decode("EXT_INFO", payload)?;
                self.extensions.update(&message);
                let names = message.iter().take(MAX_LOGGED).map(|(name, _)| name.escape_ascii().to_string());
                debug!(target: LOG_TARGET, "{:?}: the peer's extensions: {:?}", self.role, names.collect::<Vec<_>>());
                self.notice(Event::ExtInfo);
            }
            number::PING => {
                let Ping { data } = decode("PING", payload)?;
                self.owed.push(Answer::Pong(payload.slice_ref(data)))?;
            }
            // IGNORE: whatever it holds.
            _ => {}
        }
        Ok(())
    }

    fn refused(&self, number: u8) -> Error {
        match self.phase {
            Phase::FirstKex { strict: true } => {
                Cause::Strict("a message came that has no place in the first key exchange").into()
            }
            Phase::Start | Phase::FirstKex { strict: false } => {
                Error::unexpected(number, "before the first key exchange is over")
            }
            Phase::Rekey => Error::unexpected(number, "while keys are renewed"),
            Phase::Open => Error::unexpected(number, "outside a key exchange, or at this side"),
        }
    }
}

/// Extensions that the log names.
const MAX_LOGGED: usize = 64;

fn decode<'a, M: Message + Decode<'a>>(name: &'static str, payload: &'a [u8]) -> Result<M, Error> {
    M::parse(payload).map_err(|error| Error::decode(name, error))
}
