//! This end of a channel, as every driver knows it.

use crate::{Error, core::Core, inbox::Inbox};
use ssh_connection::{ChannelId, Written};
use ssh_wire::Encode;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

/// Bytes read until credit is given back, unless the window is small.
const CREDIT_STEP: usize = 256 * 1024;

/// This end of a channel: what has arrived, and how much of the rest was used.
pub(crate) struct Endpoint {
    pub(crate) id: ChannelId,
    pub(crate) inbox: Arc<Inbox>,
    /// Bytes read for which credit was not given back yet.
    unreturned: AtomicUsize,
    /// See [`CREDIT_STEP`].
    credit_step: AtomicUsize,
    /// Requests sent that want a reply.
    requests: AtomicU64,
}

impl Endpoint {
    pub(crate) fn new(id: ChannelId, inbox: Arc<Inbox>) -> Self {
        Self {
            id,
            inbox,
            unreturned: AtomicUsize::new(0),
            // The window is looked at when credit is given back for the first time.
            credit_step: AtomicUsize::new(1),
            requests: AtomicU64::new(0),
        }
    }

    /// Queues a request and answers its number among those that want a reply.
    pub(crate) fn request(
        &self,
        core: &mut Core,
        name: &str,
        want_reply: bool,
        data: &impl Encode,
    ) -> Result<u64, Error> {
        let mut encoded = Vec::new();
        data.encode(&mut encoded);
        core.check()?;
        self.check_open()?;
        core.engine.mux.request(self.id, name.as_bytes(), want_reply, &encoded)?;
        // Counted under the lock, so that numbers follow the order on the wire.
        Ok(match want_reply {
            true => self.requests.fetch_add(1, Ordering::Relaxed),
            false => 0,
        })
    }

    /// Hands as much of `data` as there is room for to the session; with a code, as extended data.
    pub(crate) fn write(&self, core: &mut Core, code: Option<u32>, data: &[u8]) -> Result<Written, Error> {
        core.check()?;
        self.check_open()?;
        let engine = &mut core.engine;
        Ok(match code {
            None => engine.mux.write(self.id, data, &mut engine.transport)?,
            Some(code) => engine.mux.write_extended(self.id, code, data, &mut engine.transport)?,
        })
    }

    /// Counts what was read, and answers with what credit should be given for: in steps that are worth a lock.
    pub(crate) fn credit_due(&self, n: usize) -> Option<usize> {
        let total = self.unreturned.fetch_add(n, Ordering::Relaxed) + n;
        (total >= self.credit_step.load(Ordering::Relaxed))
            .then(|| self.unreturned.swap(0, Ordering::Relaxed))
    }

    /// Gives the peer credit for what was read.
    pub(crate) fn give_credit(&self, core: &mut Core, bytes: usize) {
        core.engine.mux.consumed(self.id, bytes, Instant::now());
        let step = (core.engine.mux.window(self.id) / 8).clamp(1, CREDIT_STEP);
        self.credit_step.store(step, Ordering::Relaxed);
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.inbox.is_closed() { Err(Error::closed("channel")) } else { Ok(()) }
    }

    /// Closes the channel in both directions.
    pub(crate) fn close(&self, core: &mut Core) {
        core.engine.mux.close(self.id);
        // The other side may never answer, so nobody goes on waiting for it.
        self.inbox.set_left();
        core.notify_room();
    }

    /// The last handle is gone.
    pub(crate) fn end(&self, core: &mut Core) {
        core.channels.remove(&self.id);
        self.close(core);
    }
}
