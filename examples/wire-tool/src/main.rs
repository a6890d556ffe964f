//! Asks SSH servers what they are and what they offer, and flags what is weak.
//!
//! ```text
//! cargo run -p wire-tool -- example.com 192.0.2.7:2222 [2001:db8::1]:22
//! ```
//!
//! It uses `ssh-wire` alone: a server tells its identification string and its KEXINIT to everybody, before any
//! cryptography. The exit status is 0 if every server answered and offers nothing weak, 1 if one offers something weak,
//! and 2 if one could not be asked.

mod grab;
mod report;
mod weak;

use clap::Parser;
use grab::Target;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    process::ExitCode,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// Shows what SSH servers offer.
#[derive(Parser)]
struct Args {
    /// The servers: names or addresses; an IPv6 address with a port stands in brackets
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// Seconds that each server has, not counting what the system takes to resolve its name
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How many are asked at once
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(worst) => ExitCode::from(worst as u8),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(Verdict::Failed as u8)
        }
    }
}

/// What a server is to the exit status; the worst of all counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Sound = 0,
    Weak = 1,
    Failed = 2,
}

fn run(args: &Args) -> io::Result<Verdict> {
    let timeout = Duration::from_secs(args.timeout);
    let next = AtomicUsize::new(0);
    let threads = args.targets.len().min(args.jobs.into());
    thread::scope(|scope| {
        let (sender, answers) = mpsc::channel();
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            thread::Builder::new().spawn_scoped(scope, move || {
                // Each thread takes the next server that nobody has taken.
                while let Some((at, target)) = take(next, &args.targets) {
                    if sender.send((at, grab::grab(target, timeout))).is_err() {
                        // Nobody listens any more: the output has failed.
                        return;
                    }
                }
            })?;
        }
        drop(sender);
        print(&args.targets, answers)
    })
}

fn take<'a>(next: &AtomicUsize, targets: &'a [Target]) -> Option<(usize, &'a Target)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    targets.get(at).map(|target| (at, target))
}

/// Prints the answers in the order of the arguments, each as soon as those before it are there.
fn print(
    targets: &[Target],
    answers: impl IntoIterator<Item = (usize, Result<grab::Offer, grab::Error>)>,
) -> io::Result<Verdict> {
    let (mut early, mut worst, mut targets) = (BTreeMap::new(), Verdict::Sound, targets.iter().enumerate());
    let mut expected = targets.next();
    for (at, answer) in answers {
        early.insert(at, answer);
        while let Some((at, target)) = expected
            && let Some(answer) = early.remove(&at)
        {
            let verdict = match answer {
                Ok(offer) => report::offer(&mut io::stdout().lock(), target, &offer)?,
                Err(error) => {
                    writeln!(io::stderr(), "{target}: {error}")?;
                    Verdict::Failed
                }
            };
            worst = worst.max(verdict);
            expected = targets.next();
        }
    }
    Ok(worst)
}
