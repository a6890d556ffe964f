//! The jobs as this library does them.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use ssh_client::blocking::{Channel, Session};
use ssh_client::host_key::InsecureAcceptAny;
use ssh_client::{Config, Credential, Exit, HostMemory};

use crate::job::{Answer, Job, SINK, Work, median};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Does the job in this process.
pub(crate) fn run(job: &Job) -> Outcome<Answer> {
    let value = match job.work {
        Work::Handshakes => handshakes(job, &config(job)?)?,
        Work::Reconnects => handshakes(job, &config(job)?.memory(&HostMemory::new()))?,
        work => {
            let session = connect(job, TcpStream::connect(job.addr)?, &config(job)?)?;
            match work {
                Work::Download => download(job, spawn(job, &session)?)?,
                Work::DownloadWatched => {
                    let channel = spawn(job, &session)?;
                    let _readiness = channel.readiness()?;
                    download(job, channel)?
                }
                Work::DownloadBeside => {
                    let _unread = session.command("cat /dev/zero").spawn()?;
                    download(job, spawn(job, &session)?)?
                }
                Work::Upload => upload(job, &session)?,
                Work::Sequential => {
                    for _ in 0..job.amount {
                        run_true(&session)?;
                    }
                    0
                }
                Work::Concurrent => concurrent(job, &session)?,
                Work::Echo | Work::Handshakes | Work::Reconnects => echo(job, &session)?,
            }
        }
    };
    Ok(Answer { cpu: cpu()?, value })
}

/// What this process has used so far, in nanoseconds.
pub(crate) fn cpu() -> Outcome<u64> {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    Ok(u64::try_from(cpu.tv_sec)? * 1_000_000_000 + u64::try_from(cpu.tv_nsec)?)
}

pub(crate) fn config(job: &Job) -> Outcome<Config> {
    let config = Config::new(&job.user).host_key(InsecureAcceptAny);
    let mut algorithms = config.offered().clone();
    for list in [&mut algorithms.cipher_c2s, &mut algorithms.cipher_s2c] {
        *list = vec![job.cipher.clone()];
    }
    if let Some(mac) = &job.mac {
        for list in [&mut algorithms.mac_c2s, &mut algorithms.mac_s2c] {
            *list = vec![mac.clone()];
        }
    }
    let key = Credential::key_file(&job.key, None, config.provider())?;
    Ok(config.algorithms(algorithms).credential(key))
}

fn connect(job: &Job, stream: TcpStream, config: &Config) -> Outcome<Session> {
    Ok(Session::connect_over(stream, "127.0.0.1", job.addr.port(), config)?)
}

fn spawn(job: &Job, session: &Session) -> Outcome<Channel> {
    Ok(session.command(job.source()).spawn()?)
}

fn download(job: &Job, mut channel: Channel) -> Outcome<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut received = 0;
    loop {
        match channel.read(&mut buffer)? {
            0 => break,
            n => received += n as u64,
        }
    }
    if received != job.amount {
        return Err(format!("{received} bytes instead of {}", job.amount).into());
    }
    succeeded(&channel)?;
    Ok(0)
}

fn upload(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = session.command(SINK).spawn()?;
    let buffer = vec![0; 256 << 10];
    let mut left = job.amount;
    while left > 0 {
        let n = left.min(buffer.len() as u64);
        channel.write_all(&buffer[..usize::try_from(n)?])?;
        left -= n;
    }
    channel.shutdown_write()?;
    succeeded(&channel)?;
    Ok(0)
}

fn handshakes(job: &Job, config: &Config) -> Outcome<u64> {
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let stream = TcpStream::connect(job.addr)?;
        let start = Instant::now();
        let session = connect(job, stream, config)?;
        run_true(&session)?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    Ok(median(times))
}

fn concurrent(job: &Job, session: &Session) -> Outcome<u64> {
    thread::scope(|scope| {
        let runs: Vec<_> = (0..job.amount).map(|_| scope.spawn(|| run_true(session))).collect();
        for run in runs {
            run.join().map_err(|_| "a thread panicked")??;
        }
        Ok(0)
    })
}

fn echo(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = session.command("cat").spawn()?;
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let start = Instant::now();
        channel.write_all(b"x")?;
        channel.read_exact(&mut [0])?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    channel.shutdown_write()?;
    succeeded(&channel)?;
    Ok(median(times))
}

fn run_true(session: &Session) -> Outcome<()> {
    match session.command("true").status()? {
        Some(Exit::Status(0)) => Ok(()),
        other => Err(format!("true ended with {other:?}").into()),
    }
}

fn succeeded(channel: &Channel) -> Outcome<()> {
    match channel.wait(None)? {
        Some(Exit::Status(0)) => Ok(()),
        other => Err(format!("the command ended with {other:?}").into()),
    }
}
