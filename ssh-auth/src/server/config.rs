use ssh_crypto::Provider;
use std::sync::Arc;

/// What a [`Server`](crate::Server) offers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The service that users get: `ssh-connection`.
    pub service: String,
    /// The methods with which a client may begin, in the order in which they are told. A request by any other is
    /// refused without asking; `none` is never told, but asked about if it stands here.
    pub methods: Vec<String>,
    /// Refusals after which the client is sent away. 6 by default; the first `none` does not count.
    pub max_attempts: u32,
    /// Verifies signatures.
    pub provider: Arc<Provider>,
    /// Signature algorithms of users' keys, as `server-sig-algs` tells them. All of the provider's by default that are not
    /// broken.
    pub algorithms: Vec<String>,
    /// Whether signatures of users' security keys count that were made without a touch. They do not, by default. Where it
    /// depends on the key, let them count, and look at what the event tells of the user's presence.
    pub untouched: bool,
    /// The server's host key blob, for `publickey-hostbound-v00@openssh.com`, which is refused without.
    pub host_key: Option<Vec<u8>>,
    /// A text shown to the user once the client has asked for the service, before anything is decided.
    pub banner: Option<String>,
}

impl ServerConfig {
    /// Offers `methods`, with the defaults for the rest.
    pub fn new(provider: Arc<Provider>, methods: &[&str]) -> Self {
        let sound = provider.signatures.iter().filter(|suite| !suite.is_legacy());
        let algorithms = sound.map(|suite| suite.name().to_owned()).collect();
        Self {
            service: "ssh-connection".to_owned(),
            methods: methods.iter().map(|&name| name.to_owned()).collect(),
            max_attempts: 6,
            algorithms,
            provider,
            untouched: false,
            host_key: None,
            banner: None,
        }
    }
}
