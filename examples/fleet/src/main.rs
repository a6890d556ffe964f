//! Runs one command on many hosts at once.
//!
//! ```text
//! cargo run -p fleet -- 'uptime' alice@one.example alice@two.example:2222
//! cargo run -p fleet -- --hosts all.txt --jobs 200 --timeout 60 --output logs 'apt-get -qy upgrade'
//! ```
//!
//! Host keys must stand in `known_hosts`; users log in with the keys of the agent, then with those of `~/.ssh`. Nothing
//! is asked. Each line of output comes with the host before it, or goes to files of the host's own (`--output`). At the
//! end stands what has failed, and why.
//!
//! The exit status is 0 if the command succeeded everywhere, 1 if it failed somewhere, and 2 if a host could not be
//! reached or logged in to, or its time was up; that is also the status of wrong arguments.

mod args;
mod credentials;
mod hosts;
mod limit;
mod lines;
mod report;
mod visit;

use args::Args;
use clap::Parser;
use report::Report;
use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};
use tokio::{runtime, sync::mpsc, task::JoinSet};
use visit::{Event, Plan};

/// Events that may wait until they are printed; hosts whose output is not printed fast enough wait.
const MAX_EVENTS: usize = 256;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(worst) => ExitCode::from(worst as u8),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(Verdict::Unreached as u8)
        }
    }
}

/// What a host is to the exit status; the worst of all counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Succeeded = 0,
    Failed = 1,
    Unreached = 2,
}

fn run(args: &Args) -> Result<Verdict, Box<dyn Error>> {
    let hosts: Arc<[_]> = hosts::all(&args.targets, &args.hosts)?.into();
    let plan = Arc::new(Plan::new(args, &hosts)?);
    let jobs = limit::fitting(args.jobs.into())?;

    // Hosts are visited by the threads of the runtime. This one prints, and may wait for whoever reads what it prints.
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let (events, received) = mpsc::channel(MAX_EVENTS);
    runtime.spawn(visit_all(plan, hosts.clone(), jobs, events));
    let worst = Report::new(&hosts).show(received);
    // After an error there are visits that nobody waits for.
    runtime.shutdown_background();
    Ok(worst?)
}

/// Visits all hosts, no more than `jobs` at a time.
async fn visit_all(plan: Arc<Plan>, hosts: Arc<[hosts::Host]>, jobs: usize, events: mpsc::Sender<Event>) {
    let mut visits = JoinSet::new();
    for at in 0..hosts.len() {
        if visits.len() >= jobs {
            visits.join_next().await;
        }
        let (plan, hosts, events) = (plan.clone(), hosts.clone(), events.clone());
        visits.spawn(async move { plan.visit(at, &hosts[at], events).await });
    }
    visits.join_all().await;
}
