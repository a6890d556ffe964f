//! The server's engine.

mod config;
mod event;

pub use config::ServerConfig;
pub use event::ServerEvent;

use crate::{
    Certificate, Error,
    client::USERAUTH,
    method::{
        hostbased,
        interactive::{self, Prompt},
        password, publickey,
    },
};
use ssh_crypto::{PublicKey, Secret};
use ssh_wire::{
    Message, NameList, Packet, PacketSink, Reader, Rest,
    message::{
        self,
        auth::{
            HostbasedRequest, InfoRequest, InfoResponse, InteractiveRequest, PasswdChangereq,
            PasswordRequest, PkOk, UserauthBanner, UserauthFailure, UserauthRequest, UserauthSuccess,
        },
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
    pub fn new(config: ServerConfig, session_id: Vec<u8>) -> Self {
        Self {
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
        }
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
            return Err(Error::service(request.service, USERAUTH));
        }
        self.send(&ServiceAccept { service: USERAUTH.as_bytes() });
        self.outgoing.extend(self.early_banners.drain(..));
        self.step = Step::Idle;
        Ok(())
    }

    fn request(&mut self, payload: &[u8]) -> Result<(), Error> {
        let request = UserauthRequest::parse(payload).map_err(Error::decode("USERAUTH_REQUEST"))?;
        // A new request ends the conversation of the one before (RFC 4252 §5.1).
        self.step = Step::Idle;
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            return Err(Error::too_many_attempts());
        }
        if request.service != self.config.service.as_bytes() {
            return Err(Error::service(request.service, &self.config.service));
        }
        // RFC 4252 §5: what was accepted for one user must not serve another.
        if self.user.get_or_insert_with(|| request.user.to_vec()) != request.user {
            return Err(Error::violation("the client has changed the user's name"));
        }
        let Ok(user) = std::str::from_utf8(request.user).map(str::to_owned) else { return self.refuse() };
        let method = match request.method {
            name if name == publickey::HOSTBOUND.as_bytes() => publickey::NAME.as_bytes(),
            name => name,
        };
        let offered = self.config.methods.iter().any(|name| name.as_bytes() == method);
        match request.method {
            b"none" if !offered && self.requests == 1 => {
                self.send_failure(false);
                Ok(())
            }
            _ if !offered => self.refuse(),
            b"none" => self.ask(Question::Final, ServerEvent::None { user }),
            name if name == password::NAME.as_bytes() => self.password(user, request.data),
            name if name == publickey::NAME.as_bytes() => self.publickey(user, &request, false),
            name if name == publickey::HOSTBOUND.as_bytes() => self.publickey(user, &request, true),
            name if name == hostbased::NAME.as_bytes() => self.hostbased(user, &request),
            name if name == interactive::NAME.as_bytes() => {
                let InteractiveRequest { submethods, .. } =
                    request.data.parse().map_err(Error::decode("keyboard-interactive request"))?;
                let submethods = String::from_utf8_lossy(submethods).into_owned();
                self.ask(Question::Interactive, ServerEvent::Interactive { user, submethods })
            }
            _ => self.refuse(),
        }
    }

    fn password(&mut self, user: String, data: Rest<'_>) -> Result<(), Error> {
        let request: PasswordRequest<'_> = data.parse().map_err(Error::decode("password request"))?;
        let password = request.password.into();
        let event = match request.new_password {
            None => ServerEvent::Password { user, password },
            Some(new) => ServerEvent::PasswordChange { user, old: password, new: new.into() },
        };
        self.ask(Question::Password, event)
    }

    fn publickey(&mut self, user: String, request: &UserauthRequest<'_>, bound: bool) -> Result<(), Error> {
        let fields =
            publickey::Fields::parse(request.data, bound).map_err(Error::decode("publickey request"))?;
        let publickey::Fields { algorithm, public_key, host_key, signature } = fields;
        let name = String::from_utf8_lossy(algorithm).into_owned();
        let Some(key) = self.key(&name, public_key) else { return self.refuse() };
        if bound && (host_key.is_none() || host_key != self.config.host_key.as_deref()) {
            return self.refuse();
        }
        let Some(signature) = signature else {
            let question = Question::Probe { algorithm: algorithm.to_vec(), public_key: public_key.to_vec() };
            let public_key = public_key.to_vec();
            return self.ask(question, ServerEvent::PublickeyProbe { user, algorithm: name, public_key });
        };
        let (head, service) = (&self.session_id, request.service);
        let data = publickey::signed_data(head, request.user, service, algorithm, public_key, host_key);
        if !self.verifies(&name, &key, &data, signature) {
            return self.refuse();
        }
        let public_key = public_key.to_vec();
        self.ask(Question::Final, ServerEvent::Publickey { user, algorithm: name, public_key })
    }

    fn hostbased(&mut self, user: String, request: &UserauthRequest<'_>) -> Result<(), Error> {
        let mut reader = Reader::new(request.data.0);
        let decoded = (|| {
            let fields: HostbasedRequest<'_> = reader.read()?;
            let signature = reader.string()?;
            reader.finish()?;
            Ok((fields, signature))
        })();
        let (fields, signature) = decoded.map_err(Error::decode("hostbased request"))?;
        let name = String::from_utf8_lossy(fields.algorithm).into_owned();
        let Some(key) = self.key(&name, fields.host_key) else { return self.refuse() };
        let data = hostbased::signed_data(&self.session_id, request.user, request.service, &fields);
        let texts = (std::str::from_utf8(fields.host), std::str::from_utf8(fields.local_user));
        let (Ok(host), Ok(local_user)) = texts else { return self.refuse() };
        if !self.verifies(&name, &key, &data, signature) {
            return self.refuse();
        }
        let (host, local_user) = (host.to_owned(), local_user.to_owned());
        let host_key = fields.host_key.to_vec();
        self.ask(Question::Final, ServerEvent::Hostbased { user, host_key, host, local_user })
    }

    fn info_response(&mut self, payload: &[u8], prompts: usize) -> Result<(), Error> {
        let response = InfoResponse::parse(payload).map_err(Error::decode("USERAUTH_INFO_RESPONSE"))?;
        self.step = Step::Idle;
        // RFC 4256 §3.4: another number of answers is a failure.
        if response.answers().count() != prompts {
            return self.refuse();
        }
        let responses = response.answers().map(Secret::from).collect();
        let user = String::from_utf8_lossy(self.user.as_deref().unwrap_or_default()).into_owned();
        self.ask(Question::Interactive, ServerEvent::Responses { user, responses })
    }

    /// The key, if it and the algorithm can be used; of a certificate, the key that it certifies.
    fn key(&self, algorithm: &str, blob: &[u8]) -> Option<PublicKey> {
        let signature = publickey::signature_algorithm(algorithm);
        let suite = self.config.provider.signature(&signature)?;
        let key = if signature == algorithm {
            PublicKey::from_blob(blob).ok()?
        } else {
            Certificate::parse(blob).ok()?.key().clone()
        };
        let allowed = self.config.algorithms.contains(&signature);
        (allowed && suite.key_type() == key.key_type()).then_some(key)
    }

    fn verifies(&self, algorithm: &str, key: &PublicKey, data: &[u8], signature: &[u8]) -> bool {
        let algorithm = publickey::signature_algorithm(algorithm);
        let result = self.config.provider.verify(&algorithm, key, data, signature);
        if let Err(error) = &result {
            log::debug!("signature of a user's key: {error}");
        }
        result.is_ok()
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
