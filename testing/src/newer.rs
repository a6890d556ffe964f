//! Servers of a newer Debian, unpacked beside the machine's own by `testing/servers/unpack-newer`.

use std::path::{Path, PathBuf};

/// Tells how to get the programs of a newer Debian.
pub const MISSING: &str =
    "no newer servers in target/servers/newer (testing/servers/unpack-newer puts them there)";

/// The program of this name of a newer Debian, if it was unpacked: `ssh`, `dbclient`.
pub fn find(program: &str) -> Option<PathBuf> {
    Some(workspace().join("target/servers/newer/bin").join(program)).filter(|path| path.is_file())
}

/// Where the other programs of an unpacked sshd are; `None` for one that was installed and finds them by itself.
pub(crate) fn parts_of(sshd: &Path) -> Option<&Path> {
    sshd.parent().filter(|dir| *dir == workspace().join("target/servers/newer/bin"))
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let testing = Path::new(env!("CARGO_MANIFEST_DIR"));
    testing.parent().unwrap_or(testing)
}
