//! From credentials to the methods that a client tries.

use super::Credential;
use crate::{
    Config,
    agent::{SessionBinding, key_type},
    awaited::Run,
    quirks::mishandles_rsa_certificates,
};
use ssh_auth::{
    HostbasedMethod,
    client::{KeyMethod, Method},
};
use ssh_crypto::{PublicKey, key::CertificateAlgorithm};

/// Credentials of which each stands for one key at most, and the methods they come down to; a method's id is its
/// credential's place.
pub(crate) struct Prepared {
    pub(crate) credentials: Vec<Credential>,
    pub(crate) methods: Vec<Method>,
    /// What could not even be tried, for the error if all fails.
    pub(crate) notes: Vec<String>,
}

impl Prepared {
    /// Asks agents for their keys, over connections bound to `session`. `server` is the software that the server's identification names.
    pub(crate) async fn new<R: Run>(
        credentials: &[Credential],
        config: &Config,
        server: &str,
        session: Option<&SessionBinding>,
    ) -> Self {
        let mut prepared = Self { credentials: Vec::new(), methods: Vec::new(), notes: Vec::new() };
        for credential in credentials {
            prepared.expand::<R>(credential, session).await;
        }
        for id in 0..prepared.credentials.len() {
            prepared.add_methods(id, config, server);
        }
        prepared
    }

    async fn expand<R: Run>(&mut self, credential: &Credential, session: Option<&SessionBinding>) {
        match credential {
            Credential::Agent(keys) => match R::agent_keys(keys.clone(), session.cloned()).await {
                Ok((found, notes)) => {
                    self.credentials.extend(found);
                    notes.into_iter().for_each(|note| self.note(note));
                }
                Err(error) => self.note(format!("agent: not tried: {error}")),
            },
            Credential::Certified { signer, probe } => {
                let probe = *probe;
                self.credentials.push(Credential::Key { signer: signer.clone(), probe });
                // A server that does not trust the authority may know the key.
                self.credentials.push(Credential::Key { signer: signer.signer().clone(), probe });
            }
            Credential::Unavailable(why) => self.notes.push(why.clone()),
            other => self.credentials.push(other.clone()),
        }
    }

    fn note(&mut self, note: String) {
        log::warn!("{note}");
        self.notes.push(note);
    }

    fn add_methods(&mut self, id: usize, config: &Config, server: &str) {
        let interactive = Method::KeyboardInteractive { id, submethods: String::new() };
        match &self.credentials[id] {
            Credential::None => self.methods.push(Method::None),
            Credential::Password(_) => self.methods.extend([Method::Password { id }, interactive]),
            Credential::AskPassword(_) | Credential::AskPasswordAsync(_) => {
                self.methods.push(Method::Password { id });
            }
            Credential::Interactive(_) | Credential::InteractiveAsync(_) => self.methods.push(interactive),
            Credential::Key { signer, probe } => {
                let key = key_method(id, signer.public_key(), &signer.algorithms(), *probe);
                self.add_key(key, config, server);
            }
            Credential::KeyAsync { signer, probe } => {
                let key = key_method(id, signer.public_key(), &signer.algorithms(), *probe);
                self.add_key(key, config, server);
            }
            Credential::Hostbased { signer, host, local_user } => {
                let algorithms = signer.algorithms();
                let Some(algorithm) = algorithms.first() else {
                    return self.note("hostbased: not tried: the host's key can't sign".to_owned());
                };
                self.methods.push(Method::Hostbased(HostbasedMethod {
                    host_key: signer.public_key().to_vec(),
                    algorithm: (*algorithm).to_owned(),
                    host: host.clone(),
                    local_user: local_user.clone(),
                    id,
                }));
            }
            // These were expanded.
            Credential::Agent(_) | Credential::Certified { .. } | Credential::Unavailable(_) => {}
        }
    }

    fn add_key(&mut self, mut key: KeyMethod, config: &Config, server: &str) {
        let public = PublicKey::from_blob(&key.public_key);
        let public = public.or_else(|_| PublicKey::from_certificate(&key.public_key));
        // A key of an unknown type is no RSA key.
        if let Ok(Err(why)) = public.map(|public| config.check_size(&public)) {
            let shown = key_type(&key.public_key);
            return self.note(format!("publickey ({shown}): not tried: {why}"));
        }
        if mishandles_rsa_certificates(server) {
            key.algorithms.retain(|name| !is_rsa_sha2_certificate(name));
            if key.algorithms.is_empty() {
                let shown = key_type(&key.public_key);
                return self.note(format!("publickey ({shown}): not tried: {server} can't check it"));
            }
        }
        self.methods.push(Method::Publickey(key));
    }
}

fn key_method(id: usize, public_key: &[u8], algorithms: &[&str], probe: bool) -> KeyMethod {
    let algorithms = algorithms.iter().map(|&name| name.to_owned()).collect();
    KeyMethod { public_key: public_key.to_vec(), algorithms, probe, id }
}

fn is_rsa_sha2_certificate(algorithm: &str) -> bool {
    CertificateAlgorithm::from_name(algorithm)
        .is_some_and(|algorithm| algorithm.signature.starts_with("rsa-sha2-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awaited::{Here, block_on};
    use ssh_crypto::{SignError, Signer};
    use ssh_wire::Encode;
    use std::sync::Arc;

    struct Certified(Vec<u8>, &'static [&'static str]);

    impl Signer for Certified {
        fn public_key(&self) -> &[u8] {
            &self.0
        }

        fn algorithms(&self) -> Vec<&str> {
            self.1.to_vec()
        }

        fn sign(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, SignError> {
            Err(SignError::Invalid)
        }
    }

    fn prepare(server: &str, algorithms: &'static [&'static str]) -> Prepared {
        let mut blob = Vec::new();
        "ssh-rsa-cert-v01@openssh.com".encode(&mut blob);
        let credentials = [Credential::signer(Arc::new(Certified(blob, algorithms)))];
        block_on(Prepared::new::<Here>(&credentials, &Config::new("alice"), server, None))
    }

    #[test]
    fn servers_that_mishandle_rsa_certificates_are_spared_them() {
        let sound = &["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"];
        let servers = [
            ("OpenSSH_7.1", true),
            ("OpenSSH_7.2p2", false),
            ("OpenSSH_7.4", false),
            ("OpenSSH_7.7p1", false),
            ("OpenSSH_7.8", true),
            ("OpenSSH_7.71", true),
            ("OpenSSH_9.2p1", true),
            ("dropbear_2022.83", true),
            ("", true),
        ];
        for (server, tried) in servers {
            let prepared = prepare(server, sound);
            assert_eq!(prepared.methods.len(), usize::from(tried), "{server}");
            assert_eq!(prepared.notes.len(), usize::from(!tried), "{server}");
        }
        let prepared =
            prepare("OpenSSH_7.4", &["rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"]);
        let [Method::Publickey(key)] = &prepared.methods[..] else { panic!() };
        assert_eq!(key.algorithms, ["ssh-rsa-cert-v01@openssh.com"]);
    }
}
