//! The command line.

use clap::Parser;
use std::{path::PathBuf, time::Duration};

/// Runs one command on many hosts at once.
#[derive(Parser)]
#[command(
    after_help = "Exit status: 0 if the command succeeded everywhere, 1 if it failed on a host, 2 if a host could \
                        not be reached or logged in to, or its time was up."
)]
pub(crate) struct Args {
    /// What to run, in the words of the users' shells there
    pub(crate) command: String,
    /// Where: user@host or user@host:port; an IPv6 address with a port stands in brackets
    #[arg(value_name = "USER@HOST[:PORT]", required_unless_present = "hosts")]
    pub(crate) targets: Vec<String>,
    /// A file with more of them, one a line; `#` begins a comment, and `-` is the standard input
    #[arg(short = 'H', long, value_name = "FILE")]
    pub(crate) hosts: Vec<PathBuf>,
    /// How many hosts at a time, as far as the system's limit of open files allows
    #[arg(short, long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: u16,
    /// Seconds that each host has, from connecting to the end of the command; without it, commands may run for ever
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Seconds to connect, and again to agree on keys
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,
    /// A private key without a passphrase, instead of those in ~/.ssh; may be told several times
    #[arg(short, long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
    /// Leaves out the agent that SSH_AUTH_SOCK names
    #[arg(long)]
    pub(crate) no_agent: bool,
    /// The hosts' keys, instead of ~/.ssh/known_hosts and the system's; may be told several times
    #[arg(short, long, value_name = "FILE")]
    pub(crate) known_hosts: Vec<PathBuf>,
    /// Writes what each host prints to files of its own in this directory, `HOST.out` and `HOST.err`
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|_| format!("{text:?} is not a whole number of seconds"))?;
    match seconds {
        0 => Err("nothing is done in no time".to_owned()),
        seconds => Ok(Duration::from_secs(seconds.into())),
    }
}
