//! Runs a command: its output, its errors, and its exit status as this program's own.
//!
//! ```text
//! cargo run -p examples --bin run_command -- alice@example.com:22 'uname -a'
//! ```

use clap::Parser;
use examples::{Target, config, end};
use ssh_client::{Exit, blocking::Session};
use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

/// Runs a command on another machine.
#[derive(Parser)]
struct Args {
    /// Where: user@host or user@host:port
    target: Target,
    /// What to run, in the words of the user's shell there
    command: String,
    /// Gives up when the command is silent for so long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

fn main() -> ExitCode {
    end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    // Connects, checks the host key and authenticates.
    let session = Session::connect(args.target.address(), &config(&args.target.user)?)?;

    let output = session.command(&*args.command).timeout(Duration::from_secs(args.seconds)).output()?;
    io::stdout().write_all(&output.stdout)?;
    io::stderr().write_all(&output.stderr)?;

    match output.exit {
        // Systems differ in how large a status may be; here it has a byte.
        Some(Exit::Status(status)) => Ok(ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))),
        Some(Exit::Signal(signal)) => Err(format!("ended by the signal {:?}", signal.name).into()),
        _ => Err("the server did not say how the command ended".into()),
    }
}
