//! What a session's driver and its handles share.

use crate::{
    Error,
    core::{Core, Signals},
    pace::Written,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// What a session's driver and its handles share. Locks are taken in the order core, inbox, and nothing is woken while
/// one is held.
pub(super) struct Shared {
    core: Mutex<Core>,
    signals: Arc<Signals>,
    /// Wakes the driver; taken by who has done so, until the driver has run.
    driver: Mutex<Option<Waker>>,
    pub(super) written: Written,
}

impl Shared {
    pub(super) fn new(core: Core, signals: Arc<Signals>) -> Self {
        Self { core: Mutex::new(core), signals, driver: Mutex::default(), written: Written::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The driver is about to look what there is to do.
    pub(super) fn driver_runs(&self, waker: &Waker) {
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        if !driver.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            let replaced = driver.replace(waker.clone());
            drop(driver);
            drop(replaced);
        }
    }

    /// Unlocks, and wakes those whose time has come.
    pub(super) fn release(&self, mut core: MutexGuard<'_, Core>) {
        core.wake_readers();
        drop(core);
        self.wake_tasks();
    }

    pub(super) fn wake_tasks(&self) {
        self.signals.bell.due.wake();
    }

    /// Puts what is owed into the output, unlocks, and wakes the driver if there is something for it to do.
    pub(super) fn send(&self, mut core: MutexGuard<'_, Core>) {
        core.engine.flush();
        let is_needed = !core.engine.transport.output().is_empty()
            || core.timer_moved()
            || core.engine.has_open()
            || core.failure.is_some();
        self.release(core);
        if is_needed {
            let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
            driver.into_iter().for_each(Waker::wake);
        }
    }

    /// Ends the session for everybody with the same error, of which only the first counts.
    pub(super) fn fail(&self, mut core: MutexGuard<'_, Core>, error: Error) {
        core.fail(error);
        self.send(core);
    }
}
