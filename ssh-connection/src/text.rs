//! Texts and requests, made fit for a log.

use crate::Exit;
use std::fmt;

/// What is shown of a text at the most, in bytes.
const MAX_SHOWN: usize = 256;

/// A text without control characters.
pub(crate) struct Text<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(MAX_SHOWN)];
        write!(f, "\"{}\"", shown.escape_ascii())
    }
}

/// A request: its name, and how a command ended. Whatever else it says may be secret.
pub(crate) struct Request<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text(self.name).fmt(f)?;
        match Exit::parse(self.name, self.data) {
            Some(Exit::Status(status)) => write!(f, " {status}"),
            Some(Exit::Signal(signal)) => write!(f, " {}", Text(signal.name.as_bytes())),
            None => Ok(()),
        }
    }
}

/// Whether a request was granted.
pub(crate) fn verb(success: bool) -> &'static str {
    if success { "granted" } else { "refused" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_tell_their_names_and_the_end_of_a_command() {
        let shown = |name: &[u8], data: &[u8]| Request { name, data }.to_string();
        assert_eq!(shown(b"exec", b"\0\0\0\x06secret"), "\"exec\"");
        assert_eq!(shown(b"exit-status", b"\0\0\0\x03"), "\"exit-status\" 3");
        assert_eq!(shown(b"exit-signal", b"\0\0\0\x04KI\x1bL\0"), "\"exit-signal\" \"KI\\x1bL\"");
        assert_eq!(shown(b"\x1b[2J", b""), "\"\\x1b[2J\"");
        assert_eq!(Text(&[b'a'; 1000]).to_string().len(), MAX_SHOWN + 2);
    }
}
