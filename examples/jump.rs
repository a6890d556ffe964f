//! Reaches a machine by way of another: a session runs inside a channel of a session.
//!
//! ```text
//! cargo run -p examples --bin jump -- alice@gate.example.com alice@inner.example.com:22 hostname
//! ```
//!
//! The machine in between carries the inner session's bytes and can neither read nor change them: keys, host key check
//! and authentication are between this program and the inner machine.

use clap::Parser;
use examples::{Target, config, end};
use ssh_client::blocking::Session;
use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

/// Runs a command on a machine that only another one can reach.
#[derive(Parser)]
struct Args {
    /// The machine in between: user@host or user@host:port
    via: Target,
    /// The machine behind it, as the one in between knows it: user@host or user@host:port
    target: Target,
    /// What to run there
    command: String,
}

fn main() -> ExitCode {
    end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    let (via, target) = (&args.via, &args.target);
    let gate = Session::connect(via.address(), &config(&via.user)?)?;

    // The gate connects to the inner machine, and the channel is that connection: a stream like a socket.
    let channel = gate.direct_tcpip(&target.host, target.port, ("127.0.0.1", 0))?;
    let inner = Session::connect_over(channel, &target.host, target.port, &config(&target.user)?)?;

    let output = inner.command(&*args.command).output()?;
    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;
    Ok(if output.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
