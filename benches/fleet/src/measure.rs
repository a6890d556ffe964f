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
use tokio::{runtime::Handle, time::sleep};

/// Longer than any thread for what blocks waits for more.
const PATIENCE: Duration = Duration::from_secs(30);

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
    servers_allocated: usize,
    servers_threads: u64,
    servers_cpu: Duration,
    at: Instant,
}

impl Snapshot {
    fn take(servers: &mut Servers) -> Outcome<Self> {
        let servers_allocated = servers.allocated()?;
        let (client, servers) = (this::id(), servers.pid());
        Ok(Self {
            resident: process::resident(client)?,
            allocated: ALLOCATOR.current_usage(),
            threads: process::threads(client)?,
            cpu: process::cpu()?,
            servers_resident: process::resident(servers)?,
            servers_allocated,
            servers_threads: process::threads(servers)?,
            servers_cpu: process::cpu_of(servers)?,
            at: Instant::now(),
        })
    }

    /// Waits until both processes have only the main thread and their runtime's workers, if they ever do.
    async fn at_rest(servers: &mut Servers) -> Outcome<Self> {
        let own = Handle::current().metrics().num_workers() as u64 + 1;
        let start = Instant::now();
        loop {
            let now = Self::take(servers)?;
            if (now.threads, now.servers_threads) == (own, own) || start.elapsed() > PATIENCE {
                return Ok(now);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) async fn all_rows(options: &Options) -> Outcome<Vec<Row>> {
    let mut servers = Servers::start(options.addresses, None)?;
    let config = Arc::new(servers.config.clone());
    let (count, jobs) = (options.sessions, usize::from(options.jobs));
    let addresses = servers.addresses.clone();
    let addresses = || addresses.iter().copied().cycle();

    // What is made once and kept is there from here on.
    for address in addresses().take(2) {
        connect(address, config.clone()).await?.session.close().await;
    }
    let before = Snapshot::at_rest(&mut servers).await?;
    let connected = all(addresses().take(count as usize), jobs, |to| connect(to, config.clone())).await?;
    let idle: Vec<Idle> = connected.into_iter().collect::<Result<_, _>>()?;
    let after = Snapshot::take(&mut servers)?;
    sleep(Duration::from_secs(options.settle)).await;
    let settled = Snapshot::at_rest(&mut servers).await?;

    let commands = || iter::repeat_n(&idle, options.commands as usize).flatten();
    let ran = all(commands().map(|idle| idle.session.clone()), jobs, exec).await?;
    let runs = ran.len();
    ran.into_iter().collect::<Outcome<()>>()?;
    let end = Snapshot::take(&mut servers)?;
    sleep(Duration::from_secs(options.settle)).await;
    let last = Snapshot::at_rest(&mut servers).await?;
    // What follows counts descriptors.
    all(idle, jobs, |idle| async move { idle.session.close().await }).await?;

    let each = |after: u64, before: u64| kib(after.saturating_sub(before) as f64 / f64::from(count));
    let threads = |of: fn(&Snapshot) -> u64| {
        [&before, &after, &settled, &last].map(|snapshot| of(snapshot).to_string()).join(", ")
    };
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
            "of the servers' allocated by Rust code",
            each(settled.servers_allocated as u64, before.servers_allocated as u64),
        ),
        Row::new(
            "of the servers' allocated by Rust code when each has run commands",
            each(last.servers_allocated as u64, before.servers_allocated as u64),
        ),
        Row::new("threads before, while connecting, idle, and idle after commands", threads(|of| of.threads)),
        Row::new("the same of the servers' threads", threads(|of| of.servers_threads)),
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
