//! The client's engine.

mod config;
mod event;
mod plan;

pub use crate::{
    attempt::{Attempt, Outcome, Reason},
    method::{Method, hostbased::HostbasedMethod, interactive::Prompt, publickey::KeyMethod},
};
pub use config::ClientConfig;
pub use event::Event;

use crate::{
    Error, attempt,
    method::{Request, hostbased, interactive, password, publickey},
};
use plan::Plan;
use ssh_crypto::{Secret, SignError};
use ssh_wire::{
    Message, Packet, PacketSink,
    message::{
        auth::{UserauthBanner, UserauthFailure, UserauthSuccess},
        transport::{ServiceAccept, ServiceRequest},
    },
    number,
};
use std::{collections::VecDeque, fmt, mem};

/// The service that holds the authentication protocol (RFC 4252 §4).
pub const USERAUTH: &str = "ssh-userauth";
/// Banners that are shown; more are an error.
pub const MAX_BANNERS: usize = 64;
/// Bytes of text in all banners and notices together; more are an error.
pub const MAX_BANNER_BYTES: usize = 256 * 1024;

/// The client's side of user authentication (RFC 4252).
///
/// Order of calls: [`Client::start`] once; then every message 6 and 51–79 from the server to [`Client::handle`]. After
/// each of these calls and after every answer, take the events with [`Client::poll_event`] and let what is to be sent
/// out with [`Client::flush`]. An event that asks is answered by the method it names; until then nothing goes on. It
/// ends with [`Event::Success`], [`Event::Failed`] or an error; after [`Event::Failed`] it can go on with other methods
/// by [`Client::resume`].
pub struct Client {
    config: ClientConfig,
    session_id: Vec<u8>,
    server_sig_algs: Option<Vec<String>>,
    service: Service,
    step: Step,
    plan: Plan,
    attempts: Vec<Attempt>,
    outgoing: VecDeque<Outgoing>,
    events: VecDeque<Event>,
    banners: usize,
    banner_bytes: usize,
}

/// How far the request for the service `ssh-userauth` is. It goes beside the first step where requests are pipelined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Unasked,
    Requested,
    Accepted,
}

/// Whose turn it is.
#[derive(Debug)]
enum Step {
    /// Nothing was tried yet.
    Idle,
    /// The caller's, to answer a question.
    Asked(Turn, Question),
    /// The server's, to answer a request.
    Sent(Turn, Sent),
    /// The caller's, if it has other methods: none is left.
    Exhausted,
    /// Nobody's.
    Over,
}

/// One entry of the plan being tried.
#[derive(Debug)]
struct Turn {
    /// The entry's index.
    at: usize,
    /// Its index in the attempts, once something was sent.
    record: Option<usize>,
    /// The algorithm of its key.
    algorithm: Option<String>,
    /// Questions the server has asked back.
    rounds: u32,
}

#[derive(Debug)]
enum Question {
    /// Over data that names this server host key, if any.
    Signature {
        host_key: Option<Vec<u8>>,
    },
    Password,
    NewPassword,
    /// To this many prompts.
    Responses(usize),
}

#[derive(Debug, Clone, Copy)]
enum Sent {
    Password,
    Probe,
    Interactive,
    /// What is answered by success or failure only.
    Final,
}

/// A message that waits for a packet.
#[derive(Debug)]
enum Outgoing {
    ServiceRequest,
    Request { at: usize, request: Request },
    Responses(Vec<Secret>),
}

impl Client {
    /// For the session whose id (RFC 4253 §7.2) is `session_id`.
    pub fn new(mut config: ClientConfig, session_id: Vec<u8>) -> Self {
        let mut methods = mem::take(&mut config.methods);
        if methods.is_empty() {
            // The server's answer then tells what would have been needed.
            methods.push(Method::None);
        }
        let plan = Plan::new(methods, config.attempts);
        Self {
            config,
            session_id,
            server_sig_algs: None,
            service: Service::Unasked,
            step: Step::Idle,
            plan,
            attempts: Vec::new(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            banners: 0,
            banner_bytes: 0,
        }
    }

    // Getters.

    /// Every attempt so far in order, each with the server's answer.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The methods with which the server goes on, as its last answer told.
    pub fn offered(&self) -> Option<&[String]> {
        self.plan.offered()
    }

    /// Whether messages wait for [`Client::flush`].
    pub fn wants_flush(&self) -> bool {
        !self.outgoing.is_empty()
    }

    // Messages.

    /// Takes one message of the server: SERVICE_ACCEPT, or one of 51–79.
    ///
    /// After an error the engine is over.
    pub fn handle(&mut self, payload: &[u8]) -> Result<(), Error> {
        let result = self.dispatch(payload);
        if result.is_err() {
            self.step = Step::Over;
            self.outgoing.clear();
            // A question must not be answered any more; a banner may be what explains the error.
            self.events.retain(|event| matches!(event, Event::Banner(_)));
        }
        result
    }

    fn dispatch(&mut self, payload: &[u8]) -> Result<(), Error> {
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
                return Err(Error::service(accept.service, USERAUTH));
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

    // Commands.

    /// Asks for the service, and begins with the first method at once where requests are pipelined.
    pub fn start(&mut self) {
        if self.service != Service::Unasked {
            return;
        }
        self.service = Service::Requested;
        self.outgoing.push_back(Outgoing::ServiceRequest);
        if self.config.pipeline {
            self.advance();
        }
    }

    /// Goes on with `methods` after [`Event::Failed`]; what the server has accepted so far counts. Elsewhere it does
    /// nothing.
    pub fn resume(&mut self, methods: Vec<Method>) {
        if matches!(self.step, Step::Exhausted) {
            self.plan.extend(methods);
            self.advance();
        }
    }

    /// The server's `server-sig-algs` (RFC 8308 §3.1), which may come before or after [`Client::start`].
    pub fn set_server_sig_algs(&mut self, algorithms: Option<&[String]>) {
        self.server_sig_algs = algorithms.map(<[String]>::to_vec);
    }

    /// The server's host key, if it has announced `publickey-hostbound@openssh.com`: signatures then cover it, so that
    /// they are worthless at any other server (OpenSSH PROTOCOL §3.1).
    pub fn set_hostbound(&mut self, host_key: Option<&[u8]>) {
        self.config.hostbound = host_key.map(<[u8]>::to_vec);
    }

    /// Answers [`Event::Sign`] with a signature blob, or with why there is none: the key is then given up.
    ///
    /// This and the other answers do nothing where the question is not open.
    pub fn signature(&mut self, signature: Result<Vec<u8>, SignError>) {
        let mut host_key = None;
        let open = |question: &mut Question| match question {
            Question::Signature { host_key: key } => {
                host_key = key.take();
                true
            }
            _ => false,
        };
        let Some(turn) = self.take_turn(open) else { return };
        let algorithm = turn.algorithm.clone().unwrap_or_default();
        let checked = signature.and_then(|signature| {
            publickey::check_signature(&signature, &algorithm)?;
            Ok(signature)
        });
        match (checked, self.plan.method(turn.at)) {
            (Ok(signature), Method::Hostbased(_)) => {
                self.send(turn, Request::Hostbased { algorithm, signature }, Sent::Final);
            }
            (Ok(signature), _) => {
                self.send(turn, Request::Signed { algorithm, signature, host_key }, Sent::Final);
            }
            (Err(error), _) => self.give_up(&turn, Reason::Signing(error)),
        }
    }

    /// Answers [`Event::Password`]; `None` gives the method up.
    pub fn password(&mut self, password: Option<Secret>) {
        let Some(turn) = self.take_turn(|question| matches!(question, Question::Password)) else { return };
        match password {
            Some(password) => {
                self.send(turn, Request::Password { password, new_password: None }, Sent::Password);
            }
            None => self.give_up(&turn, Reason::Cancelled),
        }
    }

    /// Answers [`Event::ChangePassword`] with the old password and the new one; `None` gives the method up.
    pub fn new_password(&mut self, passwords: Option<(Secret, Secret)>) {
        let Some(turn) = self.take_turn(|question| matches!(question, Question::NewPassword)) else { return };
        match passwords {
            Some((password, new)) => {
                self.send(turn, Request::Password { password, new_password: Some(new) }, Sent::Password);
            }
            None => self.give_up(&turn, Reason::Cancelled),
        }
    }

    /// Answers [`Event::Prompts`] with one response for each prompt; `None` gives the method up.
    pub fn responses(&mut self, responses: Option<Vec<Secret>>) {
        let mut expected = 0;
        let open = |question: &mut Question| match question {
            Question::Responses(prompts) => {
                expected = *prompts;
                true
            }
            _ => false,
        };
        let Some(turn) = self.take_turn(open) else { return };
        match responses {
            None => self.give_up(&turn, Reason::Cancelled),
            Some(responses) if responses.len() != expected => {
                self.give_up(&turn, Reason::Answers { expected, found: responses.len() });
            }
            Some(responses) if interactive::responses_size(&responses) > Packet::MAX_PAYLOAD => {
                self.give_up(&turn, Reason::TooLong);
            }
            Some(responses) => {
                self.outgoing.push_back(Outgoing::Responses(responses));
                self.step = Step::Sent(turn, Sent::Interactive);
            }
        }
    }

    // Output.

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends what waits, as far as the sink takes it.
    pub fn flush(&mut self, sink: &mut impl PacketSink) {
        while let Some(outgoing) = self.outgoing.front() {
            let Some(mut packet) = sink.packet() else { return };
            match outgoing {
                Outgoing::ServiceRequest => packet.push(&ServiceRequest { service: USERAUTH.as_bytes() }),
                Outgoing::Request { at, request } => {
                    let method = self.plan.method(*at);
                    request.write(method, &self.config.user, &self.config.service, &mut packet);
                }
                Outgoing::Responses(responses) => interactive::write_responses(responses, &mut packet),
            }
            packet.send();
            self.outgoing.pop_front();
        }
    }

    // Steps.

    /// Begins with the next method of the plan, or ends.
    fn advance(&mut self) {
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

    fn ask(&mut self, turn: Turn, question: Question, event: Event) {
        self.events.push_back(event);
        self.step = Step::Asked(turn, question);
    }

    fn send(&mut self, mut turn: Turn, request: Request, sent: Sent) {
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

    fn give_up(&mut self, turn: &Turn, reason: Reason) {
        self.plan.give_up(turn.at);
        self.conclude(turn, Outcome::Skipped(reason));
        self.advance();
    }

    /// Writes down what came of a turn.
    fn conclude(&mut self, turn: &Turn, outcome: Outcome) {
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

    fn ask_signature(&mut self, turn: Turn) {
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

    fn id(&self, turn: &Turn) -> usize {
        self.plan.method(turn.at).id().unwrap_or_default()
    }

    /// The turn, if the question that was asked is the right one.
    fn take_turn(&mut self, is_open: impl FnOnce(&mut Question) -> bool) -> Option<Turn> {
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

fn next_round(turn: Turn) -> Result<Turn, Error> {
    let rounds = turn.rounds + 1;
    if rounds > interactive::MAX_ROUNDS {
        return Err(Error::limit("too many questions without an end"));
    }
    Ok(Turn { rounds, ..turn })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("user", &self.config.user)
            .field("service", &self.service)
            .field("step", &self.step)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
