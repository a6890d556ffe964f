//! libssh2, through the crate ssh2.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use ssh2::{Channel, MethodType, Session};

use crate::Outcome;
use crate::job::{Job, SINK, Work, median};

pub(crate) fn run(job: &Job) -> Outcome<u64> {
    if matches!(job.work, Work::Handshakes | Work::Reconnects) {
        return handshakes(job);
    }
    let session = connect(job, TcpStream::connect(job.addr)?)?;
    match job.work {
        Work::Download => download(job, &session),
        Work::Upload => upload(job, &session),
        Work::DownloadWatched | Work::DownloadBeside => Err(format!("no {} here", job.work).into()),
        Work::Sequential => {
            for _ in 0..job.amount {
                finish(exec(&session, "true")?)?;
            }
            Ok(0)
        }
        Work::Concurrent => {
            // A blocking session: the channels are open beside each other, the calls follow one another.
            let channels: Vec<_> = (0..job.amount).map(|_| exec(&session, "true")).collect::<Outcome<_>>()?;
            channels.into_iter().try_for_each(finish)?;
            Ok(0)
        }
        Work::Echo | Work::Handshakes | Work::Reconnects => echo(job, &session),
    }
}

fn connect(job: &Job, stream: TcpStream) -> Outcome<Session> {
    let mut session = Session::new()?;
    for method in [MethodType::CryptCs, MethodType::CryptSc] {
        session.method_pref(method, &job.cipher)?;
    }
    if let Some(mac) = &job.mac {
        for method in [MethodType::MacCs, MethodType::MacSc] {
            session.method_pref(method, mac)?;
        }
    }
    session.set_tcp_stream(stream);
    session.handshake()?;
    session.userauth_pubkey_file(&job.user, None, &job.key, None)?;
    Ok(session)
}

fn exec(session: &Session, command: &str) -> Outcome<Channel> {
    let mut channel = session.channel_session()?;
    channel.exec(command)?;
    Ok(channel)
}

fn download(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = exec(session, &job.source())?;
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
    finish(channel)?;
    Ok(0)
}

fn upload(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = exec(session, SINK)?;
    let buffer = vec![0; 256 << 10];
    let mut left = job.amount;
    while left > 0 {
        let n = left.min(buffer.len() as u64);
        channel.write_all(&buffer[..usize::try_from(n)?])?;
        left -= n;
    }
    channel.send_eof()?;
    finish(channel)?;
    Ok(0)
}

fn handshakes(job: &Job) -> Outcome<u64> {
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let stream = TcpStream::connect(job.addr)?;
        let start = Instant::now();
        let session = connect(job, stream)?;
        finish(exec(&session, "true")?)?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
        session.disconnect(None, "done", None)?;
    }
    Ok(median(times))
}

fn echo(job: &Job, session: &Session) -> Outcome<u64> {
    let mut channel = exec(session, "cat")?;
    let mut times = Vec::new();
    for _ in 0..job.amount {
        let start = Instant::now();
        channel.write_all(b"x")?;
        channel.read_exact(&mut [0])?;
        times.push(u64::try_from(start.elapsed().as_nanos())?);
    }
    channel.send_eof()?;
    finish(channel)?;
    Ok(median(times))
}

fn finish(mut channel: Channel) -> Outcome<()> {
    let mut rest = Vec::new();
    channel.read_to_end(&mut rest)?;
    channel.wait_close()?;
    match channel.exit_status()? {
        0 => Ok(()),
        status => Err(format!("the command ended with {status}").into()),
    }
}
