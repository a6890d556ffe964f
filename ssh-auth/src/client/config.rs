use crate::method::Method;

/// What a [`Client`](crate::Client) tries, and how.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The user's name at the server.
    pub user: String,
    /// The service to start afterwards: `ssh-connection`.
    pub service: String,
    /// What to try, in this order as far as the server goes along. If it wants several in a row it is followed
    /// through the list, each key and each password contributing once. An empty list tries `none`.
    pub methods: Vec<Method>,
    /// Whether the first request leaves together with the request for the service: one round trip less. On by default.
    pub pipeline: bool,
    /// How often `password` and `keyboard-interactive` are tried each before they are given up. 3 by default.
    pub attempts: u32,
    /// The server's host key blob, if the server has announced `publickey-hostbound@openssh.com`; see
    /// [`Client::set_hostbound`](crate::Client::set_hostbound).
    pub hostbound: Option<Vec<u8>>,
}

impl ClientConfig {
    /// Tries `methods` for `user`, with the defaults for the rest.
    pub fn new(user: impl Into<String>, methods: Vec<Method>) -> Self {
        Self {
            user: user.into(),
            service: "ssh-connection".to_owned(),
            methods,
            pipeline: true,
            attempts: 3,
            hostbound: None,
        }
    }
}
