//! Sessions with a server of the test's own, over memory: both run in the runtime of the test.

use crate::support::PATIENCE;
use ssh_client::{
    Config, KeyPair, Phase, PrivateKey, Secret, Timeouts,
    auth::{Prompt, Server, ServerConfig, ServerEvent},
    default_provider, kex,
    session::{
        Decision, Settings,
        tokio::{Connection, Driver},
    },
};
use std::sync::Arc;
use tokio::io::{DuplexStream, duplex};

/// Everything that is right here: passwords, answers.
pub(crate) const RIGHT: &str = "right";

/// Starts a server that knows what is [`RIGHT`], and takes any key. Its end of the session, and the client's stream.
pub(crate) fn serve() -> (Connection, DuplexStream) {
    let (near, server, driver) = server(1 << 16);
    tokio::spawn(driver);
    tokio::spawn(let_in(server.clone()));
    (server, near)
}

/// The same; nothing runs yet.
pub(crate) fn server(buffer: usize) -> (DuplexStream, Connection, Driver<DuplexStream>) {
    let provider = Arc::new(default_provider());
    let key = KeyPair::new(&PrivateKey::ed25519(&[7; 32]), &provider).unwrap();
    let auth = ServerConfig::new(provider.clone(), &["password", "keyboard-interactive", "publickey"]);
    let (near, far) = duplex(buffer);
    let mut settings = Settings::new(kex::Config::new(provider));
    settings.channel_requests = true;
    let (server, driver) = Connection::server(far, settings, vec![Arc::new(key)], auth).unwrap();
    (near, server, driver)
}

/// Answers the client until the session ends.
pub(crate) async fn let_in(server: Connection) {
    while let Ok(decision) = server.next_decision(None, Phase::Authentication).await {
        if let Decision::ServerAuth(event) = decision {
            // It may be over while this is decided.
            let _ = server.server_auth(|auth| answer(auth, event));
        }
    }
}

fn answer(auth: &mut Server, event: ServerEvent) -> Result<(), ssh_client::auth::Error> {
    let right = Secret::from(RIGHT);
    let prompt = || Prompt { text: "Which one?".to_owned(), echo: false };
    match event {
        ServerEvent::Password { password, .. } if password == Secret::from("expired") => {
            auth.change_password("A new one?")
        }
        ServerEvent::Password { password, .. } if password == right => auth.accept(),
        ServerEvent::PasswordChange { new, .. } if new == right => auth.accept(),
        ServerEvent::Interactive { .. } => auth.prompts("", "", &[prompt(), prompt()]),
        ServerEvent::Responses { responses, .. } if responses.iter().all(|given| *given == right) => {
            auth.accept()
        }
        ServerEvent::PublickeyProbe { .. } | ServerEvent::Publickey { .. } => auth.accept(),
        _ => auth.reject(),
    }
}

/// Trusts nobody yet, and has no credential.
pub(crate) fn config() -> Config {
    let timeouts = Timeouts {
        handshake: Some(PATIENCE),
        authentication: Some(PATIENCE),
        request: Some(PATIENCE),
        ..Timeouts::default()
    };
    Config::new("anybody").timeouts(timeouts)
}
