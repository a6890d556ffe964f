//! The signals of RFC 4254 §6.10.

use rustix::process::Signal;

const SIGNALS: [(&str, Signal); 13] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

/// The signal of this name: `TERM`.
pub fn signal_named(name: &[u8]) -> Option<Signal> {
    SIGNALS.iter().find(|(known, _)| known.as_bytes() == name).map(|&(_, signal)| signal)
}

/// The name of the signal with this number, as this machine counts them.
pub fn signal_name(number: i32) -> Option<&'static str> {
    SIGNALS.iter().find(|(_, signal)| signal.as_raw() == number).map(|&(name, _)| name)
}
