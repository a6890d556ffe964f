//! How many sessions there are, and how many of them nobody has authenticated yet.

use crate::Limits;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Default)]
pub(crate) struct Counts(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    sessions: usize,
    startups: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// The place of one session; dropping it frees it.
pub(crate) struct Place {
    counts: Arc<Counts>,
    source: IpAddr,
    /// Whether it counts as a start-up still.
    starting: bool,
}

impl Counts {
    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more session from `source`, if the limits have one.
    pub(crate) fn enter(self: &Arc<Self>, source: IpAddr, limits: &Limits) -> Option<Place> {
        let source = network(source);
        let mut numbers = self.lock();
        let here = numbers.by_source.get(&source).copied().unwrap_or_default();
        if numbers.sessions >= limits.sessions
            || numbers.startups >= limits.startups
            || here >= limits.startups_per_source
        {
            return None;
        }
        numbers.sessions += 1;
        numbers.startups += 1;
        numbers.by_source.insert(source, here + 1);
        Some(Place { counts: self.clone(), source, starting: true })
    }
}

/// What one client has to itself: an address of IPv4, and of IPv6 all that share the first 64 bits (RFC 6177).
fn network(source: IpAddr) -> IpAddr {
    const NETWORK: u128 = !(u64::MAX as u128);
    match source.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address => address,
    }
}

impl Place {
    /// The user is authenticated.
    pub(crate) fn started(&mut self) {
        if !std::mem::take(&mut self.starting) {
            return;
        }
        let mut numbers = self.counts.lock();
        numbers.startups -= 1;
        if let Some(here) = numbers.by_source.get_mut(&self.source) {
            *here -= 1;
            if *here == 0 {
                numbers.by_source.remove(&self.source);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.started();
        self.counts.lock().sessions -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_one_share_however_many_addresses() {
        let (counts, mut limits) = (Arc::<Counts>::default(), Limits::default());
        limits.startups_per_source = 1;
        let enter = |source: &str| counts.enter(source.parse().unwrap(), &limits);
        let here = enter("2001:db8::1");
        assert!(here.is_some() && enter("2001:db8::ffff:1").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
        let mapped = enter("::ffff:192.0.2.1");
        assert!(mapped.is_some() && enter("192.0.2.1").is_none() && enter("192.0.2.2").is_some());
        drop(here);
        assert!(enter("2001:db8::2").is_some());
    }
}
