//! New `known_hosts` lines.

use super::{
    key_type,
    names::{HASH_LEN, hash_name, line_name},
};
use base64ct::{Base64, Encoding};
use ssh_crypto::{SecureRandom, random::SystemRandom};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A line that could not be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The host's name would mean something else in the file.
    #[error("{0:?} can't stand in a known_hosts file")]
    Name(String),
    /// The key's blob does not begin with a type.
    #[error("the key has no type")]
    Key,
    /// No random bytes for a hashed name.
    #[error("no random bytes from the system")]
    Random,
    /// The file could not be written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// The line for a host and its key, which is a blob, without a line feed. With `hashed` the name can't be read back.
///
/// # Errors
/// The host has characters with a meaning of their own in the file, or the key is no blob.
pub fn format_line(host: &str, port: u16, key: &[u8], hashed: bool) -> Result<String, WriteError> {
    // A name that begins a comment, a marker, a negation or another line would be an entry nobody asked for.
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"*?!,|#@\"".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return Err(WriteError::Name(host.to_owned()));
    }
    let key_type = key_type(key).ok_or(WriteError::Key)?;
    let mut name = line_name(&host.to_ascii_lowercase(), port);
    if hashed {
        let mut salt = [0; HASH_LEN];
        SystemRandom.fill(&mut salt).map_err(|_| WriteError::Random)?;
        let hash = hash_name(&salt, &name).ok_or(WriteError::Random)?;
        name = format!("|1|{}|{}", Base64::encode_string(&salt), Base64::encode_string(&hash));
    }
    Ok(format!("{name} {key_type} {}", Base64::encode_string(key)))
}

/// Adds a line for a host and its key, which is a blob, at the end of a file. The file is made for its owner alone
/// (mode 0600), and the directories before it too (mode 0700), if they are missing.
///
/// The line leaves in one write behind what is there, and is on the disk when this returns: no earlier line can be
/// lost, and no other process' line is broken.
///
/// # Errors
/// As [`format_line`], and when the file can't be written.
pub fn append(path: &Path, host: &str, port: u16, key: &[u8], hashed: bool) -> Result<(), WriteError> {
    let line = format_line(host, port, key, hashed)?;
    append_line(path, &line).map_err(|source| WriteError::Io { path: path.to_owned(), source })
}

fn append_line(path: &Path, line: &str) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty())
        && !fs::exists(directory)?
    {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(directory)?;
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.read(true).append(true).create(true).open(path)?;
    let separator = if ends_line(&mut file)? { "" } else { "\n" };
    let text = format!("{separator}{line}\n");
    let end = file.seek(SeekFrom::End(0))?;
    let written = file.write(text.as_bytes())?;
    if written < text.len() {
        // Half a key would be another one, so it is taken away, unless other lines stand behind it already.
        if file.metadata()?.len() == end + written as u64 {
            file.set_len(end)?;
        }
        return Err(io::ErrorKind::StorageFull.into());
    }
    match file.sync_data() {
        // /dev/null and its like can't be synchronised.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// Whether a file is empty or ends with a line feed.
fn ends_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
