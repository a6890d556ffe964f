//! This library beside other clients, against the same server, in the same run:
//!
//! ```sh
//! cargo run --release -p compare -- --quick    # five minutes
//! cargo run --release -p compare               # half an hour, for numbers to publish
//! ```
//!
//! Each sample is a process of its own: one of this program for the library, OpenSSH's `ssh`, or one of the program
//! `peers`, which is built in its own folder because it needs what the library does not (Debian: `libssl-dev
//! pkg-config`). Where that cannot be built, the others are compared. Clients take turns, so that a disturbance hits all.
//! What starting and connecting costs is measured apart and subtracted.

mod client;
mod job;
mod ours;
mod own;
mod plan;
mod report;
mod tasks;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{fs, thread};

use clap::Parser;
use testing::Sshd;

use client::Client;
use job::{Answer, Job};
use ours::Outcome;
use plan::{Amounts, Place};
use report::{Results, Row};

#[derive(Parser)]
#[command(about = "Compares this library with other SSH clients")]
struct Options {
    /// Fewer rounds and smaller amounts: about five minutes
    #[arg(long, conflicts_with = "smoke")]
    quick: bool,

    /// Next to nothing of everything, to see whether it works
    #[arg(long)]
    smoke: bool,

    /// Only what has this text in its title
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,

    /// How often everything is measured
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,

    /// With the OpenSSH that testing/servers/unpack-newer has put into target
    #[arg(long)]
    newer: bool,

    /// Leave out the clients that have to be built first
    #[arg(long)]
    no_peers: bool,

    /// Where results.md and results.svg go
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results"))]
    output: PathBuf,
}

fn main() -> ExitCode {
    // A process that does one job: see client.rs.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, job)) if first == "work" => work(ours::run, job),
        Some((first, job)) if first == "work-tokio" => work(tasks::run, job),
        Some((first, job)) if first == "work-tcp" => work(own::run_tcp, job),
        Some((first, rest)) if first == "serve" => own::serve(rest),
        _ => compare(&Options::parse()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("compare: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn work(run: fn(&Job) -> Outcome<Answer>, arguments: &[String]) -> Outcome<()> {
    use std::io::Write;
    let answer = run(&Job::from_arguments(arguments)?)?;
    writeln!(std::io::stdout(), "{answer}")?;
    Ok(())
}

fn compare(options: &Options) -> Outcome<()> {
    let (amounts, rounds) = match (options.quick, options.smoke) {
        (true, _) => (Amounts::QUICK, 3),
        (_, true) => (Amounts::SMOKE, 1),
        _ => (Amounts::FULL, 7),
    };
    let rounds = options.rounds.unwrap_or(rounds);
    let sshd = if options.newer { Sshd::find_newer()? } else { Sshd::find().ok_or("no sshd found")? };
    let ssh = if options.newer { sshd.with_file_name("ssh") } else { PathBuf::from("ssh") };
    let clients = clients(&ssh, options.no_peers);
    let sshd = Sshd::builder()
        .binary(sshd)
        // One kind of host key for all clients, and more commands at once than it allows by default.
        .config("HostKeyAlgorithms ssh-ed25519")
        .config("MaxSessions 1000")
        // All that it knows by default, which the tests do without.
        .config("KexAlgorithms +curve25519-sha256")
        .start_or_skip("compare")
        .ok_or("no sshd found")?;
    let place = Place::new(sshd, amounts)?;

    let mut measurements = plan::all(&amounts);
    if let Some(text) = &options.only {
        measurements.retain(|measurement| measurement.title.contains(text.as_str()));
    }
    let mut results = Results {
        clients: clients.iter().map(Client::name).collect(),
        rows: Vec::new(),
        conditions: conditions(options, &ssh, rounds),
    };
    for measurement in &measurements {
        let rows = measurement.metrics.iter();
        results.rows.extend(rows.map(|metric| Row {
            measurement,
            metric,
            samples: vec![Vec::new(); clients.len()],
        }));
    }

    for round in 1..=rounds {
        let mut first = 0;
        for measurement in &measurements {
            say(&format!("round {round} of {rounds}: {}", measurement.title));
            for (index, sample) in place.samples(measurement, &clients).into_iter().enumerate() {
                match sample {
                    None => {}
                    Some(Err(error)) => return Err(format!("{}: {error}", clients[index].name()).into()),
                    Some(Ok(samples)) => {
                        for (row, sample) in results.rows[first..].iter_mut().zip(samples) {
                            row.samples[index].push(sample);
                        }
                    }
                }
            }
            first += measurement.metrics.len();
        }
        // Each time, so that a run that is cut short was not for nothing.
        fs::create_dir_all(&options.output)?;
        fs::write(options.output.join("results.md"), results.markdown())?;
        fs::write(options.output.join("results.svg"), results.svg()?)?;
    }
    say(&results.markdown());
    say(&format!("written to {}", options.output.display()));
    Ok(())
}

/// Those that this machine has, this library first.
fn clients(ssh: &Path, no_peers: bool) -> Vec<Client> {
    let mut clients = vec![Client::Ours, Client::OursTokio];
    if Command::new(ssh).arg("-V").stderr(Stdio::null()).status().is_ok() {
        clients.push(Client::OpenSsh { program: ssh.to_owned() });
    } else {
        say("no ssh found: OpenSSH is left out");
    }
    if !no_peers {
        match build_peers() {
            Ok(program) => {
                for name in ["russh", "russh, one thread", "libssh2"] {
                    clients.push(Client::Peer { name, program: program.clone() });
                }
            }
            Err(error) => say(&format!("russh and libssh2 are left out: {error}")),
        }
    }
    clients.push(Client::Tcp);
    clients
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn build_peers() -> Result<PathBuf, String> {
    let target = peers().join("target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(peers().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err("they could not be built (Debian: apt install libssl-dev pkg-config)".to_owned());
    }
    Ok(target.join("release/peers"))
}

fn conditions(options: &Options, ssh: &Path, rounds: usize) -> Vec<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("", |(_, name)| name);
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut command = "cargo run --release -p compare --".to_owned();
    for (set, flag) in [(options.quick, " --quick"), (options.smoke, " --smoke"), (options.newer, " --newer")]
    {
        command += if set { flag } else { "" };
    }
    if let Some(rounds) = options.rounds {
        command += &format!(" --rounds {rounds}");
    }
    let command = command.trim_end_matches(" --").to_owned();
    let mut clients = format!("ssh-client {}, {}", env!("CARGO_PKG_VERSION"), said_by(ssh, &["-V"]));
    if !options.no_peers {
        for package in ["russh", "ssh2", "libssh2-sys"] {
            clients += &locked(package).map(|version| format!(", {package} {version}")).unwrap_or_default();
        }
    }
    vec![
        format!("{}, `{command}`, {rounds} samples each", said_by("date".as_ref(), &["-u", "+%Y-%m-%d"])),
        format!("{cores} cores of {cpu}, all over loopback, sshd on the same machine"),
        clients,
    ]
}

/// The version of a package that `peers` is locked to.
fn locked(package: &str) -> Option<String> {
    let lock = fs::read_to_string(peers().join("Cargo.lock")).ok()?;
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    Some(lines.nth(1)?.strip_prefix("version = \"")?.trim_end_matches('"').to_owned())
}

/// The first line that a program prints.
fn said_by(program: &Path, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else { return String::new() };
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
