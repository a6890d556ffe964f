//! What is offered first, by what is known of the host.

use crate::{Config, host_memory::Offer};
use ssh_crypto::key::CertificateAlgorithm;
use ssh_kex::Negotiated;
use ssh_session::Settings;

/// What a session with this host is told.
pub(crate) fn settings(config: &Config, host: &str, port: u16) -> Settings {
    let mut settings = config.settings();
    let offer = offer(config, host, port);
    let guess = config.memory.as_ref().and_then(|memory| memory.guess(host, port, &offer));
    let Offer { kex, host_key } = offer;
    let algorithms = &mut settings.kex.algorithms;
    (algorithms.kex, algorithms.host_key) = (kex, host_key);
    if let Some(guess) = guess {
        put_first(&mut algorithms.kex, &guess.kex);
        put_first(&mut algorithms.host_key, &guess.host_key);
        settings.kex.guess = true;
    }
    settings
}

/// Remembers what was agreed on, if the configuration has a memory.
pub(crate) fn remember(config: &Config, host: &str, port: u16, negotiated: Option<&Negotiated>) {
    if let (Some(memory), Some(negotiated)) = (&config.memory, negotiated) {
        memory.learn(host, port, offer(config, host, port), negotiated);
    }
}

fn offer(config: &Config, host: &str, port: u16) -> Offer {
    Offer { kex: config.algorithms.kex.clone(), host_key: known_first(config, host, port) }
}

fn put_first(names: &mut Vec<String>, first: &str) {
    names.retain(|name| name != first);
    names.insert(0, first.to_owned());
}

/// The configured host key algorithms, those of keys that are known for the host first, so that the server shows a key
/// to compare. Where an authority is trusted for the host, certificates stand before all: those whose names are
/// configured, or else one for each algorithm that is offered.
fn known_first(config: &Config, host: &str, port: u16) -> Vec<String> {
    let known_types = config.host_key.known_types(host, port);
    let knows = |key_type: &str| known_types.iter().any(|known| known == key_type);
    let is_known =
        |name: &String| config.provider.signature(name).is_some_and(|suite| knows(suite.key_type()));
    let is_certificate = |name: &String| CertificateAlgorithm::from_name(name).is_some();
    let mut algorithms = config.algorithms.host_key.clone();
    algorithms.sort_by_key(|name| !is_known(name));
    if config.host_key.trusts_authority(host, port) {
        if !algorithms.iter().any(is_certificate) {
            let certified = algorithms.iter().filter_map(|name| CertificateAlgorithm::from_signature(name));
            algorithms.extend(certified.map(|algorithm| algorithm.name.to_owned()).collect::<Vec<_>>());
        }
        algorithms.sort_by_key(|name| !is_certificate(name));
    }
    algorithms
}
