//! Talks with an interactive program over a channel: sends a line, reads the answer, sends the next.
//!
//! The program is a shell, which keeps its state between the lines (`cd /tmp`, then `pwd`). Lines come from the standard
//! input:
//!
//! ```text
//! printf 'cd /tmp\npwd\nls | wc -l\n' | cargo run -p examples --bin shell -- alice@example.com
//! ```

use clap::Parser;
use examples::{Target, config, end};
use ssh_client::blocking::{Channel, Session};
use std::{
    error::Error,
    io::{self, BufRead, BufReader, Write},
    process::ExitCode,
    time::Duration,
};

/// Sends lines to a shell on another machine and shows the answer to each.
#[derive(Parser)]
struct Args {
    /// Where: user@host or user@host:port
    target: Target,
    /// Gives up when an answer takes longer
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

fn main() -> ExitCode {
    end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    let session = Session::connect(args.target.address(), &config(&args.target.user)?)?;
    let mut shell = Shell::start(&session, Duration::from_secs(args.seconds))?;
    for line in io::stdin().lines() {
        let line = line?;
        let (answer, status) = shell.ask(&line)?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "$ {line}")?;
        stdout.write_all(&answer)?;
        if status != "0" {
            writeln!(stdout, "(status {status})")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A shell that waits for the next line. It ends when it is dropped, with its channel.
struct Shell {
    channel: Channel,
    answers: BufReader<Channel>,
    /// What no command prints by chance.
    mark: String,
}

impl Shell {
    fn start(session: &Session, patience: Duration) -> Result<Self, ssh_client::Error> {
        let channel = session.open_session()?;
        // `Channel::shell` would start the user's own, and who knows which language that speaks.
        channel.exec("exec sh 2>&1")?;
        channel.set_read_timeout(Some(patience));
        let id: String = session.session_id().iter().map(|byte| format!("{byte:02x}")).collect();
        // Clones are the same channel: one reads while the other writes.
        Ok(Self { answers: BufReader::new(channel.clone()), channel, mark: format!("end {id} ") })
    }

    /// The answer to a line, and the status with which it ended. What the line runs must not read from its standard
    /// input: the next line is there.
    fn ask(&mut self, line: &str) -> io::Result<(Vec<u8>, String)> {
        // The mark begins a line of its own, even if the answer does not end one.
        write!(self.channel, "{line}\nprintf '\\n{}%s\\n' $?\n", self.mark)?;
        let mut answer = Vec::new();
        loop {
            let start = answer.len();
            if self.answers.read_until(b'\n', &mut answer)? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the shell has ended"));
            }
            if let Some(status) = answer[start..].strip_prefix(self.mark.as_bytes()) {
                let status = String::from_utf8_lossy(status).trim().to_owned();
                // The line end that the mark brought.
                answer.truncate(start.saturating_sub(1));
                return Ok((answer, status));
            }
        }
    }
}
