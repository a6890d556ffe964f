//! The authentication as a client goes through it, whoever waits for the server.

use crate::{
    Config, Credential, Error,
    agent::SessionBinding,
    credential::{Challenge, Prepared},
    quirks::takes_one_at_a_time,
};
use ssh_auth::client::{Attempt, Client, ClientConfig, Event};
use ssh_crypto::{Secret, SignError};
use ssh_wire::ident::Identification;

/// What is known on this side while an authentication runs. Its methods ask agents and persons, so they take their
/// time, and are to be called with nothing locked.
pub(crate) struct Dialogue {
    config: Config,
    credentials: Vec<Credential>,
    /// What could not even be tried.
    notes: Vec<String>,
    /// The passwords that have answered a dialogue: a wrong one is not sent again.
    answered: Vec<usize>,
}

/// What to tell the authentication.
pub(crate) enum Answer {
    Signature(Result<Vec<u8>, SignError>),
    Password(Option<Secret>),
    NewPassword(Option<(Secret, Secret)>),
    Responses(Option<Vec<Secret>>),
}

impl Dialogue {
    /// Prepares the credentials for a server that calls itself `server`, and what the engine has to know of them. Agents
    /// are asked over connections bound to `session`.
    pub(crate) fn new(
        config: &Config,
        credentials: &[Credential],
        server: Option<&Identification>,
        session: Option<&SessionBinding>,
    ) -> (Self, ClientConfig) {
        let server = server.map(Identification::software).unwrap_or_default();
        let Prepared { credentials, methods, notes } = Prepared::new(credentials, &server, session);
        let mut client = ClientConfig::new(&config.user, methods);
        client.pipeline = config.pipeline && !takes_one_at_a_time(&server);
        client.attempts = config.password_attempts;
        (Self { config: config.clone(), credentials, notes, answered: Vec::new() }, client)
    }

    /// None of the attempts was enough.
    pub(crate) fn failed(&self, attempts: &[Attempt]) -> Error {
        Error::authentication(&self.config.user, attempts, &self.notes)
    }

    /// Finds the answer to a question, if it is one, and shows what is to be shown.
    pub(crate) fn answer(&mut self, event: Event) -> Option<Answer> {
        match event {
            Event::Banner(text) => self.config.show(&text),
            Event::Notice { name, instruction, .. } => self.config.show(&format!("{name}\n{instruction}")),
            Event::Sign { id, algorithm, data } => {
                return Some(Answer::Signature(match self.credentials.get(id) {
                    Some(Credential::Key { signer, .. } | Credential::Hostbased { signer, .. }) => {
                        signer.sign(&algorithm, &data)
                    }
                    _ => Err(SignError::Failed("no such key".to_owned())),
                }));
            }
            Event::Password { id, attempt } => {
                return Some(Answer::Password(match self.credentials.get(id) {
                    Some(Credential::Password(password)) if attempt == 1 => Some(password.clone()),
                    Some(Credential::AskPassword(ask)) => ask(attempt),
                    _ => None,
                }));
            }
            Event::Prompts { id, name, instruction, prompts } => {
                return Some(Answer::Responses(self.respond(id, &Challenge { name, instruction, prompts })));
            }
            Event::ChangePassword { prompt, .. } => {
                let change = self.config.change_password.as_ref();
                return Some(Answer::NewPassword(change.and_then(|change| change(&prompt))));
            }
            _ => {}
        }
        None
    }

    fn respond(&mut self, id: usize, challenge: &Challenge) -> Option<Vec<Secret>> {
        match self.credentials.get(id)? {
            Credential::Interactive(answer) => answer(challenge),
            // A password answers the one hidden question that servers ask instead of the method `password`.
            Credential::Password(password) => match challenge.prompts.as_slice() {
                [prompt] if !prompt.echo && !self.answered.contains(&id) => {
                    self.answered.push(id);
                    Some(vec![password.clone()])
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl Answer {
    pub(crate) fn give(self, auth: &mut Client) {
        match self {
            Self::Signature(signature) => auth.signature(signature),
            Self::Password(password) => auth.password(password),
            Self::NewPassword(passwords) => auth.new_password(passwords),
            Self::Responses(responses) => auth.responses(responses),
        }
    }
}
