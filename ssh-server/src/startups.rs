//! How many sessions there are, and how many of them nobody has authenticated yet.

use crate::Limits;
use std::{
    collections::HashMap,
    net::IpAddr,
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
        let source = source.to_canonical();
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
