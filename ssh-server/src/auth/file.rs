//! Files that decide who may in.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Reads a file that nobody else can have written: it and its directory must belong to root or to the user that this
/// process runs as, and be writable by nobody else.
pub(super) fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for (what, metadata) in [("it", file.metadata()?), ("its directory", fs::metadata(directory)?)] {
        let own = rustix::process::geteuid().as_raw();
        if ![0, own].contains(&metadata.uid()) || metadata.mode() & 0o022 != 0 {
            return Err(io::Error::other(format!("{what} belongs to others, or others may write to it")));
        }
    }
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("file of more than {} MiB", max >> 20)));
    }
    Ok(bytes)
}
