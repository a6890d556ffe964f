//! What hosts negotiate, remembered for as long as the program runs.

use ssh_kex::Negotiated;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// After this time a host is asked anew what it prefers: it may have learnt something better.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Hosts remembered at the most.
const MAX_HOSTS: usize = 65_536;

/// Remembers what hosts negotiate. The first message of the key exchange is then sent to them on a guess, together with
/// the proposal (RFC 4253 §7), which saves a round trip. Hosts for which no guess can be right, because they prefer
/// something else than what is agreed on, are left alone.
///
/// It changes no outcome: a host is offered the same algorithms, and what was agreed on a day ago at the most comes
/// first. It is a handle: clones share what they remember. See [`Config::memory`](crate::Config::memory).
#[derive(Clone, Default)]
pub struct HostMemory {
    hosts: Arc<Mutex<HashMap<(String, u16), Remembered>>>,
}

struct Remembered {
    offer: Offer,
    guess: Guess,
    since: Instant,
}

/// What was offered: a guess holds for the same offer only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) kex: Vec<String>,
    pub(crate) host_key: Vec<String>,
}

/// What host and client agree on, and the host names first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guess {
    pub(crate) kex: String,
    pub(crate) host_key: String,
}

impl HostMemory {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// What can be guessed to be agreed on for this offer.
    pub(crate) fn guess(&self, host: &str, port: u16, offer: &Offer) -> Option<Guess> {
        let hosts = self.hosts();
        let remembered = hosts.get(&(host.to_owned(), port))?;
        let holds = remembered.offer == *offer && remembered.since.elapsed() < KEPT;
        holds.then(|| remembered.guess.clone())
    }

    /// This was agreed on for this offer.
    pub(crate) fn learn(&self, host: &str, port: u16, offer: Offer, negotiated: &Negotiated) {
        let key = (host.to_owned(), port);
        let guess = Guess { kex: negotiated.kex.to_owned(), host_key: negotiated.host_key.to_owned() };
        let mut hosts = self.hosts();
        match hosts.get(&key) {
            _ if !negotiated.peer_first => {
                hosts.remove(&key);
            }
            // A guess that was right once more is as old as it was, or it would be followed for ever.
            Some(known) if known.guess == guess && known.offer == offer && known.since.elapsed() < KEPT => {}
            None if hosts.len() >= MAX_HOSTS => {}
            _ => {
                hosts.insert(key, Remembered { offer, guess, since: Instant::now() });
            }
        }
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<(String, u16), Remembered>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HostMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostMemory({} hosts)", self.hosts().len())
    }
}
