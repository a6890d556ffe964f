//! The crate russh.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{ChannelMsg, Preferred, cipher, mac};
use tokio::io::AsyncWriteExt;

use crate::Outcome;
use crate::job::{Job, SINK, Work, median};

struct AcceptAny;

impl client::Handler for AcceptAny {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

pub(crate) async fn run(job: &Job) -> Outcome<u64> {
    if matches!(job.work, Work::Handshakes | Work::Reconnects) {
        return handshakes(job).await;
    }
    let (config, key) = prepared(job)?;
    let session = connect(job, config, key).await?;
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
        Work::Concurrent => {
            futures::future::try_join_all((0..job.amount).map(|_| run_true(&session))).await?;
            Ok(0)
        }
        Work::Echo | Work::Handshakes | Work::Reconnects => echo(job, &session).await,
    }
}

fn prepared(job: &Job) -> Outcome<(Arc<client::Config>, Arc<PrivateKey>)> {
    let mut preferred = Preferred {
        cipher: Cow::Owned(vec![cipher::Name::try_from(job.cipher.as_str()).map_err(|()| "unknown cipher")?]),
        ..Preferred::default()
    };
    if let Some(name) = &job.mac {
        preferred.mac = Cow::Owned(vec![mac::Name::try_from(name.as_str()).map_err(|()| "unknown MAC")?]);
    }
    let config = client::Config { preferred, ..client::Config::default() };
    Ok((Arc::new(config), Arc::new(load_secret_key(&job.key, None)?)))
}

async fn connect(job: &Job, config: Arc<client::Config>, key: Arc<PrivateKey>) -> Outcome<Handle<AcceptAny>> {
    let mut session = client::connect(config, job.addr, AcceptAny).await?;
    let key = PrivateKeyWithHashAlg::new(key, None);
    if !session.authenticate_publickey(&job.user, key).await?.success() {
        return Err("the key was refused".into());
    }
    Ok(session)
}

async fn download(job: &Job, session: &Handle<AcceptAny>) -> Outcome<u64> {
    let mut channel = session.channel_open_session().await?;
    channel.exec(true, job.source()).await?;
    let mut received = 0;
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::Data { data } = message {
            received += data.len() as u64;
        }
    }
    if received != job.amount {
        return Err(format!("{received} bytes instead of {}", job.amount).into());
    }
    Ok(0)
}

async fn upload(job: &Job, session: &Handle<AcceptAny>) -> Outcome<u64> {
    let mut channel = session.channel_open_session().await?;
    channel.exec(true, SINK).await?;
    let buffer = vec![0; 256 << 10];
    let mut writer = channel.make_writer();
    let mut left = job.amount;
    while left > 0 {
        let n = left.min(buffer.len() as u64);
        writer.write_all(&buffer[..usize::try_from(n)?]).await?;
        left -= n;
    }
    writer.shutdown().await?;
    drop(writer);
    finish(&mut channel).await
}

async fn handshakes(job: &Job) -> Outcome<u64> {
    let (config, key) = prepared(job)?;
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let start = Instant::now();
        let session = connect(job, Arc::clone(&config), Arc::clone(&key)).await?;
        run_true(&session).await?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    Ok(median(times))
}

async fn echo(job: &Job, session: &Handle<AcceptAny>) -> Outcome<u64> {
    let mut channel = session.channel_open_session().await?;
    channel.exec(true, "cat").await?;
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let start = Instant::now();
        channel.data_bytes(&b"x"[..]).await?;
        while !matches!(channel.wait().await.ok_or("the channel ended")?, ChannelMsg::Data { .. }) {}
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    channel.eof().await?;
    finish(&mut channel).await?;
    Ok(median(times))
}

async fn run_true(session: &Handle<AcceptAny>) -> Outcome<()> {
    let mut channel = session.channel_open_session().await?;
    channel.exec(true, "true").await?;
    finish(&mut channel).await.map(drop)
}

async fn finish(channel: &mut russh::Channel<client::Msg>) -> Outcome<u64> {
    let mut status = None;
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::ExitStatus { exit_status } = message {
            status = Some(exit_status);
        }
    }
    if status == Some(0) { Ok(0) } else { Err(format!("the command ended with {status:?}").into()) }
}
