//! The jobs as other clients do them, each as a user of it would write it, with its defaults.

#![forbid(unsafe_code)]

mod libssh2;
mod russh;

#[path = "../../src/job.rs"]
#[allow(dead_code, reason = "`compare` writes the arguments that are read here")]
mod job;

use std::error::Error;
use std::process::ExitCode;

use job::{Answer, Job};
use rustix::time::{ClockId, clock_gettime};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    match run() {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<Answer> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (client, job) = arguments.split_first().ok_or("the client's name and a job, please")?;
    let job = Job::from_arguments(job)?;
    let value = match client.as_str() {
        "russh" => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(russh::run(&job))?
        }
        "russh, one thread" => {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(russh::run(&job))?
        }
        "libssh2" => libssh2::run(&job)?,
        other => return Err(format!("no client {other:?}").into()),
    };
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = u64::try_from(cpu.tv_sec)? * 1_000_000_000 + u64::try_from(cpu.tv_nsec)?;
    Ok(Answer { cpu, value })
}
