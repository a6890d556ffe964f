//! What is measured with all sessions there.

use crate::{
    ALLOCATOR, Options, Outcome, process,
    servers::Servers,
    sessions::{Idle, all, connect, exec},
};
use std::{
    iter, process as this,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// What was measured, and the value in words.
pub(crate) struct Row(pub(crate) String, pub(crate) String);

impl Row {
    pub(crate) fn new(what: &str, value: impl Into<String>) -> Self {
        Self(what.to_owned(), value.into())
    }
}

/// Memory, threads and CPU of the two processes.
struct Snapshot {
    resident: u64,
    allocated: usize,
    threads: u64,
    cpu: Duration,
    servers_resident: u64,
    servers_cpu: Duration,
    at: Instant,
}

impl Snapshot {
    fn take(servers: &Servers) -> Outcome<Self> {
        let (client, servers) = (this::id(), servers.pid());
        Ok(Self {
            resident: process::resident(client)?,
            allocated: ALLOCATOR.current_usage(),
            threads: process::threads(client)?,
            cpu: process::cpu()?,
            servers_resident: process::resident(servers)?,
            servers_cpu: process::cpu_of(servers)?,
            at: Instant::now(),
        })
    }
}

pub(crate) async fn all_rows(options: &Options) -> Outcome<Vec<Row>> {
    let servers = Servers::start(options.addresses, None)?;
    let config = Arc::new(servers.config.clone());
    let (count, jobs) = (options.sessions, usize::from(options.jobs));
    let addresses = || servers.addresses.iter().copied().cycle();

    // What is made once and kept is there from here on.
    for address in addresses().take(2) {
        drop(connect(address, config.clone()).await?);
    }
    let before = Snapshot::take(&servers)?;
    let connected = all(addresses().take(count as usize), jobs, |to| connect(to, config.clone())).await?;
    let idle: Vec<Idle> = connected.into_iter().collect::<Result<_, _>>()?;
    let after = Snapshot::take(&servers)?;
    sleep(Duration::from_secs(options.settle)).await;
    let settled = Snapshot::take(&servers)?;

    let commands = || iter::repeat_n(&idle, options.commands as usize).flatten();
    let ran = all(commands().map(|idle| idle.session.clone()), jobs, exec).await?;
    let runs = ran.len();
    ran.into_iter().collect::<Outcome<()>>()?;
    let end = Snapshot::take(&servers)?;
    sleep(Duration::from_secs(options.settle)).await;
    let last = Snapshot::take(&servers)?;
    // What follows counts descriptors.
    all(idle, jobs, |idle| async move { idle.session.close().await }).await?;

    let each = |after: u64, before: u64| kib(after.saturating_sub(before) as f64 / f64::from(count));
    let (connecting, running) = (after.at - before.at, end.at - settled.at);
    Ok(vec![
        Row::new("resident memory per idle session", each(settled.resident, before.resident)),
        Row::new("of that allocated by Rust code", each(settled.allocated as u64, before.allocated as u64)),
        Row::new("the same when each has run commands", each(last.resident, before.resident)),
        Row::new(
            "of that allocated by Rust code, then",
            each(last.allocated as u64, before.allocated as u64),
        ),
        Row::new(
            "resident memory per idle session of the servers",
            each(settled.servers_resident, before.servers_resident),
        ),
        Row::new(
            "threads before, while connecting, with all sessions idle",
            format!("{}, {}, {}", before.threads, after.threads, settled.threads),
        ),
        Row::new("connects per second", rate(u64::from(count), connecting)),
        Row::new("CPU per connect", ms(after.cpu - before.cpu, u64::from(count))),
        Row::new("the same of the servers", ms(after.servers_cpu - before.servers_cpu, u64::from(count))),
        Row::new("commands per second", rate(runs as u64, running)),
        Row::new("CPU per command", ms(end.cpu - settled.cpu, runs as u64)),
    ])
}

fn kib(bytes: f64) -> String {
    format!("{:.1} KiB", bytes / 1024.0)
}

fn rate(count: u64, time: Duration) -> String {
    format!("{:.0}", count as f64 / time.as_secs_f64())
}

fn ms(time: Duration, count: u64) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3 / count.max(1) as f64)
}
