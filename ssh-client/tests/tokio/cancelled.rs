//! Futures that are dropped before they are done, at each point where they can be: the session stays usable, and nothing
//! is lost but what their documentation says.

use crate::support::{PATIENCE, config_with_key};
use ssh_client::{Config, Error, Exit, Terminal, TerminalSize, tokio::Session};
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use testing::{KeyKind, Sshd, noise, polled};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::{sleep, timeout},
};

/// A step of what a session is used for.
type Step = fn(Session) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

macro_rules! steps {
    ($($name:literal: |$session:ident| $body:expr;)*) => {
        [$(($name, |$session: Session| Box::pin(async move { $body; Ok(()) }))),*] as [(&str, Step); _]
    };
}

async fn start(sshd: &Sshd) -> Session {
    Session::connect(("127.0.0.1", sshd.port()), &config_with_key(sshd, KeyKind::Ed25519)).await.unwrap()
}

#[tokio::test]
async fn dropped_anywhere_a_future_leaves_the_session_usable() {
    let name = "dropped_anywhere_a_future_leaves_the_session_usable";
    let Some(sshd) = Sshd::builder().config("MaxSessions 100\nAcceptEnv FRUIT").start_or_skip(name) else {
        return;
    };
    let session = start(&sshd).await;
    let steps = steps! {
        "exec, recv, wait": |session| {
            let channel = session.open_session().await?;
            channel.exec("echo out; echo err >&2; sleep 0.05; exit 3").await?;
            assert_eq!(channel.recv().await?, "out\n");
            assert_eq!(channel.stderr().recv().await?, "err\n");
            assert_eq!(channel.wait().await?, Some(Exit::Status(3)));
            channel.wait_closed().await?;
        };
        "pty, env, shell, read, write": |session| {
            let mut channel = session.open_session().await?;
            let size = TerminalSize { columns: 80, rows: 24, width: 0, height: 0 };
            let terminal = Terminal { term: "vt100".to_owned(), size, modes: Default::default() };
            channel.request_pty(&terminal).await?;
            channel.set_env("FRUIT", "plum").await?;
            channel.shell().await?;
            channel.write_all(b"exit 4\n").await.unwrap();
            channel.read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(channel.wait().await?, Some(Exit::Status(4)));
        };
        "requests": |session| {
            let channel = session.open_session().await?;
            assert!(channel.send_break(Duration::ZERO).await.is_err());
            assert!(channel.request("nonsense", b"").await.is_err());
            assert!(channel.subsystem("nothing").await.is_err());
            let requests = [("nonsense", Vec::new()), ("more nonsense", Vec::new())];
            assert_eq!(channel.request_all(&requests).await?, [false, false]);
        };
        "output": |session| {
            let output = session.command("cat; echo err >&2").stdin(noise(3_000_000)).output().await?;
            assert!(output.stdout == noise(3_000_000) && output.stderr == b"err\n");
        };
        "status": |session| {
            assert_eq!(session.command("exit 5").env("FRUIT", "fig").status().await?, Some(Exit::Status(5)));
        };
        "spawn, wait": |session| {
            let mut child = session.command("cat").spawn().await?;
            assert_eq!(child.wait().await?, Some(Exit::Status(0)));
        };
        "spawn, wait with output": |session| {
            let child = session.command("echo it").spawn().await?;
            assert_eq!(child.wait_with_output().await?.stdout, b"it\n");
        };
        "forward, accept": |session| {
            let forward = session.forward("127.0.0.1", 0).await?;
            let mut client = TcpStream::connect(("127.0.0.1", forward.port())).await.unwrap();
            let mut forwarded = forward.accept().await?.channel;
            client.write_all(b"ping").await.unwrap();
            forwarded.read_exact(&mut [0; 4]).await.unwrap();
            forwarded.shutdown().await.unwrap();
            assert_eq!(client.read_to_end(&mut Vec::new()).await.unwrap(), 0);
        };
        "ping, global request, recv any": |session| {
            session.ping().await?;
            assert!(!session.global_request("nonsense@example.com", true, &[]).await?.0);
            let channel = session.open_session().await?;
            channel.exec("echo out").await?;
            while channel.recv_any().await?.is_some() {}
        };
        "refused": |session| {
            assert!(session.open("nonsense", &[]).await.is_err());
            assert!(session.direct_tcpip("127.0.0.1", 1, ("127.0.0.1", 0)).await.is_err());
        };
    };
    for (what, step) in steps {
        for polls in 0.. {
            let done = timeout(PATIENCE, polled(polls, step(session.clone()))).await.expect(what);
            let output = session.command("echo usable").output().await.unwrap();
            assert_eq!(output.stdout, b"usable\n", "{what}: after {polls} polls");
            if let Some(result) = done {
                result.unwrap();
                break;
            }
        }
    }
    // What waits until the session ends, and what ends it.
    assert!(polled(1, session.wait()).await.is_none());
    assert!(polled(0, session.close()).await.is_none());
    assert!(session.is_active());
    assert!(polled(1, session.close()).await.is_none());
    assert!(!session.is_active());
    timeout(PATIENCE, session.close()).await.unwrap();
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

/// Waits until all tasks are gone.
async fn no_task_is_left(what: &str) {
    let start = Instant::now();
    while Handle::current().metrics().num_alive_tasks() > 0 {
        assert!(start.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn connecting_can_be_given_up_anywhere() {
    let Some(sshd) = Sshd::start_or_skip("connecting_can_be_given_up_anywhere") else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    for polls in 0.. {
        let address = ("127.0.0.1", sshd.port());
        let Some(session) = polled(polls, Session::connect(address, &config)).await else {
            no_task_is_left("after connecting was given up").await;
            continue;
        };
        assert!(session.unwrap().command("true").output().await.unwrap().success());
        break;
    }
    no_task_is_left("after the session").await;
}

#[tokio::test]
async fn an_authentication_given_up_ends_the_connection() {
    let Some(sshd) = Sshd::start_or_skip("an_authentication_given_up_ends_the_connection") else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519);
    let stream = || TcpStream::connect(sshd.addr());
    let handshake = async |config: &Config| {
        let stream = stream().await.unwrap();
        Session::handshake(stream, "127.0.0.1", sshd.port(), config).await.unwrap()
    };
    let mut login = handshake(&config).await.accept().await.unwrap();
    assert!(polled(1, login.authenticate_with(&[])).await.is_none());
    assert!(login.authenticate_with(&[]).await.is_err());
    drop(login);
    // The policy has answered by then, or has not.
    drop(polled(1, handshake(&config).await.verify()).await);
    no_task_is_left("after it was given up").await;
    assert!(handshake(&config).await.verify().await.unwrap().authenticate().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_writes_that_are_dropped_lose_nothing() {
    let Some(sshd) = Sshd::start_or_skip("reads_and_writes_that_are_dropped_lose_nothing") else { return };
    let session = start(&sshd).await;
    let channel = session.open_session().await.unwrap();
    channel.exec("cat").await.unwrap();
    let (mut reader, mut writer) = channel.into_split();
    let input = Arc::new(noise(8 << 20));
    let feed = tokio::spawn({
        let input = input.clone();
        async move {
            let mut at = 0;
            while at < input.len() {
                match polled(1, writer.write(&input[at..])).await {
                    Some(written) => at += written.unwrap(),
                    None => tokio::task::yield_now().await,
                }
            }
            writer.shutdown().await.unwrap();
        }
    });
    let mut output = Vec::new();
    let mut buffer = vec![0; 10_000];
    for turn in 0.. {
        // Both ways to read, in turns.
        let n = match turn % 2 {
            0 => polled(1, reader.recv()).await.map(|chunk| {
                let chunk = chunk.unwrap();
                output.extend_from_slice(&chunk);
                chunk.len()
            }),
            _ => polled(1, reader.read(&mut buffer)).await.map(|n| {
                let n = n.unwrap();
                output.extend_from_slice(&buffer[..n]);
                n
            }),
        };
        match n {
            Some(0) => break,
            Some(_) => {}
            None => tokio::task::yield_now().await,
        }
    }
    feed.await.unwrap();
    assert!(output == *input);
}

#[tokio::test]
async fn a_port_that_nobody_waits_for_is_given_back() {
    let Some(sshd) = Sshd::start_or_skip("a_port_that_nobody_waits_for_is_given_back") else { return };
    let session = start(&sshd).await;
    let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    let is_given_back = async || {
        // The first answer comes behind that to the forwarding, the second behind that to what it leads to.
        session.ping().await.unwrap();
        session.ping().await.unwrap();
        TcpListener::bind(("127.0.0.1", port)).await.is_ok()
    };
    // Before the answer …
    assert!(polled(1, session.forward("127.0.0.1", port)).await.is_none());
    assert!(is_given_back().await);
    // … when it is there, and was not looked at …
    let mut asked = Box::pin(session.forward("127.0.0.1", port));
    assert!(polled(1, &mut asked).await.is_none());
    session.ping().await.unwrap();
    let client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    session.ping().await.unwrap();
    drop(asked);
    assert!(is_given_back().await);
    assert_eq!({ client }.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    // … and afterwards.
    drop(session.forward("127.0.0.1", port).await.unwrap());
    assert!(is_given_back().await);
}

#[tokio::test]
async fn a_connection_that_nobody_accepts_is_not_lost() {
    let Some(sshd) = Sshd::start_or_skip("a_connection_that_nobody_accepts_is_not_lost") else { return };
    let session = start(&sshd).await;
    let forward = session.forward("127.0.0.1", 0).await.unwrap();
    assert!(polled(1, forward.accept()).await.is_none());
    let client = TcpStream::connect(("127.0.0.1", forward.port())).await.unwrap();
    session.ping().await.unwrap();
    let _ = polled(0, forward.accept()).await;
    let forwarded = timeout(PATIENCE, forward.accept()).await.unwrap().unwrap();
    assert_eq!(u32::from(client.local_addr().unwrap().port()), forwarded.originator_port);
}
