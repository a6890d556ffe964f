//! Who may in.
//!
//! | item | is |
//! | --- | --- |
//! | [`Authenticator`] | decides, by what a client shows |
//! | [`Fixed`] | one user, with a password, keys or both |
//! | [`AuthorizedKeys`] | users with files in the format of OpenSSH's `authorized_keys` |
//! | [`check_certificate`] | whether a user's certificate holds, and what it permits |

mod address;
mod authorized_keys;
mod certificate;
mod dialogue;
mod file;
mod fixed;
mod revoked;

pub use authorized_keys::AuthorizedKeys;
pub use certificate::check_certificate;
pub use fixed::Fixed;
pub use ssh_auth::{Certificate, Prompt};

pub(crate) use dialogue::Dialogue;
pub(crate) use revoked::Revoking;

use crate::Permissions;
use ssh_crypto::{Provider, PublicKey, Secret};
use std::net::SocketAddr;

/// Decides who may in. Sessions ask from threads of their own, at the same time; it may take its time, and may block.
///
/// Refusals leave no sooner than [`Limits::failure_delay`](crate::Limits::failure_delay) after the request came, or twice
/// or four times as long when the decision took longer, so that the time of an answer tells little of how it was found.
/// It tells nothing only if no decision takes longer than that delay, and about keys than
/// [`Limits::probe_delay`](crate::Limits::probe_delay): set them above what your slowest takes. And strangers must be
/// asked what others are: who gets a dialogue only if there is such a user learns of it, whatever the time.
pub trait Authenticator: Send + Sync + 'static {
    /// The methods with which a client may begin, in the order in which they are told.
    fn methods(&self) -> Vec<Method>;

    /// Whether this is enough.
    fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict;
}

impl Authenticator for Box<dyn Authenticator> {
    fn methods(&self) -> Vec<Method> {
        (**self).methods()
    }

    fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
        (**self).check(client, credential)
    }
}

/// A method of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `none`: the user's name is enough (RFC 4252 §5.2). It is never told to a client, but asked about if it is offered.
    None,
    /// `password` (RFC 4252 §8).
    Password,
    /// `publickey`, with keys and certificates (RFC 4252 §7).
    PublicKey,
    /// `keyboard-interactive`: prompts and answers (RFC 4256).
    KeyboardInteractive,
    /// `hostbased`: the client's host vouches for the user (RFC 4252 §9).
    HostBased,
}

impl Method {
    /// As the protocol has it: `publickey`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::PublicKey => "publickey",
            Self::KeyboardInteractive => "keyboard-interactive",
            Self::HostBased => "hostbased",
        }
    }
}

/// Who asks to be let in.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Client<'a> {
    /// The name by which it wants to log in. Nothing but its being UTF-8 has been checked.
    pub user: &'a str,
    /// Where it comes from, as far as the stream tells.
    pub address: Option<SocketAddr>,
    /// The methods by which it has partly succeeded, in order; see [`Verdict::Partial`].
    pub passed: &'a [Method],
    /// Verifies the signatures of certificates.
    pub provider: &'a Provider,
}

/// What a client shows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Credential<'a> {
    /// Nothing, by the method `none`.
    None,
    /// A password.
    Password(&'a Secret),
    /// A password that is to be changed: accept only if the old one was right and it is changed. Clients come with it
    /// by themselves, too, not only after [`Verdict::ChangePassword`].
    NewPassword {
        /// The password so far.
        old: &'a Secret,
        /// The new one.
        new: &'a Secret,
    },
    /// A key. For a client that only asks whether the key would do, too: nobody gets in before a signature by the key
    /// was verified.
    Key(&'a PublicKey),
    /// A certificate, of which nothing is checked yet: see [`check_certificate`]. Otherwise as [`Credential::Key`].
    Certificate(&'a Certificate),
    /// The conversation of `keyboard-interactive` so far: no round when it begins. [`Verdict::Ask`] adds one.
    Interactive(&'a [Round]),
    /// A host vouches for the user by its key, whose signature was verified.
    Host {
        /// The host's key, or that in its certificate.
        key: &'a PublicKey,
        /// The host's certificate, of which nothing is checked yet.
        certificate: Option<&'a Certificate>,
        /// The host's name, as the client says.
        host: &'a str,
        /// The user's name there.
        local_user: &'a str,
    },
}

/// What is said to a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The user is in, and permitted this.
    Accept(Permissions),
    /// The credential is no good.
    Reject,
    /// The credential is good, but one by one of these methods is wanted, too: what is permitted in the end is what all
    /// of them permit. A key that a client only asks about is answered as if it were enough.
    Partial(Permissions, Vec<Method>),
    /// To [`Credential::Interactive`]: these are to be answered next.
    Ask(Prompts),
    /// To [`Credential::Password`] and [`Credential::NewPassword`]: the password must be changed first; the text says so.
    ChangePassword(String),
}

impl Verdict {
    /// The user is in, and nothing is restricted that the server has.
    pub fn accept() -> Self {
        Self::Accept(Permissions::all())
    }

    /// [`Verdict::accept`] or [`Verdict::Reject`].
    pub fn accept_if(good: bool) -> Self {
        if good { Self::accept() } else { Self::Reject }
    }
}

/// Prompts of `keyboard-interactive` (RFC 4256 §3.2). Without any, the text is only shown, and an empty round follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompts {
    /// A name for the dialogue; mostly empty.
    pub name: String,
    /// A text above the prompts.
    pub instruction: String,
    /// The prompts, and whether their answers may be seen while they are typed.
    pub prompts: Vec<Prompt>,
}

impl Prompts {
    /// One prompt, whose answer is not seen while it is typed.
    pub fn secret(text: impl Into<String>) -> Self {
        Self::default().and(text, false)
    }

    /// One prompt more.
    pub fn and(mut self, text: impl Into<String>, echo: bool) -> Self {
        self.prompts.push(Prompt { text: text.into(), echo });
        self
    }
}

/// Prompts and their answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// What was asked.
    pub prompts: Prompts,
    /// The answers, one for each prompt.
    pub answers: Vec<Secret>,
}
