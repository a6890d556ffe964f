//! The textual frame of most private key files (RFC 7468, RFC 1421 §4.6), read as leniently as real files need:
//! any line ending and line length, text and other blocks before and behind, headers, blank lines.

use super::KeyFileError;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// What stands between a BEGIN and an END line.
pub(super) struct Block<'a> {
    /// What BEGIN and END have in common: `RSA PRIVATE KEY`.
    pub(super) label: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    /// The decoded Base64.
    pub(super) data: Zeroizing<Vec<u8>>,
}

impl<'a> Block<'a> {
    /// The value of a header (RFC 1421 §4.6).
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    /// The first block with a label that is `wanted`.
    pub(super) fn find(bytes: &'a [u8], wanted: impl Fn(&str) -> bool) -> Result<Option<Self>, KeyFileError> {
        let mut lines = lines(bytes).enumerate();
        while let Some((at, line)) = lines.next() {
            let Some(label) = boundary(line, "-----BEGIN ").filter(|label| wanted(label)) else { continue };
            return Self::read(label, at, &mut lines, bytes.len()).map(Some);
        }
        Ok(None)
    }

    fn read(
        label: &'a str,
        begin: usize,
        lines: &mut impl Iterator<Item = (usize, &'a [u8])>,
        capacity: usize,
    ) -> Result<Self, KeyFileError> {
        let mut headers = Vec::new();
        // Never grown: that would leave copies behind.
        let mut data = Zeroizing::new(Vec::with_capacity(capacity));
        for (at, line) in lines {
            if let Some(end) = boundary(line, "-----END ") {
                if end != label {
                    let text = format!("line {} ends another block than line {} begins", at + 1, begin + 1);
                    return Err(KeyFileError::damaged(text));
                }
                let decoded = Base64::decode_in_place(&mut data).map_err(|_| {
                    KeyFileError::damaged(format!(
                        "invalid Base64 between lines {} and {}",
                        begin + 1,
                        at + 1
                    ))
                })?;
                let len = decoded.len();
                data.truncate(len);
                return Ok(Self { label, headers, data });
            }
            let header = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'));
            match header.filter(|_| data.is_empty()) {
                Some((name, value)) => headers.push((name.trim(), value.trim())),
                None => data.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace())),
            }
        }
        Err(KeyFileError::damaged(format!("no END line for the block that line {} begins", begin + 1)))
    }
}

/// The lines of a text, which may end in LF, CRLF or CR.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            rest = None;
            return Some(text);
        };
        let behind = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        rest = Some(&text[behind..]);
        Some(&text[..end])
    })
}

fn boundary<'a>(line: &'a [u8], start: &str) -> Option<&'a str> {
    let line = line.trim_ascii();
    let label = line.strip_prefix(start.as_bytes())?.strip_suffix(b"-----")?;
    std::str::from_utf8(label).ok()
}
