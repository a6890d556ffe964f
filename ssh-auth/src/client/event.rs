use crate::method::interactive::Prompt;

/// What a [`Client`](crate::Client) asks or tells. `id` is the caller's number of the method that is being tried.
///
/// All texts come from the server: control characters in them must not reach a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `data` is to be signed; answered by [`Client::signature`](crate::Client::signature).
    Sign {
        /// The caller's number of the key.
        id: usize,
        /// The signature algorithm; a certificate's name has become its key's.
        algorithm: String,
        /// The bytes to sign.
        data: Vec<u8>,
    },
    /// A password is needed; answered by [`Client::password`](crate::Client::password).
    Password {
        /// The caller's number of the method.
        id: usize,
        /// Which time it is, counted from 1; above that the one before was wrong.
        attempt: u32,
    },
    /// The password has expired; answered by [`Client::new_password`](crate::Client::new_password).
    ChangePassword {
        /// The caller's number of the method.
        id: usize,
        /// What the server says to it.
        prompt: String,
    },
    /// The server asks questions; answered by [`Client::responses`](crate::Client::responses).
    Prompts {
        /// The caller's number of the method.
        id: usize,
        /// A title; may be empty.
        name: String,
        /// What to tell first; may be empty.
        instruction: String,
        /// The questions, one at least.
        prompts: Vec<Prompt>,
    },
    /// `keyboard-interactive` tells something without a question. Nothing is to be answered.
    Notice {
        /// The caller's number of the method.
        id: usize,
        /// A title; may be empty.
        name: String,
        /// The text; may be empty.
        instruction: String,
    },
    /// A text to show before the authentication ends (RFC 4252 §5.4).
    Banner(String),
    /// The user is authenticated: the service may be used.
    Success,
    /// Nothing is left to try; [`Client::attempts`](crate::Client::attempts) tells why.
    Failed,
}
