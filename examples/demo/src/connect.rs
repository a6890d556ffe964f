//! From a name to a session: dialling, trusting, logging in.

use crate::{
    exit::Failure,
    forward,
    hostkey::Policy,
    identity, jump,
    log::clean,
    loopback::{self, Loopback},
    prompt::Prompter,
    settings::{Method, Settings},
};
use log::{debug, info};
use ssh_client::{
    Config, Credential, Provider, Secret,
    agent::SessionBinding,
    blocking::{Session, Stream},
    credential::Challenge,
    host_key::{Expect, NotRevoked},
};
use std::{
    io::{Write, stderr},
    net::TcpStream,
    sync::{Arc, atomic::Ordering},
};

/// A session as the settings have it, in a channel of the one that leads there if there is one; and whether its host key
/// contradicts what is known.
pub(crate) fn connect(
    settings: &Settings,
    provider: &Arc<Provider>,
    via: Option<&Session>,
) -> Result<(Session, bool), Failure> {
    let prompter = Prompter::new(settings.login.batch);
    let policy = Policy::new(settings.trust.clone(), prompter.clone())
        .map_err(|error| Failure::new(format!("known hosts can't be read: {error}")))?;
    let contradicted = policy.contradicted();
    let policy = NotRevoked::load(&settings.trust.revoked, policy)
        .map_err(|error| Failure::new(format!("revoked host keys can't be read: {error}")))?;
    let mut config = config(settings, provider, &prompter).host_key(policy);
    if let Some(alias) = &settings.trust.alias {
        config = config.host_alias(alias);
    }
    let stream = match via {
        None => Session::dial((&*settings.host, settings.port), &config)?.split(),
        Some(jump) => {
            let target = jump::target(settings);
            let channel = forward::open(jump, &target, ("127.0.0.1", 0));
            channel.map_err(|error| Failure::new(format!("{target}: {error}")))?.split()
        }
    }
    .map_err(|error| Failure::new(format!("connection to {}: {error}", settings.host)))?;
    let mut login = Session::handshake(stream, &settings.host, settings.port, &config)?.verify()?;
    let (contradicted, binding) = (contradicted.load(Ordering::Relaxed), login.binding());
    let credentials = credentials(settings, provider, &prompter, contradicted, binding.as_ref());
    let session = login.authenticate_with(&credentials)?;
    debug!("logged in to {} as {}", settings.host, settings.user);
    Ok((session, contradicted))
}

/// A session with the server in this process, whose keys are known.
pub(crate) fn connect_to_loopback(
    settings: &Settings,
    provider: &Arc<Provider>,
    server: &Loopback,
) -> Result<Session, Failure> {
    let address = server.address();
    let stream = TcpStream::connect(address)
        .map_err(|error| Failure::new(format!("connect to {address}: {error}")))?;
    let config = config(settings, provider, &Prompter::new(true))
        .host_key(Expect(server.host_key.clone()))
        .key(server.user_key.clone());
    Ok(Session::connect_over(stream, loopback::HOST, address.port(), &config)?)
}

/// What a session is told, but for whom to trust and how to log in.
fn config(settings: &Settings, provider: &Arc<Provider>, prompter: &Prompter) -> Config {
    let mut config = Config::with_provider(settings.user.clone(), provider.clone())
        .address_family(settings.address_family)
        .algorithms(settings.algorithms.clone())
        .ca_algorithms(settings.ca_algorithms.clone())
        .required_rsa_size(settings.required_rsa_size)
        .timeouts(settings.timeouts)
        .rekey(settings.rekey)
        .password_attempts(settings.login.password_prompts)
        .change_password(change_password(settings, prompter))
        .on_banner(show_banner);
    if let Some((interval, count)) = settings.keepalive {
        config = config.keepalive(interval, count);
    }
    config
}

/// The credentials in the order of the methods. After a contradicted host key there are none that a false server
/// could use elsewhere.
fn credentials(
    settings: &Settings,
    provider: &Arc<Provider>,
    prompter: &Prompter,
    contradicted: bool,
    binding: Option<&SessionBinding>,
) -> Vec<Credential> {
    let mut credentials = Vec::new();
    for method in &settings.login.methods {
        match method {
            Method::Publickey => {
                credentials.extend(identity::load(&settings.login, provider, prompter, binding));
            }
            _ if contradicted || !prompter.can_ask() => debug!("{method:?} is left out"),
            Method::KeyboardInteractive => {
                let (prompter, who) = (prompter.clone(), who(settings));
                let answer = move |challenge: &Challenge| answer(challenge, &prompter, &who);
                credentials.push(Credential::Interactive(Arc::new(answer)));
            }
            Method::Password => {
                let (prompter, who) = (prompter.clone(), who(settings));
                let ask = move |attempt| {
                    if attempt > 1 {
                        info!("the password was not accepted");
                    }
                    prompter.secret(&format!("Password of {who}: "))
                };
                credentials.push(Credential::AskPassword(Arc::new(ask)));
            }
        }
    }
    // Without a key to try first, nobody is asked before the server has said what it would accept.
    if !matches!(credentials.first(), Some(Credential::Key { .. })) {
        credentials.insert(0, Credential::None);
    }
    credentials
}

fn who(settings: &Settings) -> String {
    format!("{}@{}", settings.user, settings.host)
}

/// Who asks is shown, so that a server can't pass for another one's prompt.
fn answer(challenge: &Challenge, prompter: &Prompter, who: &str) -> Option<Vec<Secret>> {
    for text in [&challenge.name, &challenge.instruction] {
        if !text.is_empty() {
            show(text);
        }
    }
    let ask = |prompt: &ssh_client::credential::Prompt| {
        let text = format!("({who}) {}", prompt.text);
        if prompt.echo { prompter.line(&text).map(Secret::from) } else { prompter.secret(&text) }
    };
    challenge.prompts.iter().map(ask).collect()
}

fn change_password(
    settings: &Settings,
    prompter: &Prompter,
) -> impl Fn(&str) -> Option<(Secret, Secret)> + Send + Sync + use<> {
    let (prompter, who) = (prompter.clone(), who(settings));
    move |prompt| {
        if !prompt.is_empty() {
            show(prompt);
        }
        let old = prompter.secret(&format!("Old password of {who}: "))?;
        loop {
            let new = prompter.secret(&format!("New password of {who}: "))?;
            if prompter.secret(&format!("New password of {who} again: "))? == new {
                return Some((old, new));
            }
            show("They are not the same.");
        }
    }
}

/// A server's banner, unless the log is told to be quiet.
fn show_banner(text: &str) {
    if log::log_enabled!(log::Level::Info) {
        show(text);
    }
}

fn show(text: &str) {
    let text = clean(text);
    // Nobody is there to read it.
    let _ = writeln!(stderr(), "{}", text.trim_end_matches('\n'));
}
