//! Lists of revoked keys before another policy.

use super::{HostKey, HostKeyPolicy, HostKeyRefused};
use crate::known_hosts;
use ssh_auth::revoked::RevokedKeys;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Refuses the keys and certificates that lists revoke, as OpenSSH's `RevokedHostKeys` names them, and leaves what they do not
/// to another policy.
#[derive(Debug, Clone)]
pub struct NotRevoked<P> {
    lists: Vec<(PathBuf, RevokedKeys)>,
    policy: P,
}

impl<P> NotRevoked<P> {
    /// Reads the lists: public keys, one a line, or key revocation lists ([`ssh_auth::revoked`]).
    ///
    /// # Errors
    /// A list is missing, is damaged or has more than 64 MiB: it might revoke anything.
    pub fn load<L: AsRef<Path>>(lists: impl IntoIterator<Item = L>, policy: P) -> io::Result<Self> {
        let read = |list: L| Ok((list.as_ref().to_owned(), read(list.as_ref())?));
        Ok(Self { lists: lists.into_iter().map(read).collect::<io::Result<_>>()?, policy })
    }
}

impl<P: HostKeyPolicy> HostKeyPolicy for NotRevoked<P> {
    fn check(&self, key: &HostKey) -> Result<(), HostKeyRefused> {
        for (path, list) in &self.lists {
            let certificate = key.certificate.as_ref().map(|shown| &shown.certificate);
            if let Some(by) = list.key(&key.key).or_else(|| list.certificate(certificate?)) {
                let (name, shown) = (key.key.key_type(), key.fingerprint());
                let (host, path) = (&key.host, path.display());
                return Err(HostKeyRefused(format!(
                    "host key {name} {shown} of {host}: {by} is revoked by {path}"
                )));
            }
        }
        self.policy.check(key)
    }

    fn known_types(&self, host: &str, port: u16) -> Vec<String> {
        self.policy.known_types(host, port)
    }

    fn trusts_authority(&self, host: &str, port: u16) -> bool {
        self.policy.trusts_authority(host, port)
    }
}

fn read(path: &Path) -> io::Result<RevokedKeys> {
    RevokedKeys::parse(&known_hosts::read(path)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display())))
}
