//! No task, no descriptor and no memory stays behind. A file of its own, for it counts those of the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod counted;

use counted::{Break, descriptors, memory};
use ssh_client::{Config, Credential, Timeouts, host_key::InsecureAcceptAny, tokio::Session};
use std::{
    iter,
    time::{Duration, Instant},
};
use testing::{Cut, Direction, KeyKind, Proxy, Sshd};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Handle,
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until tasks and descriptors are as many as they were.
async fn settle(what: &str, tasks: usize, open: usize) {
    let start = Instant::now();
    loop {
        let now = (Handle::current().metrics().num_alive_tasks(), descriptors());
        if now == (tasks, open) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: {now:?} tasks and descriptors, not {:?}", (tasks, open));
        sleep(Duration::from_millis(5)).await;
    }
}

/// How a session meets its end.
#[derive(Debug, Clone, Copy)]
enum End {
    Dropped,
    Closed,
    NetworkCut(Cut),
    NetworkDead,
    PeerStopsReading,
}

async fn live_and_die(sshd: &Sshd, config: &Config, end: End) {
    let proxy = Proxy::start(sshd.addr());
    let session = Session::connect(("127.0.0.1", proxy.port()), config).await.unwrap();
    // Some that wait, each for another thing.
    let channel = session.open_session().await.unwrap();
    channel.exec("exec cat /dev/zero").await.unwrap();
    let (mut reader, mut writer) = channel.into_split();
    reader.read_exact(&mut vec![0; 1 << 20]).await.unwrap();
    let write = tokio::spawn(async move { while writer.write_all(&[0; 100_000]).await.is_ok() {} });
    let idle = session.command("exec sleep 1000").spawn().await.unwrap();
    let wait = tokio::spawn(async move { idle.wait_with_output().await });
    match end {
        End::Dropped => {
            wait.abort();
            write.abort();
        }
        End::Closed => session.close().await,
        End::NetworkCut(how) => proxy.cut(how),
        End::NetworkDead => proxy.stall(Direction::ToClient),
        End::PeerStopsReading => {
            proxy.stall(Direction::ToServer);
            proxy.stall(Direction::ToClient);
        }
    }
    if !matches!(end, End::Dropped) {
        let error = timeout(PATIENCE, session.wait()).await.unwrap();
        assert!(timeout(PATIENCE, wait).await.unwrap().unwrap().is_err(), "{end:?}: {error}");
        timeout(PATIENCE, write).await.unwrap().unwrap();
        assert!(session.open_session().await.is_err());
    }
}

#[tokio::test]
async fn nothing_stays_behind() {
    let Some(sshd) = Sshd::start_or_skip("nothing_stays_behind") else { return };
    let timeouts = Timeouts { close: Duration::from_millis(200), ..Timeouts::default() };
    let base = Config::new(sshd.user()).host_key(InsecureAcceptAny).timeouts(timeouts);
    let base = base.keepalive(Duration::from_millis(200), 2);
    let path = sshd.user_key_path(KeyKind::Ed25519);
    let config = base.clone().credential(Credential::key_file(path, None, base.provider()).unwrap());
    let ends = [
        End::Dropped,
        End::Closed,
        End::NetworkCut(Cut::Fin),
        End::NetworkCut(Cut::Reset),
        End::NetworkDead,
        End::PeerStopsReading,
    ];
    // What is made once and kept, threads for what blocks among it, is there from here on.
    live_and_die(&sshd, &config, End::Closed).await;
    let start = Instant::now();
    while Handle::current().metrics().num_alive_tasks() > 0 {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
    let open = descriptors();
    let mut after_round = Vec::new();
    for _ in 0..6 {
        for end in ends {
            live_and_die(&sshd, &config, end).await;
            settle(&format!("{end:?}"), 0, open).await;
        }
        after_round.push(memory());
    }
    // Each session had more than this in its inbox and its output.
    let grown = after_round[5].saturating_sub(after_round[1]);
    assert!(grown < 4 * ends.len() * 1024, "{after_round:?} KiB after each round");

    let short = Some(Duration::from_millis(200));
    let timeouts = Timeouts { handshake: short, authentication: short, ..timeouts };
    let hasty = config.clone().timeouts(timeouts);
    for end in Break::all() {
        let proxy = end.proxy(sshd.addr());
        let connecting = Session::connect(("127.0.0.1", proxy.port()), &hasty);
        assert!(timeout(PATIENCE, connecting).await.unwrap().is_err() || end.may_be_late(), "{end:?}");
        drop(proxy);
        settle(&format!("{end:?}"), 0, open).await;
    }

    // The peer is killed.
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).await.unwrap();
    let waiting: Vec<_> = iter::repeat_with(|| session.clone())
        .take(8)
        .map(|session| tokio::spawn(async move { session.command("exec sleep 1000").output().await }))
        .collect();
    session.ping().await.unwrap();
    drop(sshd);
    for task in waiting {
        assert!(timeout(PATIENCE, task).await.unwrap().unwrap().is_err());
    }
    drop(session);
    let start = Instant::now();
    while Handle::current().metrics().num_alive_tasks() > 0 || descriptors() > open {
        assert!(start.elapsed() < PATIENCE, "{} descriptors, not {open}", descriptors());
        sleep(Duration::from_millis(5)).await;
    }
}
