//! What the engine asks, in the terms of an [`Authenticator`]: the same for every driver.

use super::{Authenticator, Client, Credential, Method, Prompts, Round, Verdict};
use crate::{Limits, Login, Permissions};
use ssh_auth::{
    Certificate,
    server::{self, ServerEvent},
};
use ssh_crypto::{Provider, PublicKey, sign::Presence};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// For a delay that is beyond all time: the client is sent away before.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Rounds that one conversation of `keyboard-interactive` may have.
const MAX_ROUNDS: usize = 16;

/// The authentication of one client.
pub(crate) struct Dialogue {
    authenticator: Arc<dyn Authenticator>,
    provider: Arc<Provider>,
    client: Option<SocketAddr>,
    user: String,
    passed: Vec<Method>,
    /// The keys by which the user has passed. None counts for two.
    used: Vec<PublicKey>,
    /// What everything that was accepted so far permits.
    permissions: Permissions,
    rounds: Vec<Round>,
    /// What was asked and not answered yet.
    asked: Prompts,
}

impl Dialogue {
    pub(crate) fn new(
        authenticator: Arc<dyn Authenticator>,
        provider: Arc<Provider>,
        client: Option<SocketAddr>,
    ) -> Self {
        Self {
            authenticator,
            provider,
            client,
            user: String::new(),
            passed: Vec::new(),
            used: Vec::new(),
            permissions: Permissions::all(),
            rounds: Vec::new(),
            asked: Prompts::default(),
        }
    }

    /// Puts `event` to the authenticator. This may block.
    pub(crate) fn answer(&mut self, event: ServerEvent) -> Answer {
        if let ServerEvent::Responses { responses, .. } = event {
            let prompts = std::mem::take(&mut self.asked);
            self.rounds.push(Round { prompts, answers: responses });
            return self.judge(Method::KeyboardInteractive, false, &Asked::Interactive);
        }
        self.rounds.clear();
        match event {
            ServerEvent::None { user } => self.of(user).judge(Method::None, false, &Asked::None),
            ServerEvent::Password { user, password } => {
                self.of(user).judge(Method::Password, false, &Asked::Password(password))
            }
            ServerEvent::PasswordChange { user, old, new } => {
                self.of(user).judge(Method::Password, false, &Asked::NewPassword(old, new))
            }
            ServerEvent::PublickeyProbe { user, public_key, .. } => {
                self.of(user).judge(Method::PublicKey, true, &Asked::key(&public_key))
            }
            ServerEvent::Publickey { user, public_key, presence, .. } => {
                self.of(user).judge_signed(presence, &Asked::key(&public_key))
            }
            ServerEvent::Hostbased { user, host_key, host, local_user } => {
                let asked = Asked::Host(Box::new(Asked::key(&host_key)), host, local_user);
                self.of(user).judge(Method::HostBased, false, &asked)
            }
            ServerEvent::Interactive { user, .. } => {
                self.of(user).judge(Method::KeyboardInteractive, false, &Asked::Interactive)
            }
            // Taken above.
            ServerEvent::Responses { .. } => Answer { reply: Reply::Reject, is_probe: false },
        }
    }

    /// The engine sees to it that the name stays the same.
    fn of(&mut self, user: String) -> &mut Self {
        self.user = user;
        self
    }

    fn judge(&mut self, method: Method, is_probe: bool, asked: &Asked) -> Answer {
        let verdict = self.verdict(asked);
        self.reply(method, is_probe, verdict)
    }

    /// A key that has signed, and what it has said of its user if it is a security key.
    fn judge_signed(&mut self, presence: Option<Presence>, asked: &Asked) -> Answer {
        let verdict = match self.verdict(asked) {
            Verdict::Accept(permissions) | Verdict::Partial(permissions, _)
                if presence.is_some_and(|presence| !permissions.suffices(presence)) =>
            {
                log::info!(
                    "{:?} is refused: the security key was not touched, or has not verified its user",
                    self.user
                );
                Verdict::Reject
            }
            verdict => verdict,
        };
        let answer = self.reply(Method::PublicKey, false, verdict);
        if matches!(answer.reply, Reply::Accept | Reply::Partial(_)) {
            self.used.extend(asked.public_key().cloned());
        }
        answer
    }

    fn verdict(&self, asked: &Asked) -> Verdict {
        if asked.public_key().is_some_and(|key| self.used.contains(key)) {
            log::info!("{:?} has passed by this key already", self.user);
            return Verdict::Reject;
        }
        let client =
            Client { user: &self.user, address: self.client, passed: &self.passed, provider: &self.provider };
        match asked.credential(&self.rounds) {
            Some(credential) => self.authenticator.check(&client, &credential),
            None => Verdict::Reject,
        }
    }

    fn reply(&mut self, method: Method, is_probe: bool, verdict: Verdict) -> Answer {
        let reply = match verdict {
            Verdict::Accept(_) | Verdict::Partial(..) if is_probe => Reply::Accept,
            Verdict::Accept(permissions) => self.pass(method, permissions, Reply::Accept),
            Verdict::Partial(permissions, methods) => self.pass(method, permissions, Reply::Partial(methods)),
            Verdict::Ask(prompts)
                if method == Method::KeyboardInteractive && self.rounds.len() < MAX_ROUNDS =>
            {
                self.asked = prompts.clone();
                Reply::Ask(prompts)
            }
            Verdict::ChangePassword(prompt) if method == Method::Password => Reply::ChangePassword(prompt),
            Verdict::Ask(_) | Verdict::ChangePassword(_) | Verdict::Reject => Reply::Reject,
        };
        Answer { reply, is_probe }
    }

    /// What was accepted restricts what comes of it.
    fn pass(&mut self, method: Method, permissions: Permissions, reply: Reply) -> Reply {
        match self.permissions.clone().and(permissions) {
            Some(permissions) => {
                self.permissions = permissions;
                self.passed.push(method);
                self.rounds.clear();
                reply
            }
            None => {
                log::warn!("{:?} is refused: two credentials force different commands", self.user);
                Reply::Reject
            }
        }
    }

    /// Who is in, once the engine says that somebody is.
    pub(crate) fn login(self, server: Option<SocketAddr>) -> Login {
        Login { user: self.user, client: self.client, server, permissions: self.permissions }
    }
}

/// What a [`Credential`] is made of.
enum Asked {
    None,
    Password(ssh_crypto::Secret),
    NewPassword(ssh_crypto::Secret, ssh_crypto::Secret),
    Key(PublicKey),
    Certificate(Box<Certificate>),
    /// Neither a key nor a certificate that is known.
    Unknown,
    Interactive,
    Host(Box<Asked>, String, String),
}

impl Asked {
    fn key(blob: &[u8]) -> Self {
        match PublicKey::from_blob(blob) {
            Ok(key) => Self::Key(key),
            Err(_) => match Certificate::parse(blob) {
                Ok(certificate) => Self::Certificate(Box::new(certificate)),
                Err(_) => Self::Unknown,
            },
        }
    }

    /// The user's key, or what a certificate says of it.
    fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Certificate(certificate) => Some(certificate.key()),
            _ => None,
        }
    }

    fn credential<'a>(&'a self, rounds: &'a [Round]) -> Option<Credential<'a>> {
        Some(match self {
            Self::None => Credential::None,
            Self::Password(password) => Credential::Password(password),
            Self::NewPassword(old, new) => Credential::NewPassword { old, new },
            Self::Key(key) => Credential::Key(key),
            Self::Certificate(certificate) => Credential::Certificate(certificate),
            Self::Unknown => return None,
            Self::Interactive => Credential::Interactive(rounds),
            Self::Host(key, host, local_user) => {
                let (key, certificate) = match &**key {
                    Self::Key(key) => (key, None),
                    Self::Certificate(certificate) => (certificate.key(), Some(&**certificate)),
                    _ => return None,
                };
                Credential::Host { key, certificate, host, local_user }
            }
        })
    }
}

/// What the engine is to be told.
pub(crate) struct Answer {
    reply: Reply,
    is_probe: bool,
}

enum Reply {
    Accept,
    Reject,
    Partial(Vec<Method>),
    Ask(Prompts),
    ChangePassword(String),
}

impl Answer {
    /// When the answer to what was `asked` then leaves, if it is found now: its time shall not tell how. Success may
    /// tell; it is known anyway.
    pub(crate) fn leaves_at(&self, asked: Instant, now: Instant, limits: &Limits) -> Instant {
        let step = match self.reply {
            _ if self.is_probe => limits.probe_delay,
            Reply::Reject => limits.failure_delay,
            _ => return now,
        };
        if step.is_zero() {
            return now;
        }
        let (elapsed, mut due) = (now - asked, step);
        while due < elapsed {
            due = due.saturating_mul(2);
        }
        asked.checked_add(due).unwrap_or(now + NEVER)
    }

    /// Tells the engine.
    pub(crate) fn apply(self, engine: &mut server::Server) -> Result<(), ssh_auth::Error> {
        match self.reply {
            Reply::Accept => engine.accept(),
            Reply::Reject => engine.reject(),
            Reply::Partial(methods) => {
                let names: Vec<_> = methods.into_iter().map(Method::name).collect();
                engine.partial(&names)
            }
            Reply::Ask(Prompts { name, instruction, prompts }) => {
                engine.prompts(&name, &instruction, &prompts)
            }
            Reply::ChangePassword(prompt) => engine.change_password(&prompt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fixed;

    fn dialogue(authenticator: impl Authenticator) -> Dialogue {
        Dialogue::new(Arc::new(authenticator), Arc::new(ssh_kex::default_provider()), None)
    }

    fn limits() -> Limits {
        Limits {
            failure_delay: Duration::from_millis(100),
            probe_delay: Duration::from_millis(10),
            ..Limits::default()
        }
    }

    #[test]
    fn refusals_leave_in_steps() {
        let refusal = Answer { reply: Reply::Reject, is_probe: false };
        let asked = Instant::now();
        let after = |millis| asked + Duration::from_millis(millis);
        for (took, leaves) in [(0, 100), (99, 100), (100, 100), (101, 200), (399, 400)] {
            assert_eq!(refusal.leaves_at(asked, after(took), &limits()), after(leaves), "{took}");
        }
        // Of a key that is asked about, either answer does.
        for reply in [Reply::Accept, Reply::Reject] {
            let probe = Answer { reply, is_probe: true };
            assert_eq!(probe.leaves_at(asked, after(1), &limits()), after(10));
        }
        let success = Answer { reply: Reply::Accept, is_probe: false };
        assert_eq!(success.leaves_at(asked, after(1), &limits()), after(1));
    }

    #[test]
    fn what_was_passed_restricts_what_follows() {
        struct Two;
        impl Authenticator for Two {
            fn methods(&self) -> Vec<Method> {
                vec![Method::Password]
            }
            fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
                match (credential, client.passed) {
                    (Credential::Password(_), []) => {
                        Verdict::Partial(Permissions::restricted(), vec![Method::KeyboardInteractive])
                    }
                    (Credential::Interactive([]), [Method::Password]) => {
                        Verdict::Ask(Prompts::secret("code"))
                    }
                    (Credential::Interactive([round]), [Method::Password]) => {
                        Verdict::accept_if(round.answers == ["1".into()])
                    }
                    _ => Verdict::Reject,
                }
            }
        }
        let mut dialogue = dialogue(Two);
        let user = || "alice".to_owned();
        let begin = || ServerEvent::Interactive { user: user(), submethods: String::new() };
        assert!(matches!(dialogue.answer(begin()).reply, Reply::Reject));
        let password = ServerEvent::Password { user: user(), password: "x".into() };
        assert!(matches!(dialogue.answer(password).reply, Reply::Partial(_)));
        assert!(matches!(dialogue.answer(begin()).reply, Reply::Ask(_)));
        let responses = ServerEvent::Responses { user: user(), responses: vec!["1".into()] };
        assert!(matches!(dialogue.answer(responses).reply, Reply::Accept));
        let login = dialogue.login(None);
        assert_eq!(login.permissions, Permissions::restricted());
        assert_eq!(login.user, "alice");
    }

    #[test]
    fn a_conversation_has_an_end() {
        struct Endless;
        impl Authenticator for Endless {
            fn methods(&self) -> Vec<Method> {
                vec![Method::KeyboardInteractive]
            }
            fn check(&self, _: &Client<'_>, _: &Credential<'_>) -> Verdict {
                Verdict::Ask(Prompts::secret("again"))
            }
        }
        let mut dialogue = dialogue(Endless);
        let user = || "alice".to_owned();
        let begin = ServerEvent::Interactive { user: user(), submethods: String::new() };
        assert!(matches!(dialogue.answer(begin).reply, Reply::Ask(_)));
        let mut next =
            || dialogue.answer(ServerEvent::Responses { user: user(), responses: vec!["".into()] });
        for _ in 1..MAX_ROUNDS {
            assert!(matches!(next().reply, Reply::Ask(_)));
        }
        assert!(matches!(next().reply, Reply::Reject));
    }

    #[test]
    fn a_key_counts_once() {
        struct TwoKeys;
        impl Authenticator for TwoKeys {
            fn methods(&self) -> Vec<Method> {
                vec![Method::PublicKey]
            }
            fn check(&self, client: &Client<'_>, _: &Credential<'_>) -> Verdict {
                match client.passed {
                    [] => Verdict::Partial(Permissions::all(), vec![Method::PublicKey]),
                    _ => Verdict::Accept(Permissions::all()),
                }
            }
        }
        let mut dialogue = dialogue(TwoKeys);
        let mut sign = |key: u8| {
            let public_key = PublicKey::Ed25519([key; 32]).to_blob();
            let (user, algorithm) = ("alice".to_owned(), "ssh-ed25519".to_owned());
            let event = ServerEvent::Publickey { user, algorithm, public_key, presence: None };
            dialogue.answer(event).reply
        };
        assert!(matches!(sign(1), Reply::Partial(_)));
        assert!(matches!(sign(1), Reply::Reject));
        assert!(matches!(sign(2), Reply::Accept));
    }

    #[test]
    fn a_probe_passes_nothing() {
        let key = PublicKey::Ed25519([7; 32]);
        let mut dialogue = dialogue(Fixed::new("alice").key(key.clone()).password("secret").all());
        let probe = ServerEvent::PublickeyProbe {
            user: "alice".to_owned(),
            algorithm: "ssh-ed25519".to_owned(),
            public_key: key.to_blob(),
        };
        assert!(matches!(dialogue.answer(probe).reply, Reply::Accept));
        assert!(dialogue.passed.is_empty());
        let password = ServerEvent::Password { user: "alice".to_owned(), password: "secret".into() };
        assert!(matches!(dialogue.answer(password).reply, Reply::Partial(_)));
    }
}
