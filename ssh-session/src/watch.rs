//! Who is told whether a channel can be read from or written to.

#[cfg(unix)]
use crate::signal::Signal;
#[cfg(unix)]
use std::io;
use std::{fmt, sync::Arc};

/// Who is told about one channel's readiness.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) stdout: Level,
    pub(crate) stderr: Level,
    pub(crate) write: Level,
    pub(crate) on_ready: Option<Callback>,
}

pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// Whether something is ready, and where that is told.
#[derive(Default)]
pub(crate) struct Level {
    ready: bool,
    #[cfg(unix)]
    signal: Option<Signal>,
}

impl Watch {
    /// Takes over what is ready now, and answers with the callback if something has become so.
    pub(crate) fn update(&mut self, stdout: bool, stderr: bool, write: bool) -> Option<Callback> {
        let stdout = self.stdout.set(stdout);
        let stderr = self.stderr.set(stderr);
        let write = self.write.set(write);
        self.on_ready.clone().filter(|_| stdout || stderr || write)
    }

    /// The callback, if anything is ready.
    pub(crate) fn due(&self) -> Option<Callback> {
        let ready = self.stdout.ready || self.stderr.ready || self.write.ready;
        self.on_ready.clone().filter(|_| ready)
    }
}

impl Level {
    /// Answers whether it has become ready. Nothing is done while nothing changes, however much is read and written.
    fn set(&mut self, ready: bool) -> bool {
        if self.ready == ready {
            return false;
        }
        self.ready = ready;
        #[cfg(unix)]
        if let Some(signal) = &self.signal {
            signal.set(ready);
        }
        ready
    }

    /// Where it is told, to be waited for.
    #[cfg(unix)]
    pub(crate) fn signal(&mut self) -> io::Result<&Signal> {
        match &mut self.signal {
            Some(signal) => Ok(signal),
            none => {
                let signal = Signal::new()?;
                signal.set(self.ready);
                Ok(none.insert(signal))
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("stdout", &self.stdout.ready)
            .field("stderr", &self.stderr.ready)
            .field("write", &self.write.ready)
            .finish_non_exhaustive()
    }
}
