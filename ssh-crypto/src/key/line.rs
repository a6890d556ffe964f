//! Public keys as text: OpenSSH's lines and the format of RFC 4716.

use super::{KeyError, PublicKey};
use base64ct::{Base64, Encoding};
use ssh_wire::Reader;
use std::{fmt, str::FromStr};

/// A public key as text, of whatever type: `ssh-ed25519 AAAAC3Nz… comment`.
///
/// What [`FromStr`] takes is one line of that kind, or a whole file in the format of RFC 4716:
///
/// ```
/// # use ssh_crypto::key::{KeyLine, PublicKey};
/// let line: KeyLine =
///     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2bMEhXxQbLu5rf9H4lsb3oUTTSOKQAdRlHT5Uj9dbz me@here".parse()?;
/// assert_eq!(line.comment, "me@here");
/// let key: PublicKey = line.public_key()?;
/// # Ok::<(), ssh_crypto::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyLine {
    /// The key's blob; only its type was looked at.
    pub blob: Vec<u8>,
    /// The comment; empty if there is none.
    pub comment: String,
}

impl KeyLine {
    /// The key's type, as the blob begins.
    pub fn key_type(&self) -> &str {
        blob_type(&self.blob).unwrap_or_default()
    }

    /// The key, if its type is known and its numbers can be.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_blob(&self.blob)
    }

    /// The format of RFC 4716, which ends with a line feed.
    pub fn to_rfc4716(&self) -> String {
        let mut text = format!("{BEGIN}\n");
        // RFC 4716 §3.3.2: a comment is quoted, and §3.1: no line is longer than 72 bytes.
        let comment = format!("Comment: \"{}\"", one_line(&self.comment).replace('"', "'"));
        if !self.comment.is_empty() {
            push_wrapped(&mut text, &comment, 71, "\\\n");
        }
        push_wrapped(&mut text, &Base64::encode_string(&self.blob), 70, "\n");
        text + END + "\n"
    }

    fn from_openssh(line: &str) -> Result<Self, KeyError> {
        let line = line.trim_matches([' ', '\t', '\r', '\n']);
        let (key_type, rest) = line.split_once([' ', '\t']).ok_or(MALFORMED)?;
        let rest = rest.trim_start_matches([' ', '\t']);
        let (blob, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let blob = Base64::decode_vec(blob).map_err(|_| MALFORMED)?;
        if line.contains('\n') || blob_type(&blob) != Some(key_type) {
            return Err(MALFORMED);
        }
        Ok(Self { blob, comment: comment.trim_start_matches([' ', '\t']).to_owned() })
    }

    fn from_rfc4716(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.lines().map(str::trim_end).skip_while(|line| *line != BEGIN).skip(1);
        let (mut comment, mut base64) = (String::new(), String::new());
        loop {
            let mut line = lines.next().ok_or(MALFORMED)?.to_owned();
            if line == END {
                break;
            }
            if !line.contains(':') {
                base64.push_str(line.trim());
                continue;
            }
            // A header; its lines but the last end with a backslash.
            while line.ends_with('\\') {
                line.pop();
                line.push_str(lines.next().ok_or(MALFORMED)?);
            }
            if let Some((tag, value)) = line.split_once(':')
                && tag.eq_ignore_ascii_case("Comment")
            {
                let value = value.trim();
                let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                comment = quoted.unwrap_or(value).to_owned();
            }
        }
        let blob = Base64::decode_vec(&base64).map_err(|_| MALFORMED)?;
        blob_type(&blob).ok_or(MALFORMED)?;
        Ok(Self { blob, comment })
    }
}

const BEGIN: &str = "---- BEGIN SSH2 PUBLIC KEY ----";
const END: &str = "---- END SSH2 PUBLIC KEY ----";
const MALFORMED: KeyError = KeyError::Invalid("not a public key in a form that is known");

impl FromStr for KeyLine {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text.trim_start().starts_with(BEGIN) {
            true => Self::from_rfc4716(text.trim_start()),
            false => Self::from_openssh(text),
        }
    }
}

impl fmt::Display for KeyLine {
    /// The line, without a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key_type(), Base64::encode_string(&self.blob))?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, " {}", one_line(&self.comment)) }
    }
}

impl PublicKey {
    /// The key as a line of OpenSSH's, without a line feed: `ssh-ed25519 AAAAC3Nz… comment`.
    pub fn to_line(&self, comment: &str) -> String {
        KeyLine { blob: self.to_blob(), comment: comment.to_owned() }.to_string()
    }

    /// The key and the comment of a line, or of a file in the format of RFC 4716.
    pub fn from_line(line: &str) -> Result<(Self, String), KeyError> {
        let line: KeyLine = line.parse()?;
        Ok((line.public_key()?, line.comment))
    }
}

/// A comment must not begin another line.
fn one_line(comment: &str) -> String {
    comment.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn blob_type(blob: &[u8]) -> Option<&str> {
    let name = Reader::new(blob).string().ok()?;
    let printable = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(name).ok().filter(|_| printable)
}

/// Appends `line` and a line feed, with `glue` after every `width` bytes, or a little less for a long character.
fn push_wrapped(text: &mut String, line: &str, width: usize, glue: &str) {
    let mut column = 0;
    for char in line.chars() {
        if column + char.len_utf8() > width {
            text.push_str(glue);
            column = 0;
        }
        text.push(char);
        column += char.len_utf8();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests;
