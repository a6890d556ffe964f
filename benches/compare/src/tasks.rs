//! This library's API for tasks, on a runtime of one thread.

use std::time::Instant;

use ssh_client::tokio::{Channel, Session};
use ssh_client::{Config, Exit, HostMemory};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::job::{Answer, Job, SINK, Work, median};
use crate::ours::{Outcome, config, cpu};

pub(crate) fn run(job: &Job) -> Outcome<Answer> {
    let value = Builder::new_current_thread().enable_all().build()?.block_on(work(job))?;
    Ok(Answer { cpu: cpu()?, value })
}

async fn work(job: &Job) -> Outcome<u64> {
    match job.work {
        Work::Handshakes => return handshakes(job, &config(job)?).await,
        Work::Reconnects => return handshakes(job, &config(job)?.memory(&HostMemory::new())).await,
        _ => {}
    }
    let session = connect(job, TcpStream::connect(job.addr).await?, &config(job)?).await?;
    match job.work {
        Work::Download => download(job, &session).await,
        Work::Upload => upload(job, &session).await,
        Work::DownloadWatched | Work::DownloadBeside => Err(format!("no {} here", job.work).into()),
        Work::Sequential => {
            for _ in 0..job.amount {
                run_true(&session).await?;
            }
            Ok(0)
        }
        Work::Concurrent => concurrent(job, &session).await,
        Work::Echo | Work::Handshakes | Work::Reconnects => echo(job, &session).await,
    }
}

async fn connect(job: &Job, stream: TcpStream, config: &Config) -> Outcome<Session> {
    stream.set_nodelay(true)?;
    Ok(Session::connect_over(stream, "127.0.0.1", job.addr.port(), config).await?)
}

async fn start(session: &Session, command: &str) -> Outcome<Channel> {
    let channel = session.open_session().await?;
    channel.exec(command).await?;
    Ok(channel)
}

async fn download(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = start(session, &job.source()).await?;
    let mut buffer = vec![0; 256 << 10];
    let mut received = 0;
    loop {
        match channel.read(&mut buffer).await? {
            0 => break,
            n => received += n as u64,
        }
    }
    if received != job.amount {
        return Err(format!("{received} bytes instead of {}", job.amount).into());
    }
    succeeded(&channel).await?;
    Ok(0)
}

async fn upload(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = start(session, SINK).await?;
    let buffer = vec![0; 256 << 10];
    let mut left = job.amount;
    while left > 0 {
        let n = left.min(buffer.len() as u64);
        channel.write_all(&buffer[..usize::try_from(n)?]).await?;
        left -= n;
    }
    channel.shutdown().await?;
    succeeded(&channel).await?;
    Ok(0)
}

/// Connects anew for every command.
async fn handshakes(job: &Job, config: &Config) -> Outcome<u64> {
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let stream = TcpStream::connect(job.addr).await?;
        let start = Instant::now();
        run_true(&connect(job, stream, config).await?).await?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    Ok(median(times))
}

async fn concurrent(job: &Job, session: &Session) -> Outcome<u64> {
    let mut runs = JoinSet::new();
    for _ in 0..job.amount {
        let session = session.clone();
        runs.spawn(async move { run_true(&session).await });
    }
    while let Some(run) = runs.join_next().await {
        run??;
    }
    Ok(0)
}

async fn echo(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = start(session, "cat").await?;
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let start = Instant::now();
        channel.write_all(b"x").await?;
        channel.read_exact(&mut [0]).await?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    channel.shutdown().await?;
    succeeded(&channel).await?;
    Ok(median(times))
}

async fn run_true(session: &Session) -> Outcome<()> {
    match session.command("true").status().await? {
        Some(Exit::Status(0)) => Ok(()),
        other => Err(format!("true ended with {other:?}").into()),
    }
}

async fn succeeded(channel: &Channel) -> Outcome<()> {
    match channel.wait().await? {
        Some(Exit::Status(0)) => Ok(()),
        other => Err(format!("the command ended with {other:?}").into()),
    }
}
