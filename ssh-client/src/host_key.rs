//! Whether the server is who it should be: policies that end in *yes* only by an explicit yes.

mod policy;
mod revoked;

pub(crate) use policy::Policy;
pub use policy::{AsyncHostKeyPolicy, DecideAsync};
pub use revoked::NotRevoked;

use crate::{
    Config, Error, ErrorKind,
    certificate::{Certificate, CertificateError},
    known_hosts::{KnownHosts, Lookup, line_name},
};
use ssh_auth::certificate::Check;
use ssh_crypto::{Hash, PublicKey};
use std::{fmt, time::SystemTime};

/// The key a server has proved to own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HostKey {
    /// The name the session was asked for, or the alias set for it.
    pub host: String,
    /// The port the session was asked for; 22 with an alias, which stands for host and port.
    pub port: u16,
    /// The signature algorithm that was negotiated.
    pub algorithm: String,
    /// The key's blob, without its certificate.
    pub blob: Vec<u8>,
    /// The key.
    pub key: PublicKey,
    /// The certificate that the server showed with it. Servers are asked for certificates only where the policy
    /// [trusts an authority](HostKeyPolicy::trusts_authority), or where their algorithms are named in the configuration.
    pub certificate: Option<HostCertificate>,
}

/// What an authority says about a host's key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HostCertificate {
    /// The certificate. Whether its authority is to be trusted is for the policy to decide.
    pub certificate: Certificate,
    /// Whether it holds: it is the authority's, for a host, for this one by its name, and at this time.
    pub verdict: Result<(), CertificateError>,
}

impl HostKey {
    /// What the server showed: a key's blob or a certificate's.
    pub(crate) fn new(
        host: &str,
        port: u16,
        algorithm: String,
        shown: &[u8],
        config: &Config,
    ) -> Result<Self, Error> {
        let unusable = |error: &dyn fmt::Display| {
            Error::new(ErrorKind::HostKey, format!("host key of {host} is unusable: {error}"))
        };
        let (key, certificate) = match PublicKey::from_blob(shown) {
            Ok(key) => (key, None),
            Err(error) if PublicKey::from_certificate(shown).is_err() => return Err(unusable(&error)),
            Err(_) => {
                let certificate = Certificate::parse(shown).map_err(|error| unusable(&error))?;
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                // Names of hosts are in lower case there (PROTOCOL.certkeys), and nothing else is compared.
                let name = host.to_ascii_lowercase();
                let algorithms: Vec<_> = config.ca_algorithms.iter().map(String::as_str).collect();
                let mut check = Check::host(&name, now.as_secs());
                check.algorithms = &algorithms;
                let verdict = certificate.check(&config.provider, &check);
                (certificate.key().clone(), Some(HostCertificate { certificate, verdict }))
            }
        };
        config.check_size(&key).map_err(|error| unusable(&error))?;
        Ok(Self { host: host.to_owned(), port, algorithm, blob: key.to_blob(), key, certificate })
    }

    /// `SHA256:…`, as OpenSSH shows it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(Hash::Sha256).to_string()
    }
}

/// Decides whether a host key is the right one.
///
/// Whatever a policy answers but `Ok(())` ends the session before anything secret was sent. It runs on the thread that
/// connects, so it may ask a person; for tasks it runs on a thread for what blocks, and an [`AsyncHostKeyPolicy`] does
/// without.
pub trait HostKeyPolicy: Send + Sync {
    /// Accepts `key`, or says why not.
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused>;

    /// The types of the keys already known for this host: algorithms for them are put first in the negotiation, so
    /// that the server shows a key that can be checked.
    fn known_types(&self, _host: &str, _port: u16) -> Vec<String> {
        Vec::new()
    }

    /// Whether the policy knows an authority whose certificates it accepts for this host: the server is then asked for
    /// one first, of those whose algorithms are named in the configuration, or of any where it names none.
    fn trusts_authority(&self, _host: &str, _port: u16) -> bool {
        false
    }
}

/// Why a host key was not accepted, for the person who reads the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostKeyRefused(pub String);

impl From<HostKeyRefused> for Error {
    fn from(refused: HostKeyRefused) -> Self {
        Self::new(ErrorKind::HostKey, refused.0)
    }
}

/// Accepts one key only: the expected one.
#[derive(Debug, Clone)]
pub struct Expect(pub PublicKey);

impl HostKeyPolicy for Expect {
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        if key.blob == self.0.to_blob() {
            return Ok(());
        }
        let expected = self.0.fingerprint(Hash::Sha256);
        Err(HostKeyRefused(format!(
            "host key of {} is {} {}, expected {} {expected}",
            key.host,
            key.key.key_type(),
            key.fingerprint(),
            self.0.key_type(),
        )))
    }

    fn known_types(&self, _host: &str, _port: u16) -> Vec<String> {
        vec![self.0.key_type().to_owned()]
    }
}

/// Accepts what `known_hosts` files hold for the host, and nothing else: its keys, and certificates of the authorities
/// that are trusted for it (`@cert-authority`). A certificate of another authority is passed over, and its key is looked
/// up like any other.
#[derive(Debug, Clone)]
pub struct Known(pub KnownHosts);

impl Known {
    /// Whether the key is accepted by a certificate that stands with it. It is not where there is none, or one of an
    /// authority that is not trusted for the host: then the key itself is to be looked up.
    ///
    /// # Errors
    /// The certificate is refused, and the key with it: something in it is revoked, or it is of a trusted authority and does not
    /// hold.
    pub fn check_certificate(&self, key: &HostKey) -> Result<bool, HostKeyRefused> {
        let Some(HostCertificate { certificate, verdict }) = &key.certificate else { return Ok(false) };
        let (host, port) = (&key.host, key.port);
        let authority = certificate.authority().to_blob();
        for (what, blob) in
            [("authority", &authority[..]), ("key", &key.blob), ("certificate", certificate.blob())]
        {
            if let Some(entry) = self.0.revoked(host, port, blob) {
                let place = entry.place();
                return Err(HostKeyRefused(format!(
                    "{what} of the certificate of {host} is revoked by {place}"
                )));
            }
        }
        if !self.0.authorities(host, port).iter().any(|entry| entry.key() == authority) {
            return Ok(false);
        }
        match verdict {
            Ok(()) => Ok(true),
            Err(error) => {
                let id = certificate.key_id().escape_ascii();
                Err(HostKeyRefused(format!("certificate \"{id}\" of {host} does not hold: {error}")))
            }
        }
    }
}

impl HostKeyPolicy for Known {
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        if self.check_certificate(key)? {
            return Ok(());
        }
        let (name, shown) = (key.key.key_type(), key.fingerprint());
        let host = line_name(&key.host, key.port);
        Err(HostKeyRefused(match self.0.lookup(&key.host, key.port, &key.blob) {
            Lookup::Match(_) => return Ok(()),
            Lookup::Revoked(entry) => {
                format!("host key {name} {shown} of {host} is revoked by {}", entry.place())
            }
            Lookup::Unknown => {
                format!(
                    "no key is known for {host}, which shows {name} {shown}: known_hosts::append adds one"
                )
            }
            Lookup::Mismatch { known } => {
                let mut text = format!("host key of {host} is {name} {shown}, but known are:");
                for entry in known {
                    let known =
                        format!("\n  {} {} ({})", entry.key_type(), entry.fingerprint(), entry.place());
                    text.push_str(&known);
                }
                text
            }
        }))
    }

    fn known_types(&self, host: &str, port: u16) -> Vec<String> {
        self.0.key_types(host, port)
    }

    fn trusts_authority(&self, host: &str, port: u16) -> bool {
        !self.0.authorities(host, port).is_empty()
    }
}

/// Refuses every key and says how to set a policy: what a configuration starts with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refuse;

impl HostKeyPolicy for Refuse {
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        Err(HostKeyRefused(format!(
            "host key of {} is {} {}, and nothing was configured to check it: set Config::host_key",
            key.host,
            key.key.key_type(),
            key.fingerprint(),
        )))
    }
}

/// Accepts every key: whoever sits between you and the server can read and change all. For tests and for networks
/// that are the only wire between two machines.
#[derive(Debug, Clone, Copy, Default)]
pub struct InsecureAcceptAny;

impl HostKeyPolicy for InsecureAcceptAny {
    fn check(&self, _key: &HostKey) -> Result<(), HostKeyRefused> {
        Ok(())
    }
}

/// The caller's own decision as a function.
pub struct Decide<F>(pub F);

impl<F> HostKeyPolicy for Decide<F>
where
    F: Fn(&HostKey) -> Result<(), HostKeyRefused> + Send + Sync,
{
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        (self.0)(key)
    }
}

impl<F> fmt::Debug for Decide<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decide")
    }
}
