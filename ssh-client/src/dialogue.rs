//! The authentication as a client goes through it, whoever waits for the server.

use crate::{
    Config, Credential, Error,
    agent::SessionBinding,
    awaited::Run,
    config::ChangePassword,
    credential::{Challenge, Prepared},
    quirks::takes_one_at_a_time,
};
use ssh_auth::client::{Attempt, Client, ClientConfig, Event};
use ssh_crypto::{Secret, SignError};
use ssh_wire::ident::Identification;

/// What is known on this side while an authentication runs. Its methods ask agents and persons, so they take their
/// time, and are to be awaited with nothing locked.
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
    pub(crate) async fn new<R: Run>(
        config: &Config,
        credentials: &[Credential],
        server: Option<&Identification>,
        session: Option<&SessionBinding>,
    ) -> (Self, ClientConfig) {
        let server = server.map(Identification::software).unwrap_or_default();
        let Prepared { credentials, methods, notes } =
            Prepared::new::<R>(credentials, config, &server, session).await;
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
    ///
    /// # Errors
    /// The caller's code can't be run any more.
    pub(crate) async fn answer<R: Run>(&mut self, event: Event) -> Result<Option<Answer>, Error> {
        Ok(Some(match event {
            Event::Banner(text) => {
                self.show::<R>(text).await?;
                return Ok(None);
            }
            Event::Notice { name, instruction, .. } => {
                self.show::<R>(format!("{name}\n{instruction}")).await?;
                return Ok(None);
            }
            Event::Sign { id, algorithm, data } => {
                Answer::Signature(self.sign::<R>(id, algorithm, data).await?)
            }
            Event::Password { id, attempt } => Answer::Password(match self.credentials.get(id) {
                Some(Credential::Password(password)) if attempt == 1 => Some(password.clone()),
                Some(Credential::AskPassword(ask)) => {
                    let ask = ask.clone();
                    R::unblock(move || ask(attempt)).await?
                }
                Some(Credential::AskPasswordAsync(ask)) => ask(attempt).await,
                _ => None,
            }),
            Event::Prompts { id, name, instruction, prompts } => {
                Answer::Responses(self.respond::<R>(id, Challenge { name, instruction, prompts }).await?)
            }
            Event::ChangePassword { prompt, .. } => Answer::NewPassword(match &self.config.change_password {
                Some(ChangePassword::Blocking(change)) => {
                    let change = change.clone();
                    R::unblock(move || change(&prompt)).await?
                }
                Some(ChangePassword::Async(change)) => change(prompt).await,
                None => None,
            }),
            _ => return Ok(None),
        }))
    }

    async fn show<R: Run>(&self, text: String) -> Result<(), Error> {
        match self.config.on_banner.clone() {
            Some(show) => R::unblock(move || show(&text)).await,
            None => {
                log::info!("the server says: {}", text.escape_debug());
                Ok(())
            }
        }
    }

    async fn sign<R: Run>(
        &self,
        id: usize,
        algorithm: String,
        data: Vec<u8>,
    ) -> Result<Result<Vec<u8>, SignError>, Error> {
        match self.credentials.get(id) {
            Some(Credential::Key { signer, .. } | Credential::Hostbased { signer, .. }) => {
                let signer = signer.clone();
                R::unblock(move || signer.sign(&algorithm, &data)).await
            }
            Some(Credential::KeyAsync { signer, .. }) => Ok(signer.sign(&algorithm, &data).await),
            _ => Ok(Err(SignError::Failed("no such key".to_owned()))),
        }
    }

    async fn respond<R: Run>(
        &mut self,
        id: usize,
        challenge: Challenge,
    ) -> Result<Option<Vec<Secret>>, Error> {
        Ok(match self.credentials.get(id) {
            Some(Credential::Interactive(answer)) => {
                let answer = answer.clone();
                R::unblock(move || answer(&challenge)).await?
            }
            Some(Credential::InteractiveAsync(answer)) => answer(challenge).await,
            // A password answers the one hidden question that servers ask instead of the method `password`.
            Some(Credential::Password(password)) => match challenge.prompts.as_slice() {
                [prompt] if !prompt.echo && !self.answered.contains(&id) => {
                    self.answered.push(id);
                    Some(vec![password.clone()])
                }
                _ => None,
            },
            _ => None,
        })
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
