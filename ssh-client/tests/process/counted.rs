//! What a process holds, counted: for tests that are alone in theirs.

use std::{fs, net::SocketAddr};
use testing::{Cut, Direction, Proxy};

pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The memory of this process in KiB that no file stands behind.
pub(crate) fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The end of a connection before a session is there: what one side sends goes so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Break {
    direction: Direction,
    /// In bytes.
    at: u64,
    /// The peer stays, and says nothing more.
    silent: bool,
}

impl Break {
    /// In the greeting, in the key exchange, in the login.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let directions = [Direction::ToClient, Direction::ToServer];
        directions.into_iter().flat_map(|direction| {
            [0, 10, 500, 1500, 2200]
                .into_iter()
                .flat_map(move |at| [true, false].map(|silent| Self { direction, at, silent }))
        })
    }

    pub(crate) fn proxy(self, server: SocketAddr) -> Proxy {
        let proxy = Proxy::start(server);
        match self.silent {
            true => proxy.stall_after(self.direction, self.at),
            false => proxy.cut_after(self.direction, self.at, Cut::Reset),
        }
        proxy
    }

    /// Whether the session may be there before.
    pub(crate) fn may_be_late(self) -> bool {
        self.at > 1000
    }
}
