//! The thread that minds the clock once the writing thread may be waiting for the socket.

use super::driver::{EndOnPanic, Shared};
use crate::core::Writing;

impl Shared {
    pub(crate) fn mind_clock(&self) {
        let _end = EndOnPanic(self);
        let mut core = self.lock();
        while !core.is_finished() {
            match core.run_timers() {
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
}
