//! Policies that are awaited.

use super::{HostKey, HostKeyPolicy, HostKeyRefused};
use crate::{
    Error,
    awaited::{Awaited, Run},
};
use std::{fmt, sync::Arc};

/// Decides whether a host key is the right one, and is awaited: for tasks that ask a person or a service.
///
/// Whatever it answers but `Ok(())` ends the session before anything secret was sent.
pub trait AsyncHostKeyPolicy: Send + Sync {
    /// Accepts `key`, or says why not.
    fn check<'a>(&'a self, key: &'a HostKey) -> Awaited<'a, Result<(), HostKeyRefused>>;

    /// As [`HostKeyPolicy::known_types`]; it must not block.
    fn known_types(&self, _host: &str, _port: u16) -> Vec<String> {
        Vec::new()
    }

    /// As [`HostKeyPolicy::trusts_authority`]; it must not block.
    fn trusts_authority(&self, _host: &str, _port: u16) -> bool {
        false
    }
}

/// The caller's own decision as an asynchronous function.
///
/// ```
/// use ssh_client::{Config, host_key::{DecideAsync, HostKey, HostKeyRefused}};
/// # async fn ask_the_user(_: &str) -> bool { true }
///
/// let config = Config::new("alice").host_key_async(DecideAsync(|key: HostKey| async move {
///     match ask_the_user(&key.fingerprint()).await {
///         true => Ok(()),
///         false => Err(HostKeyRefused("the user does not know it".to_owned())),
///     }
/// }));
/// ```
pub struct DecideAsync<F>(pub F);

impl<F, A> AsyncHostKeyPolicy for DecideAsync<F>
where
    F: Fn(HostKey) -> A + Send + Sync,
    A: Future<Output = Result<(), HostKeyRefused>> + Send + 'static,
{
    fn check<'a>(&'a self, key: &'a HostKey) -> Awaited<'a, Result<(), HostKeyRefused>> {
        Box::pin((self.0)(key.clone()))
    }
}

impl<F> fmt::Debug for DecideAsync<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecideAsync")
    }
}

/// The policy of a configuration.
#[derive(Clone)]
pub(crate) enum Policy {
    Blocking(Arc<dyn HostKeyPolicy>),
    Async(Arc<dyn AsyncHostKeyPolicy>),
}

impl Policy {
    /// Asks it. The outer error is of the place where it should have run.
    pub(crate) async fn check<R: Run>(&self, key: &HostKey) -> Result<Result<(), HostKeyRefused>, Error> {
        match self {
            Self::Blocking(policy) => {
                let (policy, key) = (policy.clone(), key.clone());
                R::unblock(move || policy.check(&key)).await
            }
            Self::Async(policy) => Ok(policy.check(key).await),
        }
    }

    pub(crate) fn known_types(&self, host: &str, port: u16) -> Vec<String> {
        match self {
            Self::Blocking(policy) => policy.known_types(host, port),
            Self::Async(policy) => policy.known_types(host, port),
        }
    }

    pub(crate) fn trusts_authority(&self, host: &str, port: u16) -> bool {
        match self {
            Self::Blocking(policy) => policy.trusts_authority(host, port),
            Self::Async(policy) => policy.trusts_authority(host, port),
        }
    }
}
