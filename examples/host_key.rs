//! Checks a host key in three ways: by a known_hosts file, by an expected fingerprint, by a decision of one's own.
//!
//! ```text
//! cargo run -p examples --bin host_key -- alice@example.com
//! cargo run -p examples --bin host_key -- alice@example.com --fingerprint SHA256:…
//! cargo run -p examples --bin host_key -- alice@example.com --ask
//! ```
//!
//! Nobody is logged in: the server proves that it owns its key before it hears of a user.

use clap::Parser;
use examples::{Target, end};
use ssh_client::{
    Config,
    blocking::Session,
    crypto::{Fingerprint, Hash},
    host_key::{Decide, HostKey, HostKeyRefused, Known},
    known_hosts::{self, KnownHosts, Lookup},
};
use std::{
    env,
    error::Error,
    io::{self, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Checks the key of a server.
#[derive(Parser)]
struct Args {
    /// Where: user@host or user@host:port
    target: Target,
    /// The file of known keys [default: ~/.ssh/known_hosts]
    #[arg(long, value_name = "FILE")]
    known_hosts: Option<PathBuf>,
    /// Accepts the key with this fingerprint only
    #[arg(long, conflicts_with = "known_hosts")]
    fingerprint: Option<Fingerprint>,
    /// Shows a key that is not known and asks; a yes is kept in the file
    #[arg(long, conflicts_with = "fingerprint")]
    ask: bool,
}

fn main() -> ExitCode {
    end(run(Args::parse()))
}

fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let target = args.target;
    let file = match args.known_hosts {
        Some(file) => file,
        None => env::home_dir().ok_or("there is no home directory")?.join(".ssh").join("known_hosts"),
    };
    let known = KnownHosts::load_all([&file])?;

    let config = Config::new(&target.user);
    let config = match args.fingerprint {
        Some(expected) => config.host_key(Decide(move |key: &HostKey| {
            let refused = || HostKeyRefused(format!("the key is {}, not {expected}", key.fingerprint()));
            expected.matches(&key.blob).then_some(()).ok_or_else(refused)
        })),
        None if args.ask => config.host_key(Decide(move |key: &HostKey| ask(&known, &file, key))),
        None => config.host_key(Known(known)),
    };

    let stream = TcpStream::connect(target.address())?;
    let unverified = Session::handshake(stream, &target.host, target.port, &config)?;
    let accepted = unverified.host_key().clone();
    // The policy is asked here; a refusal ends the connection. `authenticate` on what this gives would log in.
    unverified.verify()?;
    writeln!(io::stdout(), "accepted: {} {}", accepted.key.key_type(), accepted.fingerprint())?;
    Ok(ExitCode::SUCCESS)
}

/// A policy is any function that ends in `Ok` by an explicit yes. This one trusts a key that is known, never one that
/// contradicts what is known, and asks a person about the rest.
fn ask(known: &KnownHosts, file: &Path, key: &HostKey) -> Result<(), HostKeyRefused> {
    let refused = |text: &str| Err(HostKeyRefused(format!("the key {} {text}", key.fingerprint())));
    match known.lookup(&key.host, key.port, &key.blob) {
        Lookup::Match(_) => return Ok(()),
        Lookup::Revoked(entry) => return refused(&format!("is revoked by {}", entry.place())),
        Lookup::Mismatch { .. } => {
            return refused("is not the one that is known: somebody may sit in between");
        }
        Lookup::Unknown => {}
    }
    let failed = |error: io::Error| HostKeyRefused(error.to_string());
    let (host, shown, picture) = (&key.host, key.fingerprint(), key.key.randomart(Hash::Sha256));
    write!(io::stdout(), "{picture}\nNothing is known of {host}. Is {shown} its key (yes/no)? ")
        .map_err(failed)?;
    io::stdout().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    if answer.trim() != "yes" {
        return refused("was not accepted");
    }
    known_hosts::append(file, &key.host, key.port, &key.blob, true)
        .map_err(|error| HostKeyRefused(error.to_string()))
}
