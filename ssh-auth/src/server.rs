//! The server's engine.

mod config;
mod event;
mod request;

pub use config::ServerConfig;
pub use event::ServerEvent;

use crate::{Error, client::USERAUTH, method::interactive::Prompt};
use ssh_crypto::Secret;
use ssh_wire::{
    Message, NameList, Packet, PacketSink, Rest,
    message::{
        self,
        auth::{InfoRequest, PasswdChangereq, PkOk, UserauthBanner, UserauthFailure, UserauthSuccess},
        transport::{ServiceAccept, ServiceRequest},
    },
    number,
};
use std::{collections::VecDeque, fmt, mem};

/// Requests that a client may send ahead of the answers.
const MAX_AHEAD: usize = 16;
/// Requests in all, refused or not: a client could ask about acceptable keys for ever.
const MAX_REQUESTS: u32 = 1024;
/// Bytes that one banner or prompt may have; the rest is cut off.
const MAX_TEXT: usize = 64 * 1024;

/// The server's side of user authentication (RFC 4252).
///
/// Every message 5 and 50–79 from the client goes to [`Server::handle`]. After each such call and after every answer,
/// take the event with [`Server::poll_event`] and let what is to be sent out with [`Server::flush`]. Signatures are
/// verified here; whether their keys may be used for the user is asked.
pub struct Server {
    config: ServerConfig,
    session_id: Vec<u8>,
    step: Step,
    /// The user's name, from the first request on.
    user: Option<Vec<u8>>,
    /// Requests sent ahead, which may hold passwords.
    ahead: VecDeque<Secret>,
    refusals: u32,
    requests: u32,
    event: Option<ServerEvent>,
    outgoing: VecDeque<Vec<u8>>,
    /// Banners from before the service was asked for.
    early_banners: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Step {
    /// The request for the service is awaited.
    Service,
    /// A request is awaited.
    Idle,
    /// The caller is asked.
    Asked(Question),
    /// The client is asked: as many answers are awaited.
    Prompted(usize),
    /// The user is authenticated.
    Done,
    /// There was an error.
    Failed,
}

#[derive(Debug)]
enum Question {
    /// Success is the answer.
    Final,
    /// A password: there may be a request to change it.
    Password,
    /// PK_OK with these is the answer.
    Probe { algorithm: Vec<u8>, public_key: Vec<u8> },
    /// There may be prompts.
    Interactive,
}

impl Server {
    /// For the session whose id (RFC 4253 §7.2) is `session_id`.
    pub fn new(mut config: ServerConfig, session_id: Vec<u8>) -> Self {
        let banner = config.banner.take();
        let mut server = Self {
            config,
            session_id,
            step: Step::Service,
            user: None,
            ahead: VecDeque::new(),
            refusals: 0,
            requests: 0,
            event: None,
            outgoing: VecDeque::new(),
            early_banners: Vec::new(),
        };
        if let Some(banner) = banner {
            server.banner(&banner);
        }
        server
    }

    // Messages.

    /// Takes one message of the client: SERVICE_REQUEST, or one of 50–79. After an error the engine is over.
    pub fn handle(&mut self, payload: &[u8]) -> Result<(), Error> {
        let result = self.dispatch(payload);
        self.end_on_error(result)
    }

    fn end_on_error(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if result.is_err() {
            self.step = Step::Failed;
            self.event = None;
            self.ahead.clear();
        }
        result
    }

    fn dispatch(&mut self, payload: &[u8]) -> Result<(), Error> {
        let number = payload.first().copied().unwrap_or_default();
        match (number, &self.step) {
            (number::SERVICE_REQUEST, Step::Service) => self.service_request(payload),
            (_, Step::Service) => Err(Error::unexpected(number, "before it asked for the service")),
            (number::USERAUTH_REQUEST, Step::Idle | Step::Prompted(_)) => self.request(payload),
            (number::USERAUTH_REQUEST, Step::Asked(_)) => {
                if self.ahead.len() == MAX_AHEAD {
                    return Err(Error::limit("too many requests ahead of the answers"));
                }
                self.ahead.push_back(payload.into());
                Ok(())
            }
            // RFC 4252 §5.3: requests sent ahead of success are passed over.
            (number::USERAUTH_REQUEST, Step::Done) => Ok(()),
            (_, Step::Failed) => Err(Error::unexpected(number, "after an error")),
            (number::USERAUTH_INFO_RESPONSE, &Step::Prompted(prompts)) => {
                self.info_response(payload, prompts)
            }
            _ => Err(Error::unexpected(number, "where it has no place")),
        }
    }

    fn service_request(&mut self, payload: &[u8]) -> Result<(), Error> {
        let request = ServiceRequest::parse(payload).map_err(Error::decode("SERVICE_REQUEST"))?;
        if request.service != USERAUTH.as_bytes() {
            return Err(Error::no_service(request.service, USERAUTH));
        }
        self.send(&ServiceAccept { service: USERAUTH.as_bytes() });
        self.outgoing.extend(self.early_banners.drain(..));
        self.step = Step::Idle;
        Ok(())
    }

    fn ask(&mut self, question: Question, event: ServerEvent) -> Result<(), Error> {
        self.step = Step::Asked(question);
        self.event = Some(event);
        Ok(())
    }

    fn refuse(&mut self) -> Result<(), Error> {
        self.refusals += 1;
        if self.refusals >= self.config.max_attempts {
            return Err(Error::too_many_attempts());
        }
        self.step = Step::Idle;
        self.send_failure(false);
        Ok(())
    }

    // Commands. Each fails where the question is not open, or with what a request sent ahead leads to.

    /// Yes: the user is in, or the probed key would do.
    pub fn accept(&mut self) -> Result<(), Error> {
        match self.take_question()? {
            Question::Probe { algorithm, public_key } => {
                self.send(&PkOk { algorithm: &algorithm, public_key: &public_key });
                self.next()
            }
            _ => {
                self.send(&UserauthSuccess {});
                self.step = Step::Done;
                self.ahead.clear();
                Ok(())
            }
        }
    }

    /// No. An error if it was once too often: the client is then to be sent away.
    pub fn reject(&mut self) -> Result<(), Error> {
        self.take_question()?;
        let result = self.refuse();
        self.end_on_error(result)?;
        self.next()
    }

    /// Yes, but one of `methods` is needed as well (RFC 4252 §5.1).
    pub fn partial(&mut self, methods: &[&str]) -> Result<(), Error> {
        if matches!(self.take_question()?, Question::Probe { .. }) {
            return Err(Error::usage("a key that is only asked about is no success"));
        }
        self.config.methods = methods.iter().map(|&name| name.to_owned()).collect();
        self.send_failure(true);
        self.next()
    }

    /// Asks back in `keyboard-interactive`. With no prompts the text is only shown.
    pub fn prompts(&mut self, name: &str, instruction: &str, prompts: &[Prompt]) -> Result<(), Error> {
        if !matches!(self.step, Step::Asked(Question::Interactive)) {
            return Err(Error::usage("prompts belong to keyboard-interactive"));
        }
        let list: Vec<_> = prompts
            .iter()
            .map(|prompt| message::auth::Prompt { text: prompt.text.as_bytes(), echo: prompt.echo })
            .collect();
        let payload = InfoRequest::to_payload_with(name.as_bytes(), instruction.as_bytes(), &list);
        if payload.len() > Packet::MAX_PAYLOAD {
            return Err(Error::usage("the prompts do not fit into a packet"));
        }
        self.take_question()?;
        self.outgoing.push_back(payload);
        self.step = Step::Prompted(prompts.len());
        self.drain()
    }

    /// Demands that the password be changed first (RFC 4252 §8).
    pub fn change_password(&mut self, prompt: &str) -> Result<(), Error> {
        if !matches!(self.step, Step::Asked(Question::Password)) {
            return Err(Error::usage("only a password can be changed"));
        }
        self.take_question()?;
        self.send(&PasswdChangereq { prompt: cut(prompt), language: b"" });
        self.next()
    }

    /// Shows a text to the user; of no effect once the authentication is over.
    pub fn banner(&mut self, text: &str) {
        let payload = UserauthBanner { message: cut(text), language: b"" }.to_payload();
        match self.step {
            Step::Done | Step::Failed => {}
            Step::Service => self.early_banners.push(payload),
            _ => self.outgoing.push_back(payload),
        }
    }

    // Output.

    /// The next event: at most one waits.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.event.take()
    }

    /// Sends what waits, as far as the sink takes it.
    pub fn flush(&mut self, sink: &mut impl PacketSink) {
        while let Some(payload) = self.outgoing.front() {
            let Some(mut packet) = sink.packet() else { return };
            packet.push(&Rest(payload));
            packet.send();
            self.outgoing.pop_front();
        }
    }

    /// Whether the user has been authenticated.
    pub fn is_authenticated(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    /// Whether the user has been authenticated or the engine has failed.
    pub fn is_over(&self) -> bool {
        matches!(self.step, Step::Done | Step::Failed)
    }

    // Steps.

    fn take_question(&mut self) -> Result<Question, Error> {
        match mem::replace(&mut self.step, Step::Idle) {
            Step::Asked(question) => {
                self.event = None;
                Ok(question)
            }
            step => {
                self.step = step;
                Err(Error::usage("no question is open"))
            }
        }
    }

    fn next(&mut self) -> Result<(), Error> {
        self.step = Step::Idle;
        self.drain()
    }

    /// Goes on with what was sent ahead.
    fn drain(&mut self) -> Result<(), Error> {
        while !matches!(self.step, Step::Asked(_)) {
            let Some(payload) = self.ahead.pop_front() else { break };
            let result = self.request(&payload);
            self.end_on_error(result)?;
        }
        Ok(())
    }

    fn send_failure(&mut self, partial_success: bool) {
        let names: Vec<_> =
            self.config.methods.iter().map(String::as_str).filter(|&name| name != "none").collect();
        let names = names.join(",");
        self.send(&UserauthFailure { methods: NameList::from(&*names), partial_success });
    }

    fn send(&mut self, message: &impl Message) {
        self.outgoing.push_back(message.to_payload());
    }
}

fn cut(text: &str) -> &[u8] {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text.as_bytes()[..end]
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("step", &self.step)
            .field("refusals", &self.refusals)
            .finish_non_exhaustive()
    }
}
