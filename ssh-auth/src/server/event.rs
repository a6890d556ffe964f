use ssh_crypto::{Secret, sign::Presence};

/// What a [`Server`](crate::Server) asks. Each is answered by [`accept`](crate::Server::accept),
/// [`reject`](crate::Server::reject) or [`partial`](crate::Server::partial); some may also be asked back.
///
/// Names come from the client; nothing but their being UTF-8 has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// May the user in without anything?
    None {
        /// The user's name.
        user: String,
    },
    /// Is this the password? May be answered by [`change_password`](crate::Server::change_password) as well.
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Change the password? Accept only if `old` was right and it is changed.
    PasswordChange {
        /// The user's name.
        user: String,
        /// The password so far.
        old: Secret,
        /// The new one.
        new: Secret,
    },
    /// Would this key do? To accept lets nobody in: it asks for the signature.
    PublickeyProbe {
        /// The user's name.
        user: String,
        /// The algorithm of the request.
        algorithm: String,
        /// The blob of the key or certificate.
        public_key: Vec<u8>,
    },
    /// May the holder of this key in? The signature has been verified; what a certificate says has not.
    Publickey {
        /// The user's name.
        user: String,
        /// The algorithm of the request.
        algorithm: String,
        /// The blob of the key or certificate.
        public_key: Vec<u8>,
        /// What a security key has said of its user when it signed; `None` for other keys.
        presence: Option<Presence>,
    },
    /// May the user in whom the holder of this host key vouches for? The signature has been verified.
    Hostbased {
        /// The user's name.
        user: String,
        /// The blob of the client's host key.
        host_key: Vec<u8>,
        /// The client's host name.
        host: String,
        /// The user's name there.
        local_user: String,
    },
    /// `keyboard-interactive` begins; mostly answered by [`prompts`](crate::Server::prompts).
    Interactive {
        /// The user's name.
        user: String,
        /// The client's hints on what to ask, separated by commas.
        submethods: String,
    },
    /// Are these the right answers, one for each prompt? [`prompts`](crate::Server::prompts) asks further.
    Responses {
        /// The user's name.
        user: String,
        /// The answers.
        responses: Vec<Secret>,
    },
}
