//! What is due by the clock: the engines' deadlines, and signs of life asked for when the server is silent.

use crate::{Error, Phase, core::Core};
use std::time::Instant;

impl Core {
    /// Runs the timers that are due and answers when the next one is.
    pub(crate) fn run_timers(&mut self) -> Result<Option<Instant>, Error> {
        let now = Instant::now();
        if let Some(failed) = &self.write_failure {
            // The engines' deadlines are for what can't be said any more.
            if failed.until.is_some_and(|until| until <= now) {
                return Err(failed.error.clone());
            }
            self.wakes_at = failed.until;
            return Ok(self.wakes_at);
        }
        if self.engine.poll_timeout().is_some_and(|due| due <= now) {
            self.engine.handle_timeout(now)?;
            self.dispatch()?;
        }
        if let (Some(keepalive), true) = (self.keepalive, self.engine.is_authenticated())
            && self.keepalive_due().is_some_and(|due| due <= now)
        {
            if self.keepalives >= keepalive.count {
                let silent = now.saturating_duration_since(self.last_heard);
                return Err(Error::timeout(Phase::Keepalive, silent));
            }
            self.keepalives += 1;
            self.asked_at = Some(now);
            // A queue with no room for the question holds others that the server has to answer.
            if self.engine.mux.global_request(b"keepalive@openssh.com", true, &[]).is_ok() {
                self.global_waiters.push_back(None);
            }
        }
        self.engine.flush();
        self.wakes_at = self.deadline();
        Ok(self.wakes_at)
    }

    /// Whether a timer is due before anybody would look.
    pub(crate) fn timer_moved(&self) -> bool {
        match (self.deadline(), self.wakes_at) {
            (Some(due), Some(wakes_at)) => due < wakes_at,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if let Some(failed) = &self.write_failure {
            return failed.until;
        }
        [self.engine.poll_timeout(), self.keepalive_due()].into_iter().flatten().min()
    }

    fn keepalive_due(&self) -> Option<Instant> {
        let keepalive = self.keepalive.filter(|_| self.engine.is_authenticated())?;
        // From the last question on, however late it was asked: a process that was stopped has given no time to answer.
        self.asked_at.unwrap_or(self.last_heard).checked_add(keepalive.interval)
    }
}
