//! Which host key algorithms are offered first.

use crate::Config;
use ssh_crypto::key::{CertificateAlgorithm, CertificateType};

/// The configured host key algorithms, those of keys that are known for the host first, so that the server shows a key
/// to compare. Where an authority is trusted for the host, the names of certificates stand before all: one for each
/// algorithm that is offered.
pub(crate) fn known_first(config: &Config, host: &str, port: u16) -> Vec<String> {
    let mut known_types = config.host_key.known_types(host, port);
    if config.host_key.trusts_authority(host, port) {
        known_types.extend(CertificateType::ALL.map(|certificate| certificate.name.to_owned()));
    }
    let knows = |key_type: &str| known_types.iter().any(|known| known == key_type);
    let is_known =
        |name: &String| config.provider.signature(name).is_some_and(|suite| knows(suite.key_type()));
    let mut algorithms = config.algorithms.host_key.clone();
    algorithms.sort_by_key(|name| !is_known(name));
    let certified = algorithms.iter().filter_map(|name| CertificateAlgorithm::from_signature(name));
    let mut first: Vec<String> = certified
        .filter(|algorithm| knows(algorithm.certificate.name))
        .map(|algorithm| algorithm.name.to_owned())
        .collect();
    algorithms.retain(|name| !first.contains(name));
    first.append(&mut algorithms);
    first
}
