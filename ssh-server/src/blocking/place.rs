//! Places, of which there are so many.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many places.
pub(super) struct Places(AtomicUsize);

/// One of them, until it is dropped.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    /// One of them, if any is left.
    pub(super) fn take(&self) -> Option<Place<'_>> {
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        // Made only then: one that is dropped gives a place back.
        taken.is_ok().then(|| Place(&self.0))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
