//! What the client asks for, method by method.

use super::{MAX_REQUESTS, Question, Server, ServerEvent, Step};
use crate::{
    Certificate, Error,
    method::{hostbased, interactive, password, publickey},
};
use ssh_crypto::{PublicKey, Secret, sign::Presence};
use ssh_wire::{
    Message, Reader, Rest,
    message::auth::{HostbasedRequest, InfoResponse, InteractiveRequest, PasswordRequest, UserauthRequest},
};

impl Server {
    pub(super) fn request(&mut self, payload: &[u8]) -> Result<(), Error> {
        let request = UserauthRequest::parse(payload).map_err(Error::decode("USERAUTH_REQUEST"))?;
        // A new request ends the conversation of the one before (RFC 4252 §5.1).
        self.step = Step::Idle;
        self.requests += 1;
        if self.requests > MAX_REQUESTS {
            return Err(Error::too_many_attempts());
        }
        if request.service != self.config.service.as_bytes() {
            return Err(Error::no_service(request.service, &self.config.service));
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
        let presence = Presence::of(signature);
        if !self.verifies(&name, &key, &data, signature) || !self.config.untouched && is_untouched(presence) {
            return self.refuse();
        }
        let public_key = public_key.to_vec();
        self.ask(Question::Final, ServerEvent::Publickey { user, algorithm: name, public_key, presence })
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
        if !self.verifies(&name, &key, &data, signature) || is_untouched(Presence::of(signature)) {
            return self.refuse();
        }
        let (host, local_user) = (host.to_owned(), local_user.to_owned());
        let host_key = fields.host_key.to_vec();
        self.ask(Question::Final, ServerEvent::Hostbased { user, host_key, host, local_user })
    }

    pub(super) fn info_response(&mut self, payload: &[u8], prompts: usize) -> Result<(), Error> {
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
}

/// Whether a security key has signed that nobody has touched.
fn is_untouched(presence: Option<Presence>) -> bool {
    let is_untouched = presence.is_some_and(|presence| !presence.user_present);
    if is_untouched {
        log::debug!("signature of a security key that nobody has touched");
    }
    is_untouched
}
