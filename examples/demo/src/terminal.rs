//! The terminal this program runs on.

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use ssh_client::TerminalSize;
use std::{
    fs::File,
    io::stdin,
    sync::{Mutex, PoisonError},
};

/// Whether stdin is a terminal.
pub(crate) fn is_stdin() -> bool {
    isatty(stdin())
}

/// The terminal's size; zeros, for unknown, if stdin is none.
pub(crate) fn size() -> TerminalSize {
    tcgetwinsize(stdin()).map_or(TerminalSize { columns: 0, rows: 0, width: 0, height: 0 }, |size| {
        TerminalSize {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
            width: size.ws_xpixel.into(),
            height: size.ws_ypixel.into(),
        }
    })
}

/// Remembers the state of the terminal, to which [`restore`] returns however the program ends.
pub(crate) fn remember() {
    let terminal = File::open("/dev/tty").ok();
    let state = terminal.and_then(|terminal| Some((tcgetattr(&terminal).ok()?, terminal)));
    *lock() = state;
}

/// Returns to the state remembered: echo on again in the middle of a password, raw mode off.
pub(crate) fn restore() {
    // Raw mode may not have been on.
    let _ = crossterm::terminal::disable_raw_mode();
    if let Some((state, terminal)) = &*lock() {
        // Without the terminal there is nothing to restore.
        let _ = tcsetattr(terminal, OptionalActions::Now, state);
    }
}

type State = Option<(Termios, File)>;

static REMEMBERED: Mutex<State> = Mutex::new(None);

fn lock() -> std::sync::MutexGuard<'static, State> {
    REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Typing shows nothing, from here until it is dropped. Who types before a question has silenced the terminal by itself
/// would see what nobody should, and an interrupt would go to all who share the terminal rather than to the question.
#[derive(Debug)]
#[must_use]
pub(crate) struct Silence {
    state: Termios,
    terminal: File,
}

impl Silence {
    pub(crate) fn enter() -> std::io::Result<Self> {
        let terminal = File::open("/dev/tty")?;
        let state = tcgetattr(&terminal)?;
        let mut silent = state.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok(Self { state, terminal })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.state);
    }
}

/// Raw mode, in which every key goes to the server, from here until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct RawMode(());

impl RawMode {
    pub(crate) fn enter() -> std::io::Result<Self> {
        crossterm::terminal::enable_raw_mode()?;
        Ok(Self(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = crossterm::terminal::disable_raw_mode();
    }
}
