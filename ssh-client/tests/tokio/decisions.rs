//! Decisions that are awaited where the session is.

use crate::served::{RIGHT, config, serve};
use crate::support::PATIENCE;
use ssh_client::{
    Awaited, Config, Credential, ErrorKind, KeyPair, PrivateKey, Secret, Signer,
    agent::{Agent, AgentKeys, Identity},
    auth::agent::{Frames, Reply, Request},
    credential::{AsyncSigner, Challenge},
    crypto::SignError,
    default_provider,
    host_key::{DecideAsync, HostKey, HostKeyRefused, InsecureAcceptAny},
    tokio::Session,
};
use std::{
    future::pending,
    path::PathBuf,
    pin::pin,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    runtime::Builder,
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// What a decision waits for.
pub(crate) trait Wait: Fn() -> Awaited<'static, ()> + Clone + Send + Sync + 'static {}

impl<F: Fn() -> Awaited<'static, ()> + Clone + Send + Sync + 'static> Wait for F {}

fn host_key(
    wait: impl Wait,
) -> DecideAsync<impl Fn(HostKey) -> Awaited<'static, Result<(), HostKeyRefused>>> {
    DecideAsync(move |_: HostKey| -> Awaited<'static, _> {
        let wait = wait();
        Box::pin(async {
            wait.await;
            Ok(())
        })
    })
}

/// A key that takes its time to sign.
struct Slow<W>(KeyPair, W);

impl<W: Wait> AsyncSigner for Slow<W> {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn algorithms(&self) -> Vec<&str> {
        self.0.algorithms()
    }

    fn sign<'a>(&'a self, algorithm: &'a str, message: &'a [u8]) -> Awaited<'a, Result<Vec<u8>, SignError>> {
        Box::pin(async {
            (self.1)().await;
            self.0.sign(algorithm, message)
        })
    }
}

pub(crate) fn pair() -> KeyPair {
    KeyPair::new(&PrivateKey::ed25519(&[9; 32]), &default_provider()).unwrap()
}

/// An agent in the runtime of the test, which takes its time for each answer.
pub(crate) struct SlowAgent {
    _dir: tempfile::TempDir,
    pub(crate) socket: PathBuf,
    task: JoinHandle<()>,
}

impl SlowAgent {
    pub(crate) fn start(wait: impl Wait) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Self::answer(stream, wait.clone()));
            }
        });
        Self { _dir: dir, socket, task }
    }

    async fn answer(mut stream: UnixStream, wait: impl Wait) {
        let (pair, mut frames, mut buffer) = (pair(), Frames::new(), [0; 4096]);
        loop {
            while let Some(request) = frames.next_frame().unwrap() {
                wait().await;
                let reply = match Request::parse(&request).unwrap() {
                    Request::Identities => {
                        let blob = pair.public_key().to_vec();
                        Reply::Identities(vec![Identity { blob, comment: String::new() }])
                    }
                    Request::Sign { data, .. } => Reply::Signature(pair.sign("ssh-ed25519", data).unwrap()),
                    _ => Reply::Failure,
                };
                if stream.write_all(&reply.to_frame().unwrap()).await.is_err() {
                    return;
                }
            }
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(n) => frames.push(&buffer[..n]),
            }
        }
    }

    fn credential(&self) -> Credential {
        AgentKeys::new(Agent::at(&self.socket)).into()
    }
}

impl Drop for SlowAgent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Configurations with one decision each that waits.
fn configurations(wait: impl Wait, agent: &SlowAgent) -> Vec<(&'static str, Config)> {
    let base = || config().host_key_async(DecideAsync(|_: HostKey| async { Ok(()) }));
    let (password, answers, change) = (wait.clone(), wait.clone(), wait.clone());
    let asked = Credential::ask_password_async(move |_| {
        let wait = password();
        async {
            wait.await;
            Some(Secret::from(RIGHT))
        }
    });
    let answered = Credential::interactive_async(move |challenge: Challenge| {
        let wait = answers();
        async move {
            wait.await;
            Some(challenge.prompts.iter().map(|_| Secret::from(RIGHT)).collect())
        }
    });
    let changed = base().password("expired").change_password_async(move |prompt| {
        let wait = change();
        async move {
            wait.await;
            (prompt == "A new one?").then(|| (Secret::from("expired"), Secret::from(RIGHT)))
        }
    });
    let signer = Arc::new(Slow(pair(), wait.clone()));
    vec![
        ("host key", config().password(RIGHT).host_key_async(host_key(wait))),
        ("password", base().credential(asked)),
        ("dialogue", base().credential(answered)),
        ("new password", changed),
        ("signature", base().credential(Credential::KeyAsync { signer, probe: false })),
        ("agent", base().credential(agent.credential())),
    ]
}

/// On a runtime of one thread, whose only thread for what blocks is taken: if anything waited on a thread, or kept the
/// runtime's from the other session, it would never end.
#[test]
fn another_session_goes_on_while_a_decision_is_awaited() {
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let taken = runtime.spawn_blocking(move || released.recv());
    runtime.block_on(async {
        let (_server, stream) = serve();
        let anybody = config().password(RIGHT).host_key_async(DecideAsync(|_: HostKey| async { Ok(()) }));
        let other = Session::connect_over(stream, "other", 22, &anybody).await.unwrap();
        let wait = move || -> Awaited<'static, ()> {
            let other = other.clone();
            Box::pin(async move {
                sleep(Duration::from_millis(1)).await;
                other.ping().await.unwrap();
                sleep(Duration::from_millis(1)).await;
            })
        };
        let agent = SlowAgent::start(wait.clone());
        for (what, config) in configurations(wait, &agent) {
            let (_server, stream) = serve();
            let connected = timeout(PATIENCE, Session::connect_over(stream, "host", 22, &config)).await;
            connected.expect(what).expect(what).ping().await.unwrap();
        }
    });
    drop(release);
    assert!(runtime.block_on(taken).unwrap().is_err());
}

#[tokio::test]
async fn no_is_a_refusal() {
    let (_server, stream) = serve();
    let refuse = DecideAsync(|key: HostKey| async move { Err(HostKeyRefused(key.fingerprint())) });
    let config = config().password(RIGHT).host_key_async(refuse);
    let error = Session::connect_over(stream, "host", 22, &config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    assert!(error.to_string().contains("SHA256:"), "{error}");

    let (_server, stream) = serve();
    let nothing = self::config()
        .host_key(InsecureAcceptAny)
        .credential(Credential::ask_password_async(|_| async { None }))
        .credential(Credential::interactive_async(|_| async { None }))
        .password("expired")
        .change_password_async(|_| async { None });
    let error = Session::connect_over(stream, "host", 22, &nothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
}

/// A decision that is never made, and what tells that it is asked for and that it is gone.
fn never(asked: &Arc<Notify>, alive: &Arc<()>) -> impl Wait + use<> {
    let (asked, alive) = (asked.clone(), alive.clone());
    move || -> Awaited<'static, ()> {
        let (asked, alive) = (asked.clone(), alive.clone());
        Box::pin(async move {
            let _alive = alive;
            asked.notify_one();
            pending::<()>().await;
        })
    }
}

#[tokio::test]
async fn a_decision_is_dropped_with_the_future_that_connects() {
    let (asked, alive) = (Arc::new(Notify::new()), Arc::new(()));
    let agent = SlowAgent::start(never(&asked, &alive));
    for (what, config) in configurations(never(&asked, &alive), &agent) {
        let before = Arc::strong_count(&alive);
        let (server, stream) = serve();
        let mut connect = Box::pin(Session::connect_over(stream, "host", 22, &config));
        tokio::select! {
            result = &mut connect => panic!("{what}: {result:?}"),
            () = asked.notified() => {}
        }
        drop(connect);
        if what != "agent" {
            assert_eq!(Arc::strong_count(&alive), before, "{what}");
        }
        timeout(PATIENCE, server.wait()).await.expect(what);
    }
}

#[tokio::test]
async fn a_decision_is_dropped_when_the_session_ends() {
    let (asked, alive) = (Arc::new(Notify::new()), Arc::new(()));
    let agent = SlowAgent::start(never(&asked, &alive));
    for (what, config) in configurations(never(&asked, &alive), &agent) {
        let before = Arc::strong_count(&alive);
        let (server, stream) = serve();
        let mut connect = pin!(Session::connect_over(stream, "host", 22, &config));
        tokio::select! {
            result = &mut connect => panic!("{what}: {result:?}"),
            () = asked.notified() => {}
        }
        server.close().await;
        let error = timeout(PATIENCE, connect).await.expect(what).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::Io), "{what}: {error}");
        if what != "agent" {
            assert_eq!(Arc::strong_count(&alive), before, "{what}");
        }
    }
}
