//! Thousands of sessions from one process, each to an address of its own if there are enough of them:
//!
//! ```sh
//! cargo run --release -p fleet-bench                     # 5,000 sessions
//! cargo run --release -p fleet-bench -- --sessions 500
//! ```
//!
//! It needs Linux, for the addresses of 127.0.0.0/8 and for what the kernel tells of a process. The servers are ours,
//! too, and run in a second process, so that memory and CPU are the client's alone. Each session logs in with an Ed25519
//! key and keeps one channel open. The keys are exchanged as by default.

mod limit;
mod measure;
mod process;
mod servers;
mod sessions;

use clap::Parser;
use measure::Row;
use peak_alloc::PeakAlloc;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// Counts what Rust code has allocated. What AWS-LC allocates is in the resident memory only.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Parser, Clone)]
#[command(about = "Measures thousands of sessions in one process")]
struct Options {
    /// How many sessions
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    sessions: u32,
    /// On how many addresses the servers listen
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    addresses: u16,
    /// How many connect, or run a command, at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Commands that each session runs
    #[arg(long, value_name = "N", default_value_t = 5)]
    commands: u32,
    /// Seconds to settle before memory is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    settle: u64,
    /// Next to nothing of everything, to see whether it works
    #[arg(long, conflicts_with_all = ["sessions", "addresses", "jobs", "commands", "settle"])]
    smoke: bool,
}

impl Options {
    const SMOKE: Self = Self { sessions: 12, addresses: 5, jobs: 4, commands: 2, settle: 0, smoke: true };
}

fn main() -> ExitCode {
    // The second process: see servers.rs.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "serve" => servers::run(rest),
        _ => bench(&Options::parse()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fleet-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How long a thread for what blocks, such as signing, waits for more. It is short, so that what is measured of sessions at
/// rest is theirs.
const KEEP_ALIVE: Duration = Duration::from_millis(500);

/// One for the client, or for all servers.
fn new_runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().thread_keep_alive(KEEP_ALIVE).build()
}

/// Descriptors for everything that is no session.
const RESERVED: u64 = 64;

fn bench(options: &Options) -> Outcome<()> {
    let options = if options.smoke { &Options::SMOKE } else { options };
    let needed = u64::from(options.sessions) + u64::from(options.addresses) + RESERVED;
    let limit = raise_descriptors()?;
    if needed > limit {
        return Err(
            format!("no more than {limit} files may be open, and {needed} are needed: ulimit -n").into()
        );
    }
    let runtime = new_runtime()?;
    let mut rows = runtime.block_on(measure::all_rows(options))?;
    rows.extend(runtime.block_on(limit::client(options))?);
    rows.extend(runtime.block_on(limit::server(options))?);
    runtime.shutdown_timeout(Duration::from_secs(1));
    print(options, &rows)
}

/// Lets this process open as many files as it may, and answers how many.
fn raise_descriptors() -> Outcome<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

fn print(options: &Options, rows: &[Row]) -> Outcome<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} sessions to {} addresses, {} at a time, {} processors.\n",
        options.sessions,
        options.addresses,
        options.jobs,
        std::thread::available_parallelism()?
    )?;
    writeln!(out, "| | |\n| --- | ---: |")?;
    for Row(what, value) in rows {
        writeln!(out, "| {what} | {value} |")?;
    }
    Ok(())
}
