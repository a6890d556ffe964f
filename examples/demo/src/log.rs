//! The log: what the library and this program tell, on stderr or in a file, never on stdout.

use crate::exit::Failure;
use log::{Level, LevelFilter, Log, Metadata, Record};
use ssh_client::{ssh_config::LogLevel, wire};
use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

/// The target of the message that ends the program.
pub(crate) const FATAL: &str = "fatal";

/// Starts the log at this level, in this file or on stderr.
pub(crate) fn start(level: LogLevel, file: Option<&Path>) -> Result<(), Failure> {
    let output = match file {
        None => Output::Stderr,
        Some(path) => {
            let file = OpenOptions::new().append(true).create(true).open(path);
            Output::File(file.map_err(|error| Failure::file(path, &error))?, path.to_owned())
        }
    };
    *LOGGER.output.lock().unwrap_or_else(PoisonError::into_inner) = output;
    set_level(level);
    // A second start finds the logger set already.
    let _ = log::set_logger(&LOGGER);
    Ok(())
}

/// Changes the level.
pub(crate) fn set_level(level: LogLevel) {
    LOGGER.level.store(level as u8, Ordering::Relaxed);
    log::set_max_level(match level {
        LogLevel::Quiet => LevelFilter::Off,
        LogLevel::Fatal | LogLevel::Error => LevelFilter::Error,
        LogLevel::Info | LogLevel::Verbose => LevelFilter::Info,
        LogLevel::Debug1 => LevelFilter::Debug,
        LogLevel::Debug2 | LogLevel::Debug3 => LevelFilter::Trace,
    });
}

/// The text without what a terminal would act on; line feeds and tabs stay. Texts of a server pass through here.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\t' => Some(c),
            '\r' => None,
            // Controls of the terminal, and those that turn the direction of a text.
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                Some('\u{fffd}')
            }
            c => Some(c),
        })
        .collect()
}

struct Logger {
    level: AtomicU8,
    output: Mutex<Output>,
}

enum Output {
    Stderr,
    File(File, PathBuf),
}

static LOGGER: Logger =
    Logger { level: AtomicU8::new(LogLevel::Info as u8), output: Mutex::new(Output::Stderr) };

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        level(metadata) as u8 <= self.level.load(Ordering::Relaxed)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = format(record);
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if let Output::File(file, path) = &mut *output {
            let Err(error) = file.write_all(text.as_bytes()) else { return };
            // What explains how the program ends must not be lost with it.
            to_stderr(&format!("{}\n", Failure::file(path, &error)));
            *output = Output::Stderr;
        }
        to_stderr(&text);
    }

    fn flush(&self) {}
}

fn to_stderr(text: &str) {
    // Nobody is left to be told that this can't be written.
    let _ = match crossterm::terminal::is_raw_mode_enabled().unwrap_or(false) {
        true => io::stderr().write_all(text.replace('\n', "\r\n").as_bytes()),
        false => io::stderr().write_all(text.as_bytes()),
    };
}

/// The level from which on a message is shown.
fn level(metadata: &Metadata<'_>) -> LogLevel {
    let target = metadata.target();
    let is_of =
        |name: &str| target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    let own = is_of(env!("CARGO_PKG_NAME"));
    match metadata.level() {
        Level::Error if target == FATAL => LogLevel::Fatal,
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Info,
        Level::Info if own => LogLevel::Info,
        Level::Info => LogLevel::Verbose,
        // Other libraries are heard last, and so is every message.
        _ if !own && !is_of_library(target) => LogLevel::Debug3,
        Level::Debug => LogLevel::Debug1,
        Level::Trace if target == wire::LOG_TARGET => LogLevel::Debug3,
        Level::Trace => LogLevel::Debug2,
    }
}

/// Whether a message is this library's, of which the demo is a user.
fn is_of_library(target: &str) -> bool {
    target.starts_with("ssh_")
}

fn format(record: &Record<'_>) -> String {
    let mut text = match level(record.metadata()) {
        LogLevel::Debug1 => "debug1: ".to_owned(),
        LogLevel::Debug2 => "debug2: ".to_owned(),
        LogLevel::Debug3 if is_of_library(record.target()) => "debug3: ".to_owned(),
        LogLevel::Debug3 => format!("debug3: {}: ", record.target()),
        _ => String::new(),
    };
    // Writing to a String can't fail.
    let _ = write!(text, "{}", record.args());
    let mut text = clean(&text);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(level: Level, target: &str) -> LogLevel {
        super::level(&Metadata::builder().level(level).target(target).build())
    }

    #[test]
    fn levels() {
        for (level, target, expected) in [
            (Level::Error, FATAL, LogLevel::Fatal),
            (Level::Error, "demo::session", LogLevel::Error),
            (Level::Warn, "ssh_client", LogLevel::Info),
            (Level::Info, "demo", LogLevel::Info),
            (Level::Info, "demonstration", LogLevel::Verbose),
            (Level::Info, "ssh_kex::transport", LogLevel::Verbose),
            (Level::Debug, "ssh_kex::transport", LogLevel::Debug1),
            (Level::Trace, "demo", LogLevel::Debug2),
            (Level::Trace, "ssh_kex", LogLevel::Debug2),
            (Level::Trace, "ssh_wire", LogLevel::Debug3),
            (Level::Debug, "mio", LogLevel::Debug3),
        ] {
            assert_eq!(shown(level, target), expected, "{level} {target}");
        }
    }

    #[test]
    fn lines() {
        let line = |level, target, args: std::fmt::Arguments<'_>| {
            format(&Record::builder().level(level).target(target).args(args).build())
        };
        assert_eq!(line(Level::Error, FATAL, format_args!("gone")), "gone\n");
        assert_eq!(line(Level::Debug, "demo", format_args!("a\x1b[2Jb\r\n")), "debug1: a\u{fffd}[2Jb\n\n");
        assert_eq!(line(Level::Trace, "ssh_wire", format_args!("x")), "debug3: x\n");
        assert_eq!(line(Level::Trace, "mio::poll", format_args!("x")), "debug3: mio::poll: x\n");
    }

    #[test]
    fn cleaning() {
        assert_eq!(clean("a\tb\n\u{7}\u{9b}\u{202e}é"), "a\tb\n\u{fffd}\u{fffd}\u{fffd}é");
    }
}
