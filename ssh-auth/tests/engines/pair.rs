//! A user and an account, joined by the two engines.

use crate::wire::Flush;
use ssh_auth::{Client, ClientConfig, Event, KeyMethod, Method, Prompt, Server, ServerConfig, ServerEvent};
use ssh_crypto::{Curve, KeyPair, PrivateKey, Provider, Secret, Signer, default_provider, key::KeyKind};
use ssh_wire::{Message, message::auth::UserauthRequest, number};
use std::sync::{Arc, OnceLock};

pub(crate) const SESSION_ID: &[u8] = b"the exchange hash of the first key exchange";

pub(crate) fn provider() -> Arc<Provider> {
    Arc::new(default_provider())
}

/// The same key in every test of a process: the larger kinds take their time.
pub(crate) fn key(which: Key) -> &'static KeyPair {
    static KEYS: [OnceLock<KeyPair>; 7] = [const { OnceLock::new() }; 7];
    KEYS[which as usize].get_or_init(|| {
        let provider = default_provider();
        let kind = match which {
            Key::Ed25519 | Key::OtherEd25519 => KeyKind::Ed25519,
            Key::P256 => KeyKind::Ecdsa(Curve::P256),
            Key::P384 => KeyKind::Ecdsa(Curve::P384),
            Key::P521 => KeyKind::Ecdsa(Curve::P521),
            Key::Rsa => KeyKind::Rsa { bits: 2048 },
            Key::MlDsa => KeyKind::MlDsa44Ed25519,
        };
        KeyPair::new(&PrivateKey::generate(kind, provider.random).unwrap(), &provider).unwrap()
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Ed25519,
    OtherEd25519,
    P256,
    P384,
    P521,
    Rsa,
    MlDsa,
}

/// A method for a key, whose `id` is the key's number.
pub(crate) fn key_method(which: Key, probe: bool) -> Method {
    let pair = key(which);
    let algorithms = match which {
        Key::Rsa => ["rsa-sha2-512", "rsa-sha2-256"].map(str::to_owned).to_vec(),
        _ => vec![pair.public().key_type().to_owned()],
    };
    Method::Publickey(KeyMethod {
        public_key: pair.public_key().to_vec(),
        algorithms,
        probe,
        id: which as usize,
    })
}

pub(crate) const PASSWORD: Method = Method::Password { id: 100 };

pub(crate) fn interactive() -> Method {
    Method::KeyboardInteractive { id: 101, submethods: String::new() }
}

/// What the user knows.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// Given at the first, second, … time.
    pub(crate) passwords: Vec<&'static str>,
    pub(crate) new_password: Option<&'static str>,
    pub(crate) responses: Vec<&'static str>,
}

/// What the server wants.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Any of these chains of methods lets the user in.
    pub(crate) chains: Vec<Vec<&'static str>>,
    pub(crate) keys: Vec<Key>,
    pub(crate) password: &'static str,
    /// The password must be changed.
    pub(crate) expired: bool,
    /// Rounds of prompts with the right responses.
    pub(crate) rounds: Vec<Vec<(&'static str, &'static str)>>,
}

impl Default for User {
    fn default() -> Self {
        Self { passwords: vec!["secret"], new_password: Some("fresh"), responses: vec!["secret"] }
    }
}

impl Account {
    pub(crate) fn new(chains: &[&[&'static str]]) -> Self {
        Self {
            chains: chains.iter().map(|chain| chain.to_vec()).collect(),
            keys: vec![Key::Ed25519],
            password: "secret",
            expired: false,
            rounds: vec![vec![("Password: ", "secret")]],
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) success: bool,
    /// The client's requests by method, a probe as `publickey?`.
    pub(crate) requests: Vec<String>,
    /// Times that the client waited for the server.
    pub(crate) round_trips: usize,
    pub(crate) attempts: Vec<String>,
    pub(crate) told: Vec<String>,
}

pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) server: Server,
    user: User,
    account: Account,
    done: Vec<&'static str>,
    used_keys: Vec<Vec<u8>>,
    round: usize,
    outcome: Outcome,
}

impl Pair {
    pub(crate) fn new(methods: Vec<Method>, user: User, account: Account) -> Self {
        Self::with(methods, user, account, |_| {}, |_| {})
    }

    pub(crate) fn with(
        methods: Vec<Method>,
        user: User,
        account: Account,
        client: impl FnOnce(&mut ClientConfig),
        server: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let mut client_config = ClientConfig::new("user", methods);
        client(&mut client_config);
        let mut server_config = ServerConfig::new(provider(), &continuations(&account.chains, &[]));
        server(&mut server_config);
        Self {
            client: Client::new(client_config, SESSION_ID.to_vec()),
            server: Server::new(server_config, SESSION_ID.to_vec()),
            user,
            account,
            done: Vec::new(),
            used_keys: Vec::new(),
            round: 0,
            outcome: Outcome {
                success: false,
                requests: Vec::new(),
                round_trips: 0,
                attempts: Vec::new(),
                told: Vec::new(),
            },
        }
    }

    /// Runs until the client is done.
    pub(crate) fn run(mut self) -> Outcome {
        self.client.start();
        loop {
            let over = self.client_events();
            let flight = self.client.sent();
            if over {
                assert!(flight.is_empty());
                break;
            }
            assert!(!flight.is_empty(), "nobody goes on");
            self.outcome.round_trips += 1;
            for payload in flight {
                self.note_request(&payload);
                self.server.handle(&payload).unwrap();
                self.server_event();
            }
            for payload in self.server.sent() {
                self.client.handle(&payload).unwrap();
            }
        }
        self.outcome.attempts = self.client.attempts().iter().map(ToString::to_string).collect();
        self.outcome
    }

    fn note_request(&mut self, payload: &[u8]) {
        if payload[0] == number::USERAUTH_REQUEST {
            let request = UserauthRequest::parse(payload).unwrap();
            let method = String::from_utf8(request.method.to_vec()).unwrap();
            let probe = method.starts_with("publickey") && request.data.0[0] == 0;
            self.outcome.requests.push(if probe { format!("{method}?") } else { method });
        }
    }

    fn client_events(&mut self) -> bool {
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Sign { id, algorithm, data } => {
                    let pairs = [
                        Key::Ed25519,
                        Key::OtherEd25519,
                        Key::P256,
                        Key::P384,
                        Key::P521,
                        Key::Rsa,
                        Key::MlDsa,
                    ];
                    self.client.signature(key(pairs[id]).sign(&algorithm, &data));
                }
                Event::Password { id, attempt } => {
                    assert_eq!(id, 100);
                    let password = self.user.passwords.get(attempt as usize - 1);
                    self.client.password(password.map(|&password| password.into()));
                }
                Event::ChangePassword { id, prompt } => {
                    assert_eq!((id, prompt.as_str()), (100, "expired"));
                    let old = Secret::from(self.user.passwords[0]);
                    self.client.new_password(self.user.new_password.map(|new| (old, new.into())));
                }
                Event::Prompts { id, prompts, .. } => {
                    assert_eq!(id, 101);
                    let responses = prompts.iter().enumerate().map(|(at, _)| self.user.responses.get(at));
                    let responses = responses.map(|response| response.map(|&text| text.into())).collect();
                    self.client.responses(responses);
                }
                Event::Notice { name, instruction, .. } => {
                    self.outcome.told.push(format!("{name}: {instruction}"));
                }
                Event::Banner(text) => self.outcome.told.push(text),
                Event::Success => {
                    self.outcome.success = true;
                    return true;
                }
                Event::Failed => return true,
            }
        }
        false
    }

    fn server_event(&mut self) {
        let Some(event) = self.server.poll_event() else { return };
        match event {
            ServerEvent::None { .. } => self.server.accept().unwrap(),
            ServerEvent::Password { password, .. } => {
                match (*password == *self.account.password.as_bytes(), self.account.expired) {
                    (true, true) => self.server.change_password("expired").unwrap(),
                    (right, _) => self.judge("password", right),
                }
            }
            ServerEvent::PasswordChange { old, new, .. } => {
                let right = *old == *self.account.password.as_bytes() && *new == *b"fresh";
                self.judge("password", right);
            }
            ServerEvent::PublickeyProbe { public_key, .. } => match self.is_good(&public_key) {
                true => self.server.accept().unwrap(),
                false => self.server.reject().unwrap(),
            },
            ServerEvent::Publickey { public_key, .. } => {
                let good = self.is_good(&public_key);
                self.used_keys.push(public_key);
                self.judge("publickey", good);
            }
            ServerEvent::Hostbased { host, local_user, host_key, .. } => {
                let right = (&*host, &*local_user) == ("client.example.", "me") && self.is_good(&host_key);
                self.judge("hostbased", right);
            }
            ServerEvent::Interactive { .. } => {
                self.round = 0;
                self.prompt();
            }
            ServerEvent::Responses { responses, .. } => {
                let right = self.account.rounds[self.round]
                    .iter()
                    .zip(&responses)
                    .all(|((_, right), response)| **response == *right.as_bytes());
                self.round += 1;
                if right && self.round < self.account.rounds.len() {
                    self.prompt();
                } else {
                    self.judge("keyboard-interactive", right);
                }
            }
        }
    }

    fn prompt(&mut self) {
        let prompts: Vec<_> = self.account.rounds[self.round]
            .iter()
            .map(|(text, _)| Prompt { text: (*text).to_owned(), echo: false })
            .collect();
        self.server.prompts("title", "what follows", &prompts).unwrap();
    }

    fn is_good(&self, blob: &[u8]) -> bool {
        self.account.keys.iter().any(|&which| key(which).public_key() == blob)
            && !self.used_keys.iter().any(|used| used == blob)
    }

    fn judge(&mut self, method: &'static str, right: bool) {
        if !right {
            return self.server.reject().unwrap();
        }
        self.done.push(method);
        if self.account.chains.contains(&self.done) {
            self.server.accept().unwrap();
        } else {
            let methods = continuations(&self.account.chains, &self.done);
            self.server.partial(&methods).unwrap();
        }
    }
}

/// The methods that go on towards the end of any chain.
fn continuations(chains: &[Vec<&'static str>], done: &[&'static str]) -> Vec<&'static str> {
    let mut methods: Vec<_> = chains
        .iter()
        .filter(|chain| chain.starts_with(done))
        .filter_map(|chain| chain.get(done.len()).copied())
        .collect();
    methods.dedup();
    methods
}
