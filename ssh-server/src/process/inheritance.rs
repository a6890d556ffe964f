//! Descriptors that no program may inherit. A terminal is opened first and closed to programs by a second call, so none is
//! started in between: it would have the terminal of somebody else.
//!
//! What the application starts beside this crate is not held up, and may.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Held while a program is started, shared, or while there is a descriptor that it must not inherit, alone.
static STARTING: RwLock<()> = RwLock::new(());

/// To be held while a program is started.
pub(super) fn starting() -> RwLockReadGuard<'static, ()> {
    STARTING.read().unwrap_or_else(PoisonError::into_inner)
}

/// To be held until what is opened is closed to programs.
pub(super) fn opening() -> RwLockWriteGuard<'static, ()> {
    STARTING.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use crate::{
        process::{Io, Process, Terminal},
        request::Pty,
    };
    use ssh_connection::request::TerminalModes;
    use ssh_wire::message::connection::TerminalSize;
    use std::{
        fs::File,
        io::Read,
        process::Command,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    const OPENING: usize = 8;
    const PROGRAMS: usize = 100;

    #[test]
    fn nobody_inherits_the_terminal_of_another() {
        let pty = Pty {
            term: b"vt100".to_vec(),
            size: TerminalSize { columns: 80, rows: 24, width: 0, height: 0 },
            modes: TerminalModes::default(),
        };
        let is_over = AtomicBool::new(false);
        let inherited = thread::scope(|scope| {
            for _ in 0..OPENING {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        drop(Terminal::open(&pty).unwrap());
                    }
                });
            }
            let inherited: Vec<_> =
                (0..PROGRAMS).map(|_| descriptors()).filter(|told| told.contains("ptmx")).collect();
            is_over.store(true, Ordering::Relaxed);
            inherited
        });
        assert!(inherited.is_empty(), "{} programs, the first {}", inherited.len(), inherited[0]);
    }

    /// What a program has open.
    fn descriptors() -> String {
        let mut command = Command::new("ls");
        command.args(["-l", "/proc/self/fd"]);
        let mut process = Process::start(command, None).unwrap();
        let Io::Pipes { stdout, .. } = process.io else { return String::new() };
        let mut told = String::new();
        File::from(stdout).read_to_string(&mut told).unwrap();
        Process::wait(&mut process.child, &process.group).unwrap();
        assert!(told.contains("pipe:"), "{told}");
        told
    }
}
