//! From the engine's output to the socket.

use super::{
    driver::{Core, EndOnPanic, Shared, Writing},
    stream::TryWrite,
};
use crate::{Error, ErrorKind};
use std::{
    cell::Cell,
    io::{self, Write},
    sync::{MutexGuard, PoisonError},
    thread,
};

/// An output buffer that grew over this size in bytes is not kept.
const MAX_SPARE: usize = 4 << 20;
/// How often a thread looks for more output after it has sent what it came with.
const MAX_ROUNDS: u32 = 4;

/// The stream's writing half, owned by one thread at a time (see [`Writing`]).
pub(super) struct Writer {
    writer: Box<dyn Write + Send>,
    try_write: Option<TryWrite>,
    /// What the socket did not take at once, from `written` on.
    backlog: Vec<u8>,
    written: usize,
}

/// What became of an attempt to write at once.
enum Attempt {
    Done(Vec<u8>),
    Backlog,
    Failed(io::Error),
}

impl Writer {
    pub(super) fn new(writer: Box<dyn Write + Send>, try_write: Option<TryWrite>) -> Self {
        Self { writer, try_write, backlog: Vec::new(), written: 0 }
    }

    /// Writes as much of `bytes` as can be without waiting; the rest becomes the backlog.
    fn attempt(&mut self, bytes: Vec<u8>) -> Attempt {
        let mut written = 0;
        if let Some(try_write) = &mut self.try_write {
            while written < bytes.len() {
                match try_write(&bytes[written..]) {
                    Ok(0) => return Attempt::Failed(io::ErrorKind::WriteZero.into()),
                    Ok(n) => written += n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Attempt::Failed(error),
                }
            }
        }
        if written == bytes.len() {
            return Attempt::Done(bytes);
        }
        (self.backlog, self.written) = (bytes, written);
        Attempt::Backlog
    }

    /// Writes the backlog, waiting for the socket.
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        self.writer.write_all(&self.backlog[self.written..])?;
        self.writer.flush()?;
        Ok(std::mem::take(&mut self.backlog))
    }
}

impl Core {
    /// Takes the output, leaving an empty buffer.
    fn take_output(&mut self) -> Vec<u8> {
        let spare = std::mem::take(&mut self.spare);
        std::mem::replace(self.engine.transport.output(), spare)
    }

    fn put_spare(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_SPARE {
            buffer.clear();
            self.spare = buffer;
        }
    }
}

impl Shared {
    /// Puts what is owed into the output, unlocks, and sends as much as the socket takes at once; the writing thread
    /// does the rest. Never waits for the peer.
    pub(super) fn send<'a>(&'a self, mut core: MutexGuard<'a, Core>) {
        core.wake_readers();
        core.engine.flush();
        if core.timer_moved() {
            self.notify_timers();
        }
        let mut rounds = 0;
        while core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() {
            if rounds == MAX_ROUNDS {
                // Others go on writing: no thread is kept from its own work to send what is theirs.
                return self.notify_writer();
            }
            rounds += 1;
            if core.is_finished() {
                core.engine.transport.output().clear();
                return;
            }
            let bytes = core.take_output();
            core.writing = Writing::Someone;
            self.notify_room(&mut core);
            drop(core);
            let attempt = self.writer.lock().unwrap_or_else(PoisonError::into_inner).attempt(bytes);
            core = self.lock();
            match attempt {
                Attempt::Done(buffer) => {
                    core.writing = Writing::Nobody;
                    core.put_spare(buffer);
                    core.engine.flush();
                    self.notify_room(&mut core);
                }
                Attempt::Backlog => {
                    core.writing = Writing::Backlog;
                    self.notify_writer();
                }
                Attempt::Failed(error) => return self.write_failed(core, error),
            }
        }
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
                let written = self.writer.lock().unwrap_or_else(PoisonError::into_inner).finish();
                core = self.lock();
                match written {
                    Ok(buffer) => {
                        core.writing = Writing::Nobody;
                        core.put_spare(buffer);
                        self.notify_room(&mut core);
                    }
                    Err(error) => return self.write_failed(core, error),
                }
            } else if core.writing == Writing::Nobody && !core.engine.transport.output().is_empty() {
                self.send(core);
                core = self.lock();
            } else {
                match self.run_timers(&mut core) {
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

    fn write_failed(&self, mut core: MutexGuard<'_, Core>, error: io::Error) {
        // Nothing more can leave; whoever waits for room must not wait for it.
        core.writing = Writing::Nobody;
        core.engine.transport.output().clear();
        core.finish();
        self.fail(core, Error::with_source(ErrorKind::Io, "connection lost", error));
        self.cut();
    }
}
