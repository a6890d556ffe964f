//! What the server says, by the state in which it says it.

use super::{
    Client, Event, MAX_BANNER_BYTES, MAX_BANNERS, Method, Outcome, Outgoing, Question, Sent, Service, Step,
    Turn, USERAUTH,
};
use crate::{
    Error, attempt,
    method::{interactive, password, publickey},
};
use ssh_wire::{
    Message,
    message::{
        auth::{UserauthBanner, UserauthFailure, UserauthSuccess},
        transport::ServiceAccept,
    },
    number,
};
use std::{collections::VecDeque, mem};

impl Client {
    pub(super) fn dispatch(&mut self, payload: &[u8]) -> Result<(), Error> {
        let number = payload.first().copied().unwrap_or_default();
        match (number, self.service) {
            // What waits for a packet has not been asked yet.
            (number::SERVICE_ACCEPT | number::USERAUTH_FAILURE..=number::USERAUTH_SUCCESS | 60.., _)
                if self.wants_flush() =>
            {
                Err(Error::unexpected(number, "before it was asked"))
            }
            (number::SERVICE_ACCEPT, Service::Requested) => self.service_accept(payload),
            (number::USERAUTH_BANNER, Service::Requested | Service::Accepted) => self.banner(payload),
            (
                number::USERAUTH_FAILURE | number::USERAUTH_SUCCESS | number::USERAUTH_PK_OK,
                Service::Accepted,
            ) => match mem::replace(&mut self.step, Step::Over) {
                Step::Sent(turn, sent) => self.answer(number, payload, turn, sent),
                Step::Asked(..) => Err(Error::unexpected(number, "while nothing was asked of it")),
                Step::Idle | Step::Exhausted | Step::Over => {
                    Err(Error::unexpected(number, "without an attempt"))
                }
            },
            (_, Service::Accepted) => Err(Error::unexpected(number, "has no place in an authentication")),
            _ => Err(Error::unexpected(number, "before it started the authentication")),
        }
    }

    fn service_accept(&mut self, payload: &[u8]) -> Result<(), Error> {
        // Some old servers leave the name out.
        if payload.len() > 1 {
            let accept = ServiceAccept::parse(payload).map_err(Error::decode("SERVICE_ACCEPT"))?;
            if accept.service != USERAUTH.as_bytes() {
                return Err(Error::other_service(accept.service, USERAUTH));
            }
        }
        self.service = Service::Accepted;
        if matches!(self.step, Step::Idle) {
            self.advance();
        }
        Ok(())
    }

    fn banner(&mut self, payload: &[u8]) -> Result<(), Error> {
        let banner = UserauthBanner::parse(payload).map_err(Error::decode("USERAUTH_BANNER"))?;
        self.banners += 1;
        self.count_text(banner.message.len())?;
        self.events.push_back(Event::Banner(String::from_utf8_lossy(banner.message).into_owned()));
        Ok(())
    }

    /// What needs no answer could come without an end.
    fn count_text(&mut self, bytes: usize) -> Result<(), Error> {
        self.banner_bytes += bytes;
        if self.banners > MAX_BANNERS || self.banner_bytes > MAX_BANNER_BYTES {
            return Err(Error::limit("too many or too long banners"));
        }
        Ok(())
    }

    fn answer(&mut self, number: u8, payload: &[u8], turn: Turn, sent: Sent) -> Result<(), Error> {
        match (number, sent) {
            (number::USERAUTH_SUCCESS, Sent::Password | Sent::Interactive | Sent::Final) => {
                UserauthSuccess::parse(payload).map_err(Error::decode("USERAUTH_SUCCESS"))?;
                self.conclude(&turn, Outcome::Succeeded);
                self.events.push_back(Event::Success);
                // Nothing more is asked for, and a session may last.
                self.plan.forget();
                self.attempts.shrink_to_fit();
                self.outgoing = VecDeque::new();
                self.server_sig_algs = None;
                Ok(())
            }
            // A probe proves nothing: success would be somebody else's.
            (number::USERAUTH_SUCCESS, Sent::Probe) => {
                Err(Error::violation("USERAUTH_SUCCESS from the peer where a key was only asked about"))
            }
            (number::USERAUTH_FAILURE, _) => self.failure(payload, &turn, sent),
            (_, Sent::Probe) => self.pk_ok(payload, turn),
            (_, Sent::Password) => self.change_request(payload, turn),
            (_, Sent::Interactive) => self.info_request(payload, turn),
            (_, Sent::Final) => {
                Err(Error::unexpected(number, "where the method has only success and failure"))
            }
        }
    }

    fn failure(&mut self, payload: &[u8], turn: &Turn, sent: Sent) -> Result<(), Error> {
        let failure = UserauthFailure::parse(payload).map_err(Error::decode("USERAUTH_FAILURE"))?;
        let methods = attempt::names(failure.methods);
        if failure.partial_success {
            if matches!(sent, Sent::Probe) {
                return Err(Error::violation(
                    "partial success from the peer where a key was only asked about",
                ));
            }
            self.plan.accepted(turn.at, methods.clone());
            self.conclude(turn, Outcome::Partial { methods });
        } else {
            let (algorithm, sig_algs) = (turn.algorithm.as_deref(), self.server_sig_algs.as_deref());
            self.plan.failed(turn.at, methods.clone(), algorithm, sig_algs, turn.rounds > 0);
            self.conclude(turn, Outcome::Failed { methods });
        }
        self.advance();
        Ok(())
    }

    fn pk_ok(&mut self, payload: &[u8], turn: Turn) -> Result<(), Error> {
        if let (Method::Publickey(key), Some(algorithm)) = (self.plan.method(turn.at), &turn.algorithm) {
            publickey::check_pk_ok(payload, key, algorithm)?;
            self.ask_signature(turn);
        }
        Ok(())
    }

    fn change_request(&mut self, payload: &[u8], turn: Turn) -> Result<(), Error> {
        let prompt = password::change_prompt(payload)?;
        let turn = next_round(turn)?;
        let id = self.id(&turn);
        self.ask(turn, Question::NewPassword, Event::ChangePassword { id, prompt });
        Ok(())
    }

    fn info_request(&mut self, payload: &[u8], turn: Turn) -> Result<(), Error> {
        let questions = interactive::Questions::parse(payload)?;
        let turn = next_round(turn)?;
        let id = self.id(&turn);
        let interactive::Questions { name, instruction, prompts } = questions;
        // RFC 4256 §3.2: without prompts there is only something to tell, and an empty answer is due.
        if prompts.is_empty() {
            if !(name.is_empty() && instruction.is_empty()) {
                self.count_text(name.len() + instruction.len())?;
                self.events.push_back(Event::Notice { id, name, instruction });
            }
            self.outgoing.push_back(Outgoing::Responses(Vec::new()));
            self.step = Step::Sent(turn, Sent::Interactive);
            return Ok(());
        }
        let question = Question::Responses(prompts.len());
        self.ask(turn, question, Event::Prompts { id, name, instruction, prompts });
        Ok(())
    }
}

fn next_round(turn: Turn) -> Result<Turn, Error> {
    let rounds = turn.rounds + 1;
    if rounds > interactive::MAX_ROUNDS {
        return Err(Error::limit("too many questions without an end"));
    }
    Ok(Turn { rounds, ..turn })
}
