//! The agent: OpenSSH's own as a process of the test, and some that misbehave.

use crate::facade::connect;
use crate::ssh_agent::{agent_of, private};
use crate::support::{PATIENCE, config, public_key};
use ssh_client::{
    Credential, ErrorKind, Phase, PublicKey, Signer,
    agent::{AddedKey, Agent, AgentSigner, AgentTimeouts, Constraint},
    auth::agent::Reply,
    default_provider, wire,
};
use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    thread,
    time::{Duration, Instant},
};
use testing::{KeyKind, KeyPair, SshAgent, Sshd};

fn verify(signer: &dyn Signer, algorithm: &str) {
    let key = PublicKey::from_blob(signer.public_key()).unwrap();
    let signature = signer.sign(algorithm, b"a message").unwrap();
    default_provider().verify(algorithm, &key, b"a message", &signature).unwrap();
}

#[test]
fn what_one_side_adds_the_other_lists_signs_with_and_removes() {
    let name = "what_one_side_adds_the_other_lists_signs_with_and_removes";
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let agent = agent_of(&process);
    assert_eq!(agent.list().unwrap(), []);
    let mut added = Vec::new();
    for (at, kind) in KeyKind::ALL.into_iter().enumerate() {
        let pair = KeyPair::generate(kind);
        let key = public_key(pair.public_line());
        if at % 2 == 0 {
            let comment = format!("key {at} – of ours");
            agent.add(AddedKey::new(private(&pair)), &comment, &[]).unwrap();
            assert!(process.ssh_add(&["-L"]).contains(&format!("{} {comment}", pair.public_base64())));
        } else {
            process.add_pair(&pair);
        }
        added.push(key.to_blob());
    }
    let listed = agent.list().unwrap();
    assert_eq!(listed.iter().map(|identity| identity.blob.clone()).collect::<Vec<_>>(), added);
    assert_eq!(listed[0].comment, "key 0 – of ours");
    let signers = agent.signers().unwrap();
    for signer in &signers {
        for algorithm in signer.algorithms() {
            verify(&**signer, algorithm);
        }
    }
    let rsa = AgentSigner::new(agent.clone(), listed[4].clone());
    assert_eq!(rsa.algorithms(), ["rsa-sha2-512", "rsa-sha2-256"]);
    verify(&rsa.with_legacy(), "ssh-rsa");

    agent.remove(&added[1]).unwrap();
    let error = agent.remove(&added[1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Agent, "{error}");
    assert!(agent.sign(&added[1], "ecdsa-sha2-nistp256", b"").is_err());
    assert_eq!(process.ssh_add(&["-l"]).lines().count(), 4);
    agent.remove_all().unwrap();
    assert!(process.ssh_add(&["-l"]).contains("no identities"));
}

#[test]
fn a_locked_agent_shows_and_signs_nothing() {
    let Some(process) = SshAgent::start_or_skip("a_locked_agent_shows_and_signs_nothing") else { return };
    let agent = agent_of(&process);
    let pair = KeyPair::generate(KeyKind::Ed25519);
    process.add_pair(&pair);
    let blob = public_key(pair.public_line()).to_blob();
    agent.lock(b"a passphrase").unwrap();
    assert_eq!(agent.list().unwrap(), []);
    assert!(agent.sign(&blob, "ssh-ed25519", b"data").is_err());
    assert_eq!(agent.unlock(b"another").unwrap_err().kind(), ErrorKind::Agent);
    assert!(process.ssh_add(&["-l"]).contains("no identities"));
    agent.unlock(b"a passphrase").unwrap();
    assert!(agent.sign(&blob, "ssh-ed25519", b"data").is_ok());
}

#[test]
fn constraints_limit_a_key() {
    let name = "constraints_limit_a_key";
    for (script, allowed) in [("#!/bin/sh\nexit 1\n", false), ("#!/bin/sh\nexit 0\n", true)] {
        let Some(process) = SshAgent::start_with_askpass(name, script) else { return };
        let agent = agent_of(&process);
        let pair = KeyPair::generate(KeyKind::Ed25519);
        let blob = public_key(pair.public_line()).to_blob();
        let key = || AddedKey::new(private(&pair));
        agent.add(key(), "asks", &[Constraint::Confirm]).unwrap();
        assert_eq!(agent.sign(&blob, "ssh-ed25519", b"data").is_ok(), allowed);
        if allowed {
            agent.add(key(), "short", &[Constraint::Lifetime(1), Constraint::Confirm]).unwrap();
            let deadline = Instant::now() + PATIENCE;
            while !agent.list().unwrap().is_empty() {
                assert!(Instant::now() < deadline, "the key is still there");
                thread::sleep(Duration::from_millis(100));
            }
        }
        // Nobody knows it, so the key must not be kept without it.
        let unknown = Constraint::Extension { name: b"no-such-thing@example.com".to_vec(), data: Vec::new() };
        assert!(agent.add(key(), "", &[unknown]).is_err());
    }
}

#[test]
fn threads_share_a_connection() {
    let Some(process) = SshAgent::start_or_skip("threads_share_a_connection") else { return };
    let pairs: Vec<_> = (0..4).map(|_| KeyPair::generate(KeyKind::Ed25519)).collect();
    pairs.iter().for_each(|pair| process.add_pair(pair));
    let agent = agent_of(&process);
    thread::scope(|scope| {
        for signer in agent.signers().unwrap() {
            scope.spawn(move || (0..50).for_each(|_| verify(&*signer, "ssh-ed25519")));
        }
    });
}

#[test]
fn a_connection_that_broke_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        // The first connection ends in the middle of a reply.
        let mut stream = listener.accept().unwrap().0;
        read_request(&mut stream);
        stream.write_all(&[0, 0, 0, 9, 12]).unwrap();
        drop(stream);
        let mut stream = listener.accept().unwrap().0;
        read_request(&mut stream);
        stream.write_all(&Reply::Identities(Vec::new()).to_frame().unwrap()).unwrap();
    });
    let agent = Agent::connect_to(&path).unwrap();
    assert_eq!(agent.list().unwrap_err().kind(), ErrorKind::Agent);
    assert_eq!(agent.list().unwrap(), []);
    server.join().unwrap();
}

fn read_request(stream: &mut UnixStream) {
    let mut buffer = [0; 1024];
    assert!(stream.read(&mut buffer).unwrap() > 0);
}

#[test]
fn an_agent_that_is_silent_runs_out_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent");
    let listener = UnixListener::bind(&path).unwrap();
    let agent = Agent::connect_to(&path).unwrap();
    let time = Duration::from_millis(200);
    agent.set_timeouts(AgentTimeouts { request: Some(time), person: Some(time) });
    let started = Instant::now();
    assert_eq!(agent.list().unwrap_err().kind(), ErrorKind::Timeout(Phase::Agent));
    // One that sends byte by byte gets no more time for it.
    let server = thread::spawn(move || {
        let _silent = listener.accept().unwrap();
        let mut stream = listener.accept().unwrap().0;
        // The length of a message first.
        let mut bytes = [0, 0, 1, 0].into_iter().chain(std::iter::repeat(14));
        while stream.write_all(&[bytes.next().unwrap()]).is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(agent.sign(b"key", "ssh-ed25519", b"").unwrap_err().kind(), ErrorKind::Timeout(Phase::Agent));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    drop(agent);
    server.join().unwrap();
}

#[test]
fn replies_that_make_no_sense_are_errors() {
    let huge = u32::MAX.to_be_bytes().to_vec();
    let unasked = Reply::Signature(b"signature".to_vec()).to_frame().unwrap().to_vec();
    // 2³² − 1 identities in a message of five bytes.
    let count = [&[0, 0, 0, 5, 12][..], &[0xff; 4]].concat();
    for reply in [huge, unasked, count, vec![0; 4], vec![0, 0, 0, 1, 99]] {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&reply).unwrap();
        let agent = Agent::over(ours);
        assert_eq!(agent.list().unwrap_err().kind(), ErrorKind::Agent, "{reply:?}");
        // What comes later could be the answer to something else.
        assert_eq!(agent.list().unwrap_err().kind(), ErrorKind::Closed);
    }
}

#[test]
fn a_signature_by_another_algorithm_is_no_signature() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut sha1 = Vec::new();
    wire::Encode::encode("ssh-rsa", &mut sha1);
    wire::Encode::encode(&b"signature"[..], &mut sha1);
    theirs.write_all(&Reply::Signature(sha1).to_frame().unwrap()).unwrap();
    let error = Agent::over(ours).sign(b"key", "rsa-sha2-512", b"").unwrap_err();
    assert!(error.to_string().contains("ssh-rsa"), "{error}");
}

#[test]
fn a_forwarded_agent_signs_on_the_other_side() {
    let name = "a_forwarded_agent_signs_on_the_other_side";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    process.add_file(&sshd.user_key_path(KeyKind::Ed25519));
    let agent = agent_of(&process);
    let session = connect(&sshd, &config(&sshd).credential(Credential::agent(agent.clone()))).unwrap();
    let incoming = session.incoming("auth-agent@openssh.com").unwrap();
    assert_eq!(session.incoming("auth-agent@openssh.com").unwrap_err().kind(), ErrorKind::Usage);
    let channel = session.open_session().unwrap();
    channel.request("auth-agent-req@openssh.com", &[] as &[u8; 0]).unwrap();
    channel.exec("ssh-add -l; ssh-add -q -D 2>&1; ssh-add -l").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..3 {
                let (stream, data) = incoming.accept(Some(PATIENCE)).unwrap();
                assert!(data.is_empty());
                let agent = agent.forwarded_to(&session.binding().unwrap()).unwrap();
                agent.relay(&mut &stream).unwrap();
            }
        });
        let mut text = String::new();
        (&channel).read_to_string(&mut text).unwrap();
        assert!(text.contains("SHA256:") && text.contains("no identities"), "{text}");
    });
    assert_eq!(agent.list().unwrap(), []);
    // Nobody has asked for it any more.
    drop(incoming);
    let channel = session.open_session().unwrap();
    channel.exec("ssh-add -l 2>&1").unwrap();
    let mut text = String::new();
    (&channel).read_to_string(&mut text).unwrap();
    assert!(!text.contains("SHA256:"), "{text}");
}

#[test]
fn a_token_that_is_not_there_is_refused() {
    let Some(process) = SshAgent::start_or_skip("a_token_that_is_not_there_is_refused") else { return };
    let agent = agent_of(&process);
    let add = agent.add_token("/no/such/library.so", b"1234", &[Constraint::Lifetime(9)]).unwrap_err();
    let remove = agent.remove_token("/no/such/library.so").unwrap_err();
    assert_eq!((add.kind(), remove.kind()), (ErrorKind::Agent, ErrorKind::Agent));
    // The agent has understood both and is there.
    assert_eq!(agent.list().unwrap(), []);
}
