//! What a client process is told to do, and what it answers. The programs of all clients share this file.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// What a client does in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Connects and reads this many bytes from a command.
    Download,
    /// The same with somebody who is told when the channel becomes ready.
    DownloadWatched,
    /// The same beside a command on the same session whose output nobody reads.
    DownloadBeside,
    /// Connects and writes this many bytes to a command.
    Upload,
    /// This many times: connects, runs `true`, closes. The value is the nanoseconds from the TCP connection to the exit
    /// status, in the median.
    Handshakes,
    /// The same, where a client may make use of what it learnt of the host.
    Reconnects,
    /// Connects and runs `true` this many times on the one session, one after the other.
    Sequential,
    /// Connects and runs `true` on this many channels at once.
    Concurrent,
    /// Connects and sends a byte through `cat` this many times. The value is the median of its round trip in
    /// nanoseconds.
    Echo,
}

const NAMES: [(Work, &str); 9] = [
    (Work::Download, "download"),
    (Work::DownloadWatched, "download-watched"),
    (Work::DownloadBeside, "download-beside"),
    (Work::Upload, "upload"),
    (Work::Handshakes, "handshakes"),
    (Work::Reconnects, "reconnects"),
    (Work::Sequential, "sequential"),
    (Work::Concurrent, "concurrent"),
    (Work::Echo, "echo"),
];

impl Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(work, _)| work == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(work, _)| *work)
            .ok_or_else(|| format!("{text:?} is no work"))
    }
}

/// One process's task: where to connect, as whom, and what to do there.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The work.
    pub(crate) work: Work,
    /// The server, or the proxy before it.
    pub(crate) addr: SocketAddr,
    /// Whom to log in as.
    pub(crate) user: String,
    /// An ed25519 key in OpenSSH's format, without a passphrase.
    pub(crate) key: PathBuf,
    /// The only cipher to offer.
    pub(crate) cipher: String,
    /// The only MAC to offer, if the cipher needs one.
    pub(crate) mac: Option<String>,
    /// How much, in the work's own unit.
    pub(crate) amount: u64,
}

impl Job {
    /// As arguments for a process that [`from_arguments`](Job::from_arguments) reads.
    pub(crate) fn to_arguments(&self) -> [String; 7] {
        [
            self.work.to_string(),
            self.addr.to_string(),
            self.user.clone(),
            self.key.display().to_string(),
            self.cipher.clone(),
            self.mac.clone().unwrap_or_default(),
            self.amount.to_string(),
        ]
    }

    /// Reads it back.
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Job, String> {
        let [work, addr, user, key, cipher, mac, amount] = arguments else {
            return Err(format!("{} arguments for a job", arguments.len()));
        };
        Ok(Job {
            work: work.parse()?,
            addr: addr.parse().map_err(|error| format!("{addr}: {error}"))?,
            user: user.clone(),
            key: PathBuf::from(key),
            cipher: cipher.clone(),
            mac: Some(mac.clone()).filter(|mac| !mac.is_empty()),
            amount: amount.parse().map_err(|error| format!("{amount}: {error}"))?,
        })
    }

    /// The command whose output is downloaded.
    pub(crate) fn source(&self) -> String {
        format!("head -c {} /dev/zero", self.amount)
    }
}

/// The command that takes an upload.
pub(crate) const SINK: &str = "cat > /dev/null";

/// What a process prints as its last line when it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// The CPU time that the process took, in nanoseconds.
    pub(crate) cpu: u64,
    /// What the work measured itself, if anything.
    pub(crate) value: u64,
}

impl Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cpu {} value {}", self.cpu, self.value)
    }
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let mut number = |name: &str| match (words.next(), words.next().map(str::parse)) {
            (Some(word), Some(Ok(number))) if word == name => Ok(number),
            _ => Err(format!("{text:?} is no answer")),
        };
        Ok(Answer { cpu: number("cpu")?, value: number("value")? })
    }
}

/// The middle one of some measurements.
pub(crate) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
