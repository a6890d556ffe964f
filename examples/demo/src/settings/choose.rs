//! Choices out of what there is: algorithms, and ways to log in.

use crate::exit::Failure;
use log::debug;
use ssh_client::{
    crypto::key::CertificateAlgorithm,
    ssh_config::{AlgorithmList, Options, Origin, Setting},
};

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Publickey,
    KeyboardInteractive,
    Password,
}

/// The algorithms of a kind. A file may name some that are not here, as it is not written for this program alone; what
/// the command line names must be there.
pub(super) fn choose(
    list: Option<&Setting<AlgorithmList>>,
    usual: &[String],
    all: &[String],
) -> Result<Vec<String>, Failure> {
    let Some(list) = list else { return Ok(usual.to_vec()) };
    let chosen = match list.origin {
        Origin::CommandLine => list.apply(usual, all),
        _ => list.apply_known(usual, all).map(|(names, unknown)| {
            if !unknown.is_empty() {
                debug!("{}: not available here: {}", list.origin, unknown.join(","));
            }
            names
        }),
    };
    chosen.map_err(|error| Failure::new(format!("{}: {error}", list.origin)))
}

/// The names of these signature algorithms with those of their certificates before them, as OpenSSH has them.
pub(super) fn with_certificates(signatures: &[String]) -> Vec<String> {
    let certified = signatures.iter().filter_map(|name| CertificateAlgorithm::from_signature(name));
    certified.map(|algorithm| algorithm.name.to_owned()).chain(signatures.iter().cloned()).collect()
}

/// The ways to log in, in order, as far as they are wanted and nobody who may not be asked is asked.
pub(super) fn methods(options: &Options, batch: bool) -> Vec<Method> {
    let is_on = |setting: &Option<Setting<bool>>| setting.as_ref().is_none_or(|setting| setting.value);
    let usual = || ["publickey", "keyboard-interactive", "password"].map(str::to_owned).to_vec();
    let preferred = options.preferred_authentications.as_ref().map_or_else(usual, |list| list.value.clone());
    let mut methods = Vec::new();
    for name in preferred {
        let (method, wanted) = match name.as_str() {
            "publickey" => (Method::Publickey, is_on(&options.pubkey_authentication)),
            "keyboard-interactive" => {
                (Method::KeyboardInteractive, is_on(&options.kbd_interactive_authentication) && !batch)
            }
            "password" => (Method::Password, is_on(&options.password_authentication) && !batch),
            _ => {
                debug!("authentication method {name} is not available here");
                continue;
            }
        };
        if wanted && !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods
}
