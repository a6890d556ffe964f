//! The client's engine.

mod config;
mod event;
mod message;
mod plan;
mod step;

pub use crate::{
    attempt::{Attempt, Outcome, Reason},
    method::{Method, hostbased::HostbasedMethod, interactive::Prompt, publickey::KeyMethod},
};
pub use config::ClientConfig;
pub use event::Event;

use crate::{
    Error,
    method::{Request, interactive, publickey},
};
use plan::Plan;
use ssh_crypto::{Secret, SignError};
use ssh_wire::{Packet, PacketSink, message::transport::ServiceRequest};
use std::{collections::VecDeque, fmt, mem};

/// The service that holds the authentication protocol (RFC 4252 §4).
pub const USERAUTH: &str = "ssh-userauth";
/// Banners that are shown; more are an error.
pub const MAX_BANNERS: usize = 64;
/// Bytes of text in all banners and notices together; more are an error.
pub const MAX_BANNER_BYTES: usize = 256 * 1024;

/// The size of a packet tells the length of the secret in it up to the next multiple of so many bytes.
const SECRET_BLOCK: usize = 64;

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

    /// Whether the first method goes beside the request for the service; without effect after [`Client::start`].
    pub fn set_pipeline(&mut self, pipeline: bool) {
        self.config.pipeline = pipeline;
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
        let event = self.events.pop_front();
        if self.events.is_empty() && matches!(self.step, Step::Over) {
            self.events = VecDeque::new();
        }
        event
    }

    /// Sends what waits, as far as the sink takes it.
    pub fn flush(&mut self, sink: &mut impl PacketSink) {
        while let Some(outgoing) = self.outgoing.front() {
            let Some(mut packet) = sink.packet() else { return };
            match outgoing {
                Outgoing::ServiceRequest => packet.push(&ServiceRequest { service: USERAUTH.as_bytes() }),
                Outgoing::Request { at, request } => {
                    let (method, config) = (self.plan.method(*at), &self.config);
                    packet.reserve(request.size(method, &config.user, &config.service));
                    request.write(method, &config.user, &config.service, &mut packet);
                }
                Outgoing::Responses(responses) => {
                    packet.reserve(interactive::responses_size(responses));
                    interactive::write_responses(responses, &mut packet);
                }
            }
            packet.hide_length(SECRET_BLOCK);
            packet.send();
            self.outgoing.pop_front();
        }
    }
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
