//! Tasks that wait: for them what condition variables are for threads.

use std::{
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

/// One that waits: a future, or one direction of a channel's handle. It waits for one thing at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Ticket {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Those who wait, each with its waker, and for what. There are never more than futures and handles alive.
#[derive(Debug)]
pub(crate) struct Tasks<K>(Vec<(Ticket, K, Waker)>);

/// Wakers that are called when nothing is locked any more: what a waker does is not ours to know.
#[derive(Debug, Default)]
pub(crate) struct Due(Mutex<Vec<Waker>>);

impl<K: Copy> Tasks<K> {
    /// From here on `waker` is called when `what` happens, once. Answers with the waker it replaces, to be dropped when
    /// nothing is locked.
    #[must_use]
    pub(crate) fn register(&mut self, ticket: Ticket, what: K, waker: &Waker) -> Option<Waker> {
        let Some((_, waits_for, registered)) = self.0.iter_mut().find(|(other, ..)| *other == ticket) else {
            self.0.push((ticket, what, waker.clone()));
            return None;
        };
        *waits_for = what;
        (!registered.will_wake(waker)).then(|| mem::replace(registered, waker.clone()))
    }

    /// It waits no longer. Answers with its waker, to be dropped when nothing is locked.
    #[must_use]
    pub(crate) fn forget(&mut self, ticket: Ticket) -> Option<Waker> {
        let at = self.0.iter().position(|(other, ..)| *other == ticket)?;
        Some(self.0.swap_remove(at).2)
    }

    /// What some wait for has happened.
    pub(crate) fn call(&mut self, is_meant: impl Fn(K) -> bool, due: &Due) {
        if !self.0.is_empty() {
            let meant = self.0.extract_if(.., |(_, what, _)| is_meant(*what)).map(|(.., waker)| waker);
            due.lock().extend(meant);
        }
    }
}

impl<K> Default for Tasks<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Due {
    /// Wakes all. To be called with nothing locked.
    pub(crate) fn wake(&self) {
        let mut due = {
            let mut due = self.lock();
            if due.is_empty() {
                return;
            }
            mem::take(&mut *due)
        };
        due.drain(..).for_each(Waker::wake);
        // Its memory is for those who are due next, unless they came meanwhile.
        let mut next = self.lock();
        if next.capacity() == 0 {
            *next = due;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{Arc, atomic::AtomicUsize},
        task::Wake,
    };

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_waits_once_and_is_woken_once() {
        let (count, other) = (Arc::<Count>::default(), Arc::<Count>::default());
        let (waker, other_waker) = (Waker::from(count.clone()), Waker::from(other.clone()));
        let (mut tasks, due) = (Tasks::default(), Due::default());
        let (one, two) = (Ticket::new(), Ticket::new());
        for what in [1, 2, 1] {
            assert!(tasks.register(one, what, &waker).is_none(), "the same waker is kept");
        }
        assert!(tasks.register(two, 1, &other_waker).is_none());
        assert_eq!(tasks.0.len(), 2);
        tasks.call(|what| what == 2, &due);
        due.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 0, "it waits for something else by now");
        tasks.call(|what| what == 1, &due);
        assert_eq!(count.0.load(Ordering::Relaxed), 0, "not under the lock");
        due.wake();
        due.wake();
        tasks.call(|_| true, &due);
        due.wake();
        assert_eq!((count.0.load(Ordering::Relaxed), other.0.load(Ordering::Relaxed)), (1, 1));
    }

    #[test]
    fn another_waker_takes_the_place_and_a_forgotten_one_is_let_go() {
        let (count, other) = (Arc::<Count>::default(), Arc::<Count>::default());
        let (mut tasks, due) = (Tasks::default(), Due::default());
        let ticket = Ticket::new();
        assert!(tasks.register(ticket, (), &Waker::from(count.clone())).is_none());
        assert!(tasks.register(ticket, (), &Waker::from(other.clone())).is_some());
        assert_eq!(Arc::strong_count(&count), 1);
        assert!(tasks.forget(ticket).is_some());
        assert!(tasks.forget(ticket).is_none());
        assert_eq!(Arc::strong_count(&other), 1);
        tasks.call(|()| true, &due);
        due.wake();
        assert_eq!(other.0.load(Ordering::Relaxed), 0);
    }
}
