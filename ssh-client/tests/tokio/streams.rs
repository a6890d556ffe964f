//! Streams, processes and drivers as tasks expect them.

use crate::support::{PATIENCE, config, config_with_key};
use ssh_client::{
    Config, Credential, ErrorKind, Exit, KeyPair, Phase, PrivateKey, Secret, Timeouts,
    auth::{ClientConfig, Event, Method, ServerConfig, ServerEvent},
    default_provider,
    host_key::{Decide, HostKey, HostKeyRefused, InsecureAcceptAny},
    kex,
    session::{
        Decision, Settings,
        tokio::{Connection, Driver},
    },
    tokio::Session,
};
use std::{
    pin::pin,
    sync::{Arc, mpsc},
    time::Duration,
};
use testing::{KeyKind, Sshd, noise};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional, duplex},
    net::{TcpListener, TcpStream},
    time::timeout,
};

async fn start(sshd: &Sshd) -> Session {
    Session::connect(("127.0.0.1", sshd.port()), &config_with_key(sshd, KeyKind::Ed25519)).await.unwrap()
}

#[tokio::test]
async fn a_child_has_the_pipes_of_a_process() {
    let Some(sshd) = Sshd::start_or_skip("a_child_has_the_pipes_of_a_process") else { return };
    let session = start(&sshd).await;
    let mut child = session
        .command("while read line; do echo got $line; done; echo end >&2; exit 6")
        .spawn()
        .await
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for word in ["one", "two"] {
        stdin.write_all(format!("{word}\n").as_bytes()).await.unwrap();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), format!("got {word}"));
    }
    drop(stdin);
    assert_eq!(lines.next_line().await.unwrap(), None);
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
    assert_eq!(errors, "end\n");
    assert_eq!(child.wait().await.unwrap(), Some(Exit::Status(6)));
}

#[tokio::test]
async fn a_child_is_killed() {
    // sshd delivers no signals to what root runs.
    let is_root = rustix::process::geteuid().is_root();
    let server = if is_root { Sshd::builder().password_user() } else { Sshd::builder() };
    let Some(sshd) = server.start_or_skip("a_child_is_killed") else { return };
    let mut config = config_with_key(&sshd, KeyKind::Ed25519);
    if let Some(password) = sshd.password() {
        config = config.password(password);
    }
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).await.unwrap();
    let mut child = session.command("echo in; exec sleep 1000").spawn().await.unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).await.unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    timeout(PATIENCE, child.kill()).await.unwrap().unwrap();
    let exit = child.try_wait().unwrap();
    assert!(matches!(&exit, Some(Some(Exit::Signal(signal))) if signal.name == "KILL"), "{exit:?}");
    assert_eq!(child.wait().await.unwrap(), exit.unwrap());
}

#[tokio::test]
async fn a_child_that_is_dropped_is_hung_up() {
    let Some(sshd) = Sshd::start_or_skip("a_child_that_is_dropped_is_hung_up") else { return };
    let session = start(&sshd).await;
    let file = sshd.dir().join("hung-up");
    // A pipe that breaks tells it.
    let command = format!("trap '' HUP PIPE; while echo; do sleep 0.01; done; touch {}", file.display());
    let mut child = session.command(command).spawn().await.unwrap();
    let mut stdout = child.stdout.take().unwrap();
    drop(child);
    // What was taken out of it keeps it running.
    stdout.read_exact(&mut [0; 8]).await.unwrap();
    drop(stdout);
    let gone = async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    assert!(session.command("true").output().await.unwrap().success());
}

#[tokio::test]
async fn what_is_copied_through_a_channel_arrives_with_its_ends() {
    let Some(sshd) = Sshd::start_or_skip("what_is_copied_through_a_channel_arrives_with_its_ends") else {
        return;
    };
    let session = start(&sshd).await;
    let echo = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = echo.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = echo.accept().await.unwrap();
        let (mut reader, mut writer) = stream.split();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut channel = session.direct_tcpip("127.0.0.1", port, ("127.0.0.1", 0)).await.unwrap();
    let (mut near, mut far) = duplex(10_000);
    let bridge = tokio::spawn(async move { copy_bidirectional(&mut far, &mut channel).await });
    let input = noise(5 << 20);
    let (mut reader, mut writer) = tokio::io::split(&mut near);
    let feed = async {
        writer.write_all(&input).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut output = Vec::new();
    let (_, read) = tokio::join!(feed, reader.read_to_end(&mut output));
    read.unwrap();
    assert!(output == input);
    let copied = input.len() as u64;
    assert_eq!(bridge.await.unwrap().unwrap(), (copied, copied));
}

#[tokio::test]
async fn halves_and_merged_streams() {
    let Some(sshd) = Sshd::start_or_skip("halves_and_merged_streams") else { return };
    let session = start(&sshd).await;
    let channel = session.open_session().await.unwrap();
    channel.merge_stderr(true);
    channel.exec("cat >&2; sleep 0.05; echo end").await.unwrap();
    let (mut reader, mut writer) = channel.clone().into_split();
    writer.write_all(b"through\n").await.unwrap();
    // Only the end says so, not that the handle is gone.
    drop(writer);
    assert_eq!(reader.recv().await.unwrap(), "through\n");
    channel.shutdown_write().unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "end\n");
}

#[tokio::test]
async fn the_server_opens_channels_to_a_forwarded_agent() {
    let Some(sshd) = Sshd::start_or_skip("the_server_opens_channels_to_a_forwarded_agent") else { return };
    let session = start(&sshd).await;
    let incoming = session.incoming("auth-agent@openssh.com").unwrap();
    assert_eq!(session.incoming("auth-agent@openssh.com").unwrap_err().kind(), ErrorKind::Usage);
    let channel = session.open_session().await.unwrap();
    channel.request("auth-agent-req@openssh.com", &[] as &[u8; 0]).await.unwrap();
    channel.exec("ssh-add -l").await.unwrap();
    let (mut agent, _) = timeout(PATIENCE, incoming.accept()).await.unwrap().unwrap();
    // SSH_AGENTC_REQUEST_IDENTITIES, and SSH_AGENT_IDENTITIES_ANSWER with none.
    let mut request = [0; 5];
    agent.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [0, 0, 0, 1, 11]);
    agent.write_all(&[0, 0, 0, 5, 12, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(channel.wait().await.unwrap(), Some(Exit::Status(1)));
    drop(incoming);
    assert!(session.incoming("auth-agent@openssh.com").is_ok());
}

/// One that blocks blocks nobody else, even on a runtime of one thread.
#[tokio::test]
async fn what_decides_may_block() {
    let Some(sshd) = Sshd::builder().password_user().start_or_skip("what_decides_may_block") else { return };
    let (asked, is_asked) = mpsc::channel();
    let (answer, answers) = mpsc::channel::<()>();
    let answers = std::sync::Mutex::new(answers);
    let block = Arc::new(move || {
        asked.send(()).unwrap();
        answers.lock().unwrap().recv_timeout(PATIENCE).unwrap();
    });
    let (for_key, for_password) = (block.clone(), block);
    let password = sshd.password().unwrap().to_owned();
    let config = config(&sshd)
        .host_key(Decide(move |_: &HostKey| -> Result<(), HostKeyRefused> {
            for_key();
            Ok(())
        }))
        .credential(Credential::AskPassword(Arc::new(move |_| {
            for_password();
            Some(Secret::from(password.as_str()))
        })));
    // The task that answers has to run on the thread that connects.
    let answering = tokio::spawn(async move {
        for _ in 0..2 {
            while is_asked.try_recv().is_err() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            answer.send(()).unwrap();
        }
    });
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).await.unwrap();
    answering.await.unwrap();
    assert!(session.command("true").output().await.unwrap().success());
}

#[tokio::test]
async fn an_address_that_does_not_answer_times_out() {
    // Nobody accepts, and the queue is full.
    let listener = socket_with_full_queue().await;
    let timeouts = Timeouts { connect: Some(Duration::from_millis(200)), ..Timeouts::default() };
    let config = Config::new("nobody").host_key(InsecureAcceptAny).timeouts(timeouts);
    let port = listener.0.local_addr().unwrap().port();
    let error = Session::connect(("127.0.0.1", port), &config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
}

async fn socket_with_full_queue() -> (TcpListener, Vec<TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        queued.push(stream);
    }
    (listener, queued)
}

/// Runs what is to be done beside the drivers, in the same task.
async fn beside<A, B, T>(client: Driver<A>, server: Driver<B>, act: impl Future<Output = T>) -> T
where
    Driver<A>: Future,
    Driver<B>: Future,
{
    let (mut client, mut server, mut act) = (pin!(client), pin!(server), pin!(act));
    let (mut client_runs, mut server_runs) = (true, true);
    std::future::poll_fn(|cx| {
        client_runs = client_runs && client.as_mut().poll(cx).is_pending();
        server_runs = server_runs && server.as_mut().poll(cx).is_pending();
        act.as_mut().poll(cx)
    })
    .await
}

#[tokio::test]
async fn a_client_and_a_server_run_in_one_task() {
    let provider = Arc::new(default_provider());
    let settings = || Settings::new(kex::Config::new(provider.clone()));
    let key = KeyPair::new(&PrivateKey::ed25519(&[7; 32]), &provider).unwrap();
    let auth = ServerConfig::new(provider.clone(), &["none"]);
    // Too small for any message: each is written and read in pieces.
    let (near, far) = duplex(7);
    let (client, client_driver) = Connection::client(near, settings()).unwrap();
    let (server, server_driver) = Connection::server(far, settings(), vec![Arc::new(key)], auth).unwrap();
    let serve = async {
        loop {
            match server.next_decision(None, Phase::Authentication).await {
                Ok(Decision::ServerAuth(ServerEvent::None { .. })) => {
                    server.server_auth(|auth| auth.accept()).unwrap();
                }
                Ok(_) => {}
                Err(error) => return error.kind(),
            }
        }
    };
    let act = async {
        let decision = client.next_decision(Some(PATIENCE), Phase::Handshake).await.unwrap();
        assert!(matches!(decision, Decision::HostKey { .. }), "{decision:?}");
        client.accept_host_key().unwrap();
        client.authenticate(ClientConfig::new("alice", vec![Method::None])).unwrap();
        loop {
            match client.next_decision(Some(PATIENCE), Phase::Authentication).await.unwrap() {
                Decision::ClientAuth(Event::Success) => break,
                Decision::ClientAuth(Event::Failed) => panic!("not let in"),
                _ => {}
            }
        }
        client.ping().await.unwrap();
        client.rekey().unwrap();
        client.ping().await.unwrap();
        server.ping().await.unwrap();
        assert_eq!(client.session_id(), server.session_id());
        assert_eq!(client.open_session().await.unwrap_err().kind(), ErrorKind::ChannelRefused);
        client.close().await;
        assert_eq!(client.wait().await.kind(), ErrorKind::Closed);
    };
    let both = async { tokio::join!(act, serve).1 };
    let ended = timeout(PATIENCE, beside(client_driver, server_driver, both)).await.unwrap();
    assert_eq!(ended, ErrorKind::Disconnected);
}

#[tokio::test]
async fn a_session_ends_with_its_driver() {
    let (near, _far) = duplex(1000);
    let settings = Settings::new(kex::Config::new(Arc::new(default_provider())));
    let (client, driver) = Connection::client(near, settings).unwrap();
    let driving = tokio::spawn(driver);
    let mut waiting = pin!(client.next_decision(None, Phase::Handshake));
    assert!(timeout(Duration::from_millis(20), &mut waiting).await.is_err());
    driving.abort();
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Io);
    assert!(!client.is_active());
    client.close().await;
}

#[tokio::test]
async fn a_pause_of_this_side_is_no_silence_of_the_other() {
    let test = "a_pause_of_this_side_is_no_silence_of_the_other";
    let Some(sshd) = Sshd::start_or_skip(test) else { return };
    let interval = Duration::from_millis(200);
    let config = config_with_key(&sshd, KeyKind::Ed25519).keepalive(interval, 2);
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).await.unwrap();
    // As long as all questions and the last answer may take together, and the runtime has no other thread.
    std::thread::sleep(4 * interval);
    tokio::time::sleep(interval / 2).await;
    assert!(session.command("true").status().await.is_ok());
}
