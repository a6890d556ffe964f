//! The agent as tasks speak to it.

use crate::decisions::{SlowAgent, pair};
use crate::ssh_agent::agent_of;
use crate::support::{PATIENCE, config, public_key};
use ssh_client::{
    Awaited, Credential, ErrorKind, Phase, PrivateKey, Signer,
    agent::{AddedKey, AgentTimeouts, Constraint, SessionBinding},
    default_provider,
    tokio::{Agent, Session},
};
use std::time::Duration;
use testing::{KeyKind, SshAgent, Sshd, polled};
use tokio::{net::UnixListener, task::yield_now, time::timeout};

fn hesitate() -> Awaited<'static, ()> {
    Box::pin(yield_now())
}

fn binding() -> SessionBinding {
    SessionBinding { host_key: b"key".to_vec(), session_id: b"id".to_vec(), signature: b"signature".to_vec() }
}

#[tokio::test]
async fn what_is_added_is_listed_signs_and_is_removed() {
    let Some(process) = SshAgent::start_or_skip("what_is_added_is_listed_signs_and_is_removed") else {
        return;
    };
    let agent = Agent::connect_to(process.socket()).await.unwrap();
    assert_eq!(agent.list().await.unwrap(), []);
    let key = || PrivateKey::ed25519(&[5; 32]);
    let public = key().public_key();
    let blob = public.to_blob();
    agent.add(AddedKey::new(key()), "a comment", &[Constraint::Lifetime(1000)]).await.unwrap();
    let listed = agent.list().await.unwrap();
    assert_eq!((listed.len(), &listed[0].blob, listed[0].comment.as_str()), (1, &blob, "a comment"));
    let signature = agent.sign(&blob, "ssh-ed25519", b"data").await.unwrap();
    default_provider().verify("ssh-ed25519", &public, b"data", &signature).unwrap();

    agent.lock(b"a passphrase").await.unwrap();
    assert_eq!(agent.list().await.unwrap(), []);
    assert_eq!(agent.unlock(b"another").await.unwrap_err().kind(), ErrorKind::Agent);
    agent.unlock(b"a passphrase").await.unwrap();
    agent.remove(&blob).await.unwrap();
    assert_eq!(agent.remove(&blob).await.unwrap_err().kind(), ErrorKind::Agent);
    agent.add(AddedKey::new(key()), "", &[]).await.unwrap();
    agent.remove_all().await.unwrap();
    assert_eq!(agent.list().await.unwrap(), []);
    assert_eq!(agent.extension("no-such@example.com", b"").await.unwrap_err().kind(), ErrorKind::Agent);
    assert_eq!(Agent::connect_to("/no/such/agent").await.unwrap_err().kind(), ErrorKind::Agent);
}

#[tokio::test]
async fn a_request_given_up_anywhere_leaves_the_agent_usable() {
    let process = SlowAgent::start(hesitate);
    let agent = Agent::connect_to(&process.socket).await.unwrap();
    let blob = pair().public_key().to_vec();
    for what in ["list", "sign", "extension", "bound to", "connect to"] {
        for polls in 0.. {
            let is_done = match what {
                "list" => polled(polls, agent.list()).await.map(|result| result.map(drop)),
                "sign" => polled(polls, agent.sign(&blob, "ssh-ed25519", b"data"))
                    .await
                    .map(|result| result.map(drop)),
                "extension" => {
                    let asked = polled(polls, agent.extension("x@example.com", b"")).await;
                    // It knows none.
                    asked.map(|result| match result {
                        Err(error) if error.kind() == ErrorKind::Agent => Ok(()),
                        other => other.map(drop),
                    })
                }
                "bound to" => polled(polls, agent.bound_to(&binding())).await.map(|result| result.map(drop)),
                _ => polled(polls, Agent::connect_to(&process.socket)).await.map(|result| result.map(drop)),
            };
            // What comes late is nobody's: each gets its own answer.
            let listed = timeout(PATIENCE, agent.list()).await.unwrap().unwrap();
            assert_eq!(listed[0].blob, blob, "{what}: {polls} polls");
            let signature = agent.sign(&blob, "ssh-ed25519", b"data").await.unwrap();
            assert_eq!(signature, pair().sign("ssh-ed25519", b"data").unwrap());
            if let Some(result) = is_done {
                result.unwrap();
                break;
            }
        }
    }
}

/// Whether it was done by then is not known, but the next request is answered.
#[tokio::test]
async fn a_change_given_up_anywhere_leaves_the_agent_usable() {
    let name = "a_change_given_up_anywhere_leaves_the_agent_usable";
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let agent = Agent::connect_to(process.socket()).await.unwrap();
    let other = Agent::connect_to(process.socket()).await.unwrap();
    let key = || AddedKey::new(PrivateKey::ed25519(&[5; 32]));
    let blob = PrivateKey::ed25519(&[5; 32]).public_key().to_blob();
    for what in ["add", "remove", "remove all", "lock", "unlock", "forwarded to"] {
        for polls in 0.. {
            // It is locked if the one before was done.
            let _ = other.unlock(b"a passphrase").await;
            other.add(key(), "", &[]).await.unwrap();
            if what == "unlock" {
                other.lock(b"a passphrase").await.unwrap();
            }
            let is_done = match what {
                "add" => polled(polls, agent.add(key(), "", &[])).await,
                "remove" => polled(polls, agent.remove(&blob)).await,
                "remove all" => polled(polls, agent.remove_all()).await,
                "lock" => polled(polls, agent.lock(b"a passphrase")).await,
                "unlock" => polled(polls, agent.unlock(b"a passphrase")).await,
                _ => polled(polls, agent.forwarded_to(&binding())).await.map(|result| result.map(drop)),
            };
            timeout(PATIENCE, agent.list()).await.unwrap().unwrap();
            if let Some(result) = is_done {
                result.unwrap();
                break;
            }
            assert!(polls < 100, "{what} is never done");
        }
    }
}

#[tokio::test]
async fn tasks_share_a_connection() {
    let process = SlowAgent::start(hesitate);
    let agent = Agent::connect_to(&process.socket).await.unwrap();
    let tasks: Vec<_> = (0..8_u8)
        .map(|number| {
            let agent = agent.clone();
            tokio::spawn(async move {
                for turn in 0..20 {
                    let data = [number, turn];
                    let signature = agent.sign(pair().public_key(), "ssh-ed25519", &data).await.unwrap();
                    assert_eq!(signature, pair().sign("ssh-ed25519", &data).unwrap());
                }
            })
        })
        .collect();
    for task in tasks {
        timeout(PATIENCE, task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_agent_that_is_silent_runs_out_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent");
    let _listener = UnixListener::bind(&path).unwrap();
    let time = Some(Duration::from_millis(50));
    let agent = Agent::connect_to(&path).await.unwrap();
    let agent = agent.with_timeouts(AgentTimeouts { request: time, person: time });
    assert_eq!(agent.list().await.unwrap_err().kind(), ErrorKind::Timeout(Phase::Agent));
    let signed = agent.sign(b"key", "ssh-ed25519", b"").await;
    assert_eq!(signed.unwrap_err().kind(), ErrorKind::Timeout(Phase::Agent));
}

#[tokio::test]
async fn an_agent_is_forwarded_by_tasks() {
    let name = "an_agent_is_forwarded_by_tasks";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let path = sshd.user_key_path(KeyKind::Ed25519);
    process.add_file(&path);
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    let config = config(&sshd).credential(Credential::agent(agent_of(&process)));
    let session = Session::connect(("127.0.0.1", sshd.port()), &config).await.unwrap();
    let agent = Agent::connect_to(process.socket()).await.unwrap();
    let incoming = session.incoming("auth-agent@openssh.com").unwrap();
    let channel = session.open_session().await.unwrap();
    channel.request("auth-agent-req@openssh.com", &[] as &[u8; 0]).await.unwrap();
    channel.exec("ssh-add -L; ssh-add -q -D 2>&1").await.unwrap();
    let relay = async {
        for _ in 0..2 {
            let (stream, _) = incoming.accept().await.unwrap();
            let agent = agent.forwarded_to(&session.binding().unwrap()).await.unwrap();
            agent.relay(stream).await.unwrap();
        }
    };
    timeout(PATIENCE, relay).await.unwrap();
    let listed = channel.recv().await.unwrap();
    let (shown, _) = ssh_client::PublicKey::from_line(std::str::from_utf8(&listed).unwrap().trim()).unwrap();
    assert_eq!(shown, public_key(line.trim()));
    assert_eq!(agent.list().await.unwrap(), []);
}
