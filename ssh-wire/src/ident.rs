//! The identification string, `SSH-2.0-software comments` (RFC 4253 §4.2).

use std::fmt;

/// RFC 4253 §4.2: at most 255 bytes, CR and LF included.
pub const MAX_LINE: usize = 255;
/// Lines a server may send before its identification string; OpenSSH's bound.
pub const MAX_LINES: usize = 1024;

/// A peer's identification string as it counts for the exchange hash: without CR and LF.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identification(Vec<u8>);

/// Why the identification exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentError {
    /// The line does not start with `SSH-`, is no valid identification string, or holds a NUL.
    #[error("not an SSH peer: it said {:?}", .0.escape_ascii().to_string())]
    NotSsh(Vec<u8>),
    /// The peer speaks another version of the protocol.
    #[error("peer speaks protocol version {0:?}, not 2.0")]
    Version(String),
    /// A line over [`MAX_LINE`] bytes.
    #[error("line of more than {MAX_LINE} bytes before the identification string")]
    LineTooLong,
    /// More than [`MAX_LINES`] lines before the identification string.
    #[error("more than {MAX_LINES} lines before the identification string")]
    TooManyLines,
}

impl Identification {
    /// Parses one line without its line end.
    pub fn new(line: impl Into<Vec<u8>>) -> Result<Self, IdentError> {
        let line = line.into();
        if line.len() + 2 > MAX_LINE {
            return Err(IdentError::LineTooLong);
        }
        let rest = line.strip_prefix(b"SSH-").ok_or_else(|| IdentError::NotSsh(line.clone()))?;
        let dash = rest.iter().position(|&byte| byte == b'-');
        let version = &rest[..dash.ok_or_else(|| IdentError::NotSsh(line.clone()))?];
        // RFC 4253 §5.1: a server that also speaks version 1 says 1.99.
        if version != b"2.0" && version != b"1.99" {
            return Err(IdentError::Version(version.escape_ascii().to_string()));
        }
        if line.iter().any(|byte| b"\0\r\n".contains(byte)) {
            return Err(IdentError::NotSsh(line));
        }
        Ok(Self(line))
    }

    /// The line without CR and LF, as the exchange hash takes it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The `softwareversion` and comments, with what is not printable escaped.
    pub fn software(&self) -> String {
        let behind = self.0.splitn(3, |&byte| byte == b'-').nth(2).unwrap_or_default();
        behind.escape_ascii().to_string()
    }
}

impl fmt::Display for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identification({self})")
    }
}

/// Finds the peer's identification string at the front of what it sends.
#[derive(Debug, Clone, Default)]
pub struct IdentReader {
    lines: usize,
}

/// What [`IdentReader::read`] made of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentStep {
    /// Bytes used up, which the caller drops.
    pub used: usize,
    /// The identification string, if it has arrived whole; packets follow behind `used`.
    pub identification: Option<Identification>,
}

impl IdentReader {
    /// Looks at what has been received and not used up. Lines before the identification string, which a server may
    /// send (a greeting, a TCP wrapper's message), are handed to `other_line` and passed over.
    pub fn read(&mut self, bytes: &[u8], mut other_line: impl FnMut(&[u8])) -> Result<IdentStep, IdentError> {
        let mut used = 0;
        while let Some(end) = bytes[used..].iter().take(MAX_LINE).position(|&byte| byte == b'\n') {
            let line = &bytes[used..used + end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            used += end + 1;
            if line.starts_with(b"SSH-") {
                let identification = Some(Identification::new(line)?);
                return Ok(IdentStep { used, identification });
            }
            if line.contains(&0) {
                return Err(IdentError::NotSsh(line.to_vec()));
            }
            other_line(line);
            self.lines += 1;
            if self.lines > MAX_LINES {
                return Err(IdentError::TooManyLines);
            }
        }
        if bytes.len() - used >= MAX_LINE {
            return Err(IdentError::LineTooLong);
        }
        Ok(IdentStep { used, identification: None })
    }
}
