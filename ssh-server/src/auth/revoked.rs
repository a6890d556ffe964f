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
