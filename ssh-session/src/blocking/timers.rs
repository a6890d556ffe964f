//! What is due by the clock: the engines' deadlines, and signs of life asked for when the server is silent.

use super::driver::{Core, EndOnPanic, Shared, Writing};
use crate::{Error, Phase};
use std::time::Instant;

impl Shared {
    /// The thread that minds the clock once the writing thread may be waiting for the socket.
    pub(super) fn mind_clock(&self) {
        let _end = EndOnPanic(self);
        let mut core = self.lock();
        while !core.is_finished() {
            match self.run_timers(&mut core) {
                Ok(_) if core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() => {
                    self.send(core);
                    core = self.lock();
                }
                Ok(due) => core = self.wait_clock(core, due),
                Err(error) => {
                    self.fail(core, error);
                    return self.close();
                }
            }
        }
    }

    /// Runs the timers that are due and answers when the next one is.
    pub(super) fn run_timers(&self, core: &mut Core) -> Result<Option<Instant>, Error> {
        let now = Instant::now();
        if core.engine.poll_timeout().is_some_and(|due| due <= now) {
            core.engine.handle_timeout(now)?;
            core.dispatch(self)?;
        }
        if let (Some(keepalive), true) = (core.keepalive, core.engine.is_authenticated())
            && core.keepalive_due().is_some_and(|due| due <= now)
        {
            if core.keepalives >= keepalive.count {
                let silent = now.saturating_duration_since(core.last_heard);
                return Err(Error::timeout(Phase::Keepalive, silent));
            }
            core.keepalives += 1;
            // A queue with no room for the question holds others that the server has to answer.
            if core.engine.mux.global_request(b"keepalive@openssh.com", true, &[]).is_ok() {
                core.global_waiters.push_back(None);
            }
        }
        core.engine.flush();
        core.wakes_at = core.deadline();
        Ok(core.wakes_at)
    }
}

impl Core {
    /// Whether a timer is due before anybody would look.
    pub(super) fn timer_moved(&self) -> bool {
        match (self.deadline(), self.wakes_at) {
            (Some(due), Some(wakes_at)) => due < wakes_at,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [self.engine.poll_timeout(), self.keepalive_due()].into_iter().flatten().min()
    }

    fn keepalive_due(&self) -> Option<Instant> {
        let keepalive = self.keepalive.filter(|_| self.engine.is_authenticated())?;
        self.last_heard.checked_add(keepalive.interval.checked_mul(self.keepalives + 1)?)
    }
}
