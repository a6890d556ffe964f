//! How tasks wait for what comes with a session or with a channel's inbox.

use super::shared::Shared;
use crate::{
    Error, Phase,
    core::{Core, Occasion},
    inbox::{Inbox, Interest, State},
    tasks::Ticket,
};
use std::{
    future::{Future, poll_fn},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// A future whose time is limited.
pub(super) async fn within<T>(
    timeout: Option<Duration>,
    phase: Phase,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout {
        None => future.await,
        Some(timeout) => tokio::time::timeout(timeout, future)
            .await
            .unwrap_or_else(|_| Err(Error::timeout(phase, timeout))),
    }
}

impl Inbox {
    /// Whether `ready` has an answer; if not, the task is woken when it should ask again.
    pub(super) fn poll<T>(
        &self,
        ticket: Ticket,
        interest: Interest,
        waker: &Waker,
        ready: impl FnOnce(&mut State) -> Option<T>,
    ) -> Poll<Result<T, Error>> {
        let mut state = self.lock();
        let answer = match (ready(&mut state), &state.failure) {
            (Some(answer), _) => Ok(answer),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => {
                let replaced = state.tasks.register(ticket, interest, waker);
                drop(state);
                drop(replaced);
                return Poll::Pending;
            }
        };
        let registered = state.tasks.forget(ticket);
        drop(state);
        drop(registered);
        Poll::Ready(answer)
    }

    /// It waits no longer.
    pub(super) fn forget(&self, ticket: Ticket) {
        let registered = self.lock().tasks.forget(ticket);
        drop(registered);
    }

    /// Waits until `ready` has an answer. Dropping the future takes nothing.
    pub(super) async fn wait_for<T>(
        &self,
        interest: Interest,
        timeout: Option<Duration>,
        phase: Phase,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Error> {
        let place = InInbox { inbox: self, ticket: Ticket::new() };
        within(timeout, phase, poll_fn(|cx| self.poll(place.ticket, interest, cx.waker(), &mut ready))).await
    }
}

/// Ends the wait of a future that is gone.
struct InInbox<'a> {
    inbox: &'a Inbox,
    ticket: Ticket,
}

impl Drop for InInbox<'_> {
    fn drop(&mut self) {
        self.inbox.forget(self.ticket);
    }
}

impl Shared {
    /// Whether `ready` has an answer; if not, the task is woken when it should ask again.
    fn poll<T>(
        &self,
        ticket: Ticket,
        cx: &mut Context<'_>,
        ready: impl FnOnce(&mut Core) -> Option<T>,
    ) -> Poll<Result<T, Error>> {
        let mut core = self.lock();
        let answer = match (ready(&mut core), &core.failure) {
            (Some(answer), _) => Ok(answer),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => {
                let replaced = core.tasks.register(ticket, Occasion::Changed, cx.waker());
                drop(core);
                drop(replaced);
                return Poll::Pending;
            }
        };
        drop(core);
        Poll::Ready(answer)
    }

    /// It waits no longer.
    pub(super) fn forget(&self, ticket: Ticket) {
        let registered = self.lock().tasks.forget(ticket);
        drop(registered);
    }

    /// Waits until `ready` has an answer or the session fails. Dropping the future takes nothing.
    pub(super) async fn wait_for<T>(
        &self,
        timeout: Option<Duration>,
        phase: Phase,
        mut ready: impl FnMut(&mut Core) -> Option<T>,
    ) -> Result<T, Error> {
        let place = InShared { shared: self, ticket: Ticket::new() };
        within(timeout, phase, poll_fn(|cx| self.poll(place.ticket, cx, &mut ready))).await
    }
}

impl Shared {
    /// Waits until the driver is through.
    pub(super) async fn wait_finished(&self) {
        let place = InShared { shared: self, ticket: Ticket::new() };
        poll_fn(|cx| {
            let mut core = self.lock();
            if core.is_finished() {
                return Poll::Ready(());
            }
            let replaced = core.tasks.register(place.ticket, Occasion::Changed, cx.waker());
            drop(core);
            drop(replaced);
            Poll::Pending
        })
        .await;
    }
}

/// Ends the wait of a future that is gone.
struct InShared<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl Drop for InShared<'_> {
    fn drop(&mut self) {
        self.shared.forget(self.ticket);
    }
}
