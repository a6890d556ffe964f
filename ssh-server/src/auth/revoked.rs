//! Keys that must not be accepted any more.

use super::{Authenticator, Client, Credential, Method, Verdict, file};
use ssh_auth::revoked::{RevokedBy, RevokedKeys};
use ssh_crypto::Hash;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most that a list may have, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Asks another authenticator, and refuses keys and certificates of its choice that these lists revoke.
pub(crate) struct Revoking {
    pub(crate) inner: Arc<dyn Authenticator>,
    pub(crate) lists: Vec<PathBuf>,
}

impl Authenticator for Revoking {
    fn methods(&self) -> Vec<Method> {
        self.inner.methods()
    }

    fn check(&self, client: &Client<'_>, credential: &Credential<'_>) -> Verdict {
        let verdict = self.inner.check(client, credential);
        // The lists may be long: they are read for those alone who would get further.
        let gets_further = matches!(verdict, Verdict::Accept(_) | Verdict::Partial(..));
        match gets_further && self.lists.iter().any(|list| is_refused(list, client, credential)) {
            true => Verdict::Reject,
            false => verdict,
        }
    }
}

/// Whether the list revokes the credential's key, or can't tell.
fn is_refused(list: &Path, client: &Client<'_>, credential: &Credential<'_>) -> bool {
    let (key, certificate) = match credential {
        Credential::Key(key) => (*key, None),
        Credential::Certificate(certificate) => (certificate.key(), Some(*certificate)),
        Credential::Host { key, certificate, .. } => (*key, *certificate),
        _ => return false,
    };
    let check = |revoked: RevokedKeys| -> Option<RevokedBy> {
        revoked.key(key).or_else(|| revoked.certificate(certificate?))
    };
    let fingerprint = key.fingerprint(Hash::Sha256);
    match read(list).map(check) {
        Ok(None) => false,
        Ok(Some(by)) => {
            let (user, list) = (client.user, list.display());
            log::warn!("key {fingerprint} for {user:?} is refused: {by} is revoked by {list}");
            true
        }
        Err(error) => {
            log::error!("{}: {error}; key {fingerprint} is refused, as all are", list.display());
            true
        }
    }
}

fn read(list: &Path) -> io::Result<RevokedKeys> {
    let bytes = file::read(list, MAX_FILE)?;
    RevokedKeys::parse(&bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Permissions;
    use ssh_crypto::{PublicKey, Secret};
    use std::os::unix::fs::PermissionsExt;

    /// Whoever comes is in, or needs one thing more.
    struct Everybody(Verdict);

    impl Authenticator for Everybody {
        fn methods(&self) -> Vec<Method> {
            vec![Method::HostBased]
        }

        fn check(&self, _: &Client<'_>, _: &Credential<'_>) -> Verdict {
            self.0.clone()
        }
    }

    #[test]
    fn whoever_shows_a_revoked_key_gets_no_further() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let list = dir.path().join("list");
        let (good, bad) = (PublicKey::Ed25519([1; 32]), PublicKey::Ed25519([2; 32]));
        std::fs::write(&list, bad.to_line("")).unwrap();
        std::fs::set_permissions(&list, PermissionsExt::from_mode(0o600)).unwrap();
        let provider = ssh_kex::default_provider();
        let client = Client { user: "alice", address: None, passed: &[], provider: &provider };
        let partly = Verdict::Partial(Permissions::all(), vec![Method::Password]);
        for said in [Verdict::accept(), partly, Verdict::Reject] {
            let revoking = Revoking { inner: Arc::new(Everybody(said.clone())), lists: vec![list.clone()] };
            let host = |key| Credential::Host { key, certificate: None, host: "host", local_user: "alice" };
            for credential in [Credential::Key(&bad), host(&bad)] {
                assert_eq!(revoking.check(&client, &credential), Verdict::Reject, "{credential:?}");
            }
            let password = Secret::from("secret");
            for credential in [Credential::Key(&good), host(&good), Credential::Password(&password)] {
                assert_eq!(revoking.check(&client, &credential), said, "{credential:?}");
            }
        }
    }
}
