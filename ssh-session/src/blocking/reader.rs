//! The reading thread: from the socket to the engines.

use super::driver::{EndOnPanic, Shared};
use crate::{Error, ErrorKind};
use ssh_kex::{Received, Receiver};
use std::{
    io::{self, Read},
    sync::PoisonError,
    time::Instant,
};

impl Shared {
    /// The reading thread.
    pub(super) fn read_loop(&self, mut reader: Box<dyn Read + Send>, mut receiver: Receiver) {
        let _end = EndOnPanic(self);
        let mut batch = Vec::new();
        loop {
            match reader.read(receiver.space()) {
                Ok(0) => return self.hung_up(None),
                Ok(n) => receiver.filled(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.hung_up(Some(error)),
            }
            if let Err(error) = self.receive(&mut receiver, &mut batch) {
                self.fail(self.lock(), error);
                // What the engine has to say about it may leave; nothing more is read.
                return self.close();
            }
        }
    }

    /// Decodes and handles everything that has arrived.
    fn receive(&self, receiver: &mut Receiver, batch: &mut Vec<Received>) -> Result<(), Error> {
        loop {
            let decoded = loop {
                match receiver.decode() {
                    Ok(Some(received)) => batch.push(received),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            let mut core = self.lock();
            let now = Instant::now();
            core.last_heard = now;
            core.keepalives = 0;
            for received in batch.drain(..) {
                core.engine.handle(received, now)?;
                core.dispatch(self)?;
            }
            decoded?;
            core.dispatch(self)?;
            let mut open = core.engine.take_open();
            while open.is_none() && receiver.awaits_keys() {
                // The key exchange waits for a decision on the host key, and so does what follows.
                self.send(core);
                core = self.lock();
                open = core.engine.take_open();
                if open.is_none() {
                    if let Some(error) = &core.failure {
                        return Err(error.clone());
                    }
                    core = self.changed.wait(core).unwrap_or_else(PoisonError::into_inner);
                    open = core.engine.take_open();
                }
            }
            if open.is_none() {
                core.engine.settle();
                core.dispatch(self)?;
            }
            self.send(core);
            match open {
                Some(open) => receiver.install(open),
                None => return Ok(()),
            }
        }
    }

    /// The stream has ended or failed.
    fn hung_up(&self, error: Option<io::Error>) {
        let core = self.lock();
        let error = match error {
            Some(error) => Error::with_source(ErrorKind::Io, "connection lost", error),
            None => {
                let said = match core.lines.as_slice() {
                    _ if core.engine.transport.peer_identification().is_some() => String::new(),
                    [] => " before it sent an identification string".to_owned(),
                    lines => format!(" without an identification string; it said {lines:?}"),
                };
                Error::new(ErrorKind::Io, format!("connection closed by the {}{said}", core.engine.peer()))
            }
        };
        self.fail(core, error);
        self.cut();
    }
}
