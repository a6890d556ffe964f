//! From the engine's output to the socket.

use super::{
    driver::{EndOnPanic, Shared},
    stream::Direct,
};
#[cfg(unix)]
use crate::bell::Woken;
use crate::{
    Error,
    core::{Core, Writing},
};
#[cfg(unix)]
use rustix::event::PollFlags;
use std::{
    cell::Cell,
    io::{self, Write},
    sync::{MutexGuard, PoisonError},
    thread,
    time::Instant,
};

/// How often a thread looks for more output after it has sent what it came with.
const MAX_ROUNDS: u32 = 4;

/// The stream's writing half, owned by one thread at a time (see [`Writing`]).
pub(super) struct Writer {
    writer: Box<dyn Write + Send>,
    direct: Option<Direct>,
    /// What the socket did not take at once, from `written` on.
    backlog: Vec<u8>,
    written: usize,
}

/// How long a caller waits for the socket itself.
pub(super) struct Patience<'a> {
    pub(super) deadline: Option<Instant>,
    /// Asked each time the [`write_bell`](Shared::write_bell) rings.
    pub(super) is_over: &'a dyn Fn() -> bool,
}

/// What became of an attempt to write at once.
enum Attempt {
    Done(Vec<u8>),
    Backlog,
    Failed(io::Error),
}

impl Writer {
    pub(super) fn new(writer: Box<dyn Write + Send>, direct: Option<Direct>) -> Self {
        Self { writer, direct, backlog: Vec::new(), written: 0 }
    }

    /// Writes as much of `bytes` as can be without waiting; the rest becomes the backlog.
    fn attempt(&mut self, bytes: Vec<u8>) -> Attempt {
        (self.backlog, self.written) = (bytes, 0);
        self.attempt_again()
    }

    /// Writes as much of the backlog as can be without waiting.
    fn attempt_again(&mut self) -> Attempt {
        let Some(direct) = &self.direct else { return Attempt::Backlog };
        while self.written < self.backlog.len() {
            match direct.write(&self.backlog[self.written..]) {
                Ok(0) => return Attempt::Failed(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.written += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Attempt::Backlog,
                Err(error) => return Attempt::Failed(error),
            }
        }
        Attempt::Done(std::mem::take(&mut self.backlog))
    }

    /// Writes the backlog, waiting for the socket.
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        self.writer.write_all(&self.backlog[self.written..])?;
        self.writer.flush()?;
        Ok(std::mem::take(&mut self.backlog))
    }
}

impl Shared {
    /// Puts what is owed into the output, unlocks, and sends as much as the socket takes at once; the writing thread
    /// does the rest. Never waits for the peer.
    pub(super) fn send<'a>(&'a self, core: MutexGuard<'a, Core>) {
        // A failure is kept for who writes next.
        let _ = self.send_with(core, None);
    }

    /// The same for a caller that writes: it waits for the socket itself, as a write to a socket does. What it waits
    /// for in vain is the writing thread's.
    pub(super) fn send_patiently<'a>(
        &'a self,
        core: MutexGuard<'a, Core>,
        patience: &Patience<'_>,
    ) -> Result<(), Error> {
        self.send_with(core, Some(patience))
    }

    fn send_with<'a>(
        &'a self,
        mut core: MutexGuard<'a, Core>,
        patience: Option<&Patience<'_>>,
    ) -> Result<(), Error> {
        core.wake_readers();
        core.engine.flush();
        if core.timer_moved() {
            self.notify_timers();
        }
        let mut rounds = 0;
        while core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() {
            if rounds == MAX_ROUNDS {
                // Others go on writing: no thread is kept from its own work to send what is theirs.
                self.notify_writer();
                return Ok(());
            }
            rounds += 1;
            if core.is_finished() || core.write_failure.is_some() {
                core.engine.transport.output().clear();
                return Ok(());
            }
            let bytes = core.take_output();
            core.writing = Writing::Someone;
            core.notify_room();
            drop(core);
            let mut attempt = self.writer().attempt(bytes);
            if let Some(patience) = patience {
                attempt = self.wait_for_socket(attempt, patience);
            }
            core = self.lock();
            match attempt {
                Attempt::Done(buffer) => {
                    core.writing = Writing::Nobody;
                    core.put_spare(buffer);
                    core.engine.flush();
                    core.notify_room();
                }
                Attempt::Backlog => {
                    core.writing = Writing::Backlog;
                    self.notify_writer();
                }
                Attempt::Failed(error) => {
                    core = self.write_failed(core, error);
                    return core.check();
                }
            }
        }
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the socket until the backlog is written or patience is at its end.
    #[cfg(unix)]
    fn wait_for_socket(&self, mut attempt: Attempt, patience: &Patience<'_>) -> Attempt {
        let Some(direct) = &self.direct else { return attempt };
        while let Attempt::Backlog = attempt {
            let mut is_over = false;
            let woken = self.write_bell.wait(direct.descriptor(), PollFlags::OUT, patience.deadline, || {
                is_over = self.lock().check().is_err() || (patience.is_over)();
                is_over
            });
            match woken {
                _ if is_over => break,
                Ok(Woken::Ready) => attempt = self.writer().attempt_again(),
                Ok(Woken::Rung) => {}
                Ok(Woken::TimedOut) => break,
                Err(error) => {
                    // The writing thread finds out whether that is the socket's.
                    log::debug!("waiting for the socket: {error}");
                    break;
                }
            }
        }
        attempt
    }

    #[cfg(not(unix))]
    fn wait_for_socket(&self, attempt: Attempt, _: &Patience<'_>) -> Attempt {
        attempt
    }

    /// The writing thread: waits for the socket when it is full, and for the clock.
    pub(super) fn write_loop(&self) {
        let _end = EndOnPanic(self);
        thread::scope(|scope| {
            let clock = Cell::new(false);
            self.write_until_finished(|| {
                if clock.replace(true) {
                    return;
                }
                let clock = thread::Builder::new().name("ssh-clock".to_owned());
                if let Err(error) = clock.spawn_scoped(scope, || self.mind_clock()) {
                    log::warn!("no thread to mind the clock: {error}");
                }
            });
        });
    }

    /// Calls `before_waiting` when a session that runs has to wait for the socket: the peer may never take anything
    /// again, and keepalives and key exchanges must time out all the same.
    fn write_until_finished(&self, before_waiting: impl Fn()) {
        let mut core = self.lock();
        while !core.is_finished() {
            if core.writing == Writing::Backlog {
                let is_running = core.engine.is_authenticated();
                drop(core);
                if is_running {
                    before_waiting();
                }
                let written = self.writer().finish();
                core = self.lock();
                match written {
                    Ok(buffer) => {
                        core.writing = Writing::Nobody;
                        core.put_spare(buffer);
                        core.notify_room();
                    }
                    Err(error) => core = self.write_failed(core, error),
                }
            } else if core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() {
                self.send(core);
                core = self.lock();
            } else {
                match core.run_timers() {
                    Ok(_)
                        if core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() => {}
                    Ok(due) => core = self.wait_work(core, due),
                    Err(error) => {
                        self.fail(core, error);
                        self.close();
                        return;
                    }
                }
            }
        }
    }

    /// Nothing more can leave. The session ends once it has read what has arrived, or its time is over.
    fn write_failed<'a>(&self, mut core: MutexGuard<'a, Core>, error: io::Error) -> MutexGuard<'a, Core> {
        core.writing = Writing::Nobody;
        core.write_failed(error, self.close_timeout);
        self.notify_timers();
        core
    }
}
