//! From one method to the next.

use super::{Attempt, Client, Event, Method, Outcome, Outgoing, Question, Reason, Sent, Step, Turn};
use crate::method::{Request, hostbased, publickey};
use ssh_wire::Packet;
use std::mem;

impl Client {
    /// Begins with the next method of the plan, or ends.
    pub(super) fn advance(&mut self) {
        self.step = Step::Over;
        match self.plan.next(self.server_sig_algs.as_deref(), &mut self.attempts) {
            Some(at) => self.begin(at),
            None => {
                self.step = Step::Exhausted;
                self.events.push_back(Event::Failed);
            }
        }
    }

    fn begin(&mut self, at: usize) {
        let algorithm = self.plan.algorithm(at, self.server_sig_algs.as_deref()).map(str::to_owned);
        let turn = Turn { at, record: None, algorithm: algorithm.clone(), rounds: 0 };
        match (self.plan.method(at), algorithm) {
            (Method::Publickey(key), Some(algorithm)) if key.probe => {
                self.send(turn, Request::Probe { algorithm }, Sent::Probe);
            }
            (Method::Publickey(_) | Method::Hostbased(_), _) => {
                self.ask_signature(turn);
            }
            (&Method::Password { id }, _) => {
                let attempt = self.plan.attempt(at);
                self.ask(turn, Question::Password, Event::Password { id, attempt });
            }
            (Method::KeyboardInteractive { .. }, _) => {
                self.send(turn, Request::Interactive, Sent::Interactive);
            }
            (Method::None, _) => self.send(turn, Request::None, Sent::Final),
        }
    }

    pub(super) fn ask(&mut self, turn: Turn, question: Question, event: Event) {
        self.events.push_back(event);
        self.step = Step::Asked(turn, question);
    }

    pub(super) fn send(&mut self, mut turn: Turn, request: Request, sent: Sent) {
        let method = self.plan.method(turn.at);
        if request.size(method, &self.config.user, &self.config.service) > Packet::MAX_PAYLOAD {
            return self.give_up(&turn, Reason::TooLong);
        }
        log::debug!("trying {}", method.name());
        if turn.record.is_none() {
            turn.record = Some(self.attempts.len());
            self.attempts.push(self.attempt(&turn, Outcome::Unanswered));
        }
        self.outgoing.push_back(Outgoing::Request { at: turn.at, request });
        self.step = Step::Sent(turn, sent);
    }

    pub(super) fn give_up(&mut self, turn: &Turn, reason: Reason) {
        self.plan.give_up(turn.at);
        self.conclude(turn, Outcome::Skipped(reason));
        self.advance();
    }

    /// Writes down what came of a turn.
    pub(super) fn conclude(&mut self, turn: &Turn, outcome: Outcome) {
        let attempt = self.attempt(turn, outcome);
        log::debug!("{attempt}");
        match turn.record.and_then(|record| self.attempts.get_mut(record)) {
            Some(record) => *record = attempt,
            None => self.attempts.push(attempt),
        }
    }

    fn attempt(&self, turn: &Turn, outcome: Outcome) -> Attempt {
        let method = self.plan.method(turn.at);
        let detail = method.detail(turn.algorithm.as_deref());
        Attempt { id: method.id(), method: method.name(), detail, outcome }
    }

    pub(super) fn ask_signature(&mut self, turn: Turn) {
        let (user, service) = (self.config.user.as_bytes(), self.config.service.as_bytes());
        let algorithm = turn.algorithm.as_deref().unwrap_or_default();
        let mut host_key = None;
        let data = match self.plan.method(turn.at) {
            Method::Hostbased(host) => {
                hostbased::signed_data(&self.session_id, user, service, &host.body(algorithm))
            }
            method => {
                host_key.clone_from(&self.config.hostbound);
                let key = method.key().unwrap_or_default();
                let (algorithm, host_key) = (algorithm.as_bytes(), host_key.as_deref());
                publickey::signed_data(&self.session_id, user, service, algorithm, key, host_key)
            }
        };
        let algorithm = publickey::signature_algorithm(algorithm);
        let event = Event::Sign { id: self.id(&turn), algorithm, data };
        self.ask(turn, Question::Signature { host_key }, event);
    }

    pub(super) fn id(&self, turn: &Turn) -> usize {
        self.plan.method(turn.at).id().unwrap_or_default()
    }

    /// The turn, if the question that was asked is the right one.
    pub(super) fn take_turn(&mut self, is_open: impl FnOnce(&mut Question) -> bool) -> Option<Turn> {
        match mem::replace(&mut self.step, Step::Over) {
            Step::Asked(turn, mut question) => {
                if is_open(&mut question) {
                    return Some(turn);
                }
                self.step = Step::Asked(turn, question);
            }
            step => self.step = step,
        }
        None
    }
}
