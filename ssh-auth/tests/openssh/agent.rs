use crate::tools::{KINDS, Tools};
use proptest::prelude::*;
use ssh_auth::{
    agent::{
        AddedKey, AgentClient, AgentError, Constraint, Destination, Frames, HopHost, Identity, MAX_FRAME,
        Reply, Request, SESSION_BIND, SessionBind, sign_flags,
    },
    certificate::Certificate,
};
use ssh_crypto::{KeyKind, PrivateKey, PublicKey, Secret, default_provider};
use ssh_wire::{Encode, Reader};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};
use testing::SshAgent;

/// A conversation with a real `ssh-agent`, which is ended with it.
struct Agent {
    _process: SshAgent,
    stream: UnixStream,
    client: AgentClient,
}

impl Agent {
    fn start(test: &str) -> Option<Self> {
        let process = SshAgent::start_or_skip(test)?;
        let stream = UnixStream::connect(process.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Some(Self { _process: process, stream, client: AgentClient::new() })
    }

    fn ask(&mut self, request: &Request<'_>) -> Reply {
        self.client.send(request).unwrap();
        self.stream.write_all(&self.client.take_output()).unwrap();
        loop {
            if let Some(reply) = self.client.poll().unwrap() {
                return reply;
            }
            // Few at a time, so that replies arrive in pieces.
            let mut buffer = [0; 7];
            let n = self.stream.read(&mut buffer).unwrap();
            assert_ne!(n, 0);
            self.client.push(&buffer[..n]);
        }
    }

    fn identities(&mut self) -> Vec<Identity> {
        match self.ask(&Request::Identities) {
            Reply::Identities(identities) => identities,
            other => unreachable!("{other:?}"),
        }
    }
}

fn add<'a>(key: AddedKey, comment: &'a str, constraints: Vec<Constraint>) -> Request<'a> {
    Request::Add { key: Box::new(key), comment: comment.as_bytes(), constraints }
}

#[test]
fn a_real_agent_takes_lists_uses_and_forgets_keys() {
    let test = "a_real_agent_takes_lists_uses_and_forgets_keys";
    let Some(tools) = Tools::with(test, "ssh-keygen") else { return };
    let Some(mut agent) = Agent::start(test) else { return };
    let provider = default_provider();
    assert_eq!(agent.identities(), []);
    let mut count = 0;
    for (at, kind) in KINDS.into_iter().enumerate() {
        let Some(private) = tools.key(&format!("key{at}"), kind) else { continue };
        let public = private.public_key();
        let (blob, comment) = (public.to_blob(), format!("comment {at}"));
        let constraints = if at % 2 == 0 { vec![] } else { vec![Constraint::Lifetime(1000)] };
        let reply = agent.ask(&add(AddedKey::new(private), &comment, constraints));
        if matches!(public, PublicKey::Dsa { .. }) && reply == Reply::Failure {
            continue;
        }
        assert_eq!(reply, Reply::Success, "{kind:?}");
        count += 1;
        let identities = agent.identities();
        assert_eq!(identities.len(), count);
        assert!(identities.contains(&Identity { blob: blob.clone(), comment }));

        let algorithms = match public {
            PublicKey::Rsa { .. } => vec!["rsa-sha2-512", "rsa-sha2-256"],
            _ => vec![public.key_type()],
        };
        for algorithm in algorithms {
            let flags = sign_flags(algorithm);
            let reply = agent.ask(&Request::Sign { public_key: &blob, data: b"data", flags });
            let Reply::Signature(signature) = reply else { unreachable!("{algorithm}: {reply:?}") };
            provider.verify(algorithm, &public, b"data", &signature).unwrap();
        }
    }
    let blob = agent.identities()[0].blob.clone();
    assert_eq!(agent.ask(&Request::Remove { public_key: &blob }), Reply::Success);
    assert_eq!(agent.ask(&Request::Remove { public_key: &blob }), Reply::Failure);
    assert_eq!(agent.ask(&Request::Sign { public_key: &blob, data: b"data", flags: 0 }), Reply::Failure);
    assert_eq!(agent.identities().len(), count - 1);
    assert_eq!(agent.ask(&Request::RemoveAll), Reply::Success);
    assert_eq!(agent.identities(), []);
}

#[test]
fn a_real_agent_is_locked_and_unlocked() {
    let Some(mut agent) = Agent::start("a_real_agent_is_locked_and_unlocked") else { return };
    let key = PrivateKey::ed25519(&[7; 32]);
    assert_eq!(agent.ask(&add(AddedKey::new(key), "", vec![])), Reply::Success);
    assert_eq!(agent.ask(&Request::Unlock { passphrase: b"x" }), Reply::Failure);
    assert_eq!(agent.ask(&Request::Lock { passphrase: b"secret" }), Reply::Success);
    assert_eq!(agent.identities(), []);
    assert_eq!(agent.ask(&Request::Unlock { passphrase: b"wrong" }), Reply::Failure);
    assert_eq!(agent.ask(&Request::Unlock { passphrase: b"secret" }), Reply::Success);
    assert_eq!(agent.identities().len(), 1);
}

#[test]
fn a_real_agent_forgets_a_key_in_time_and_refuses_what_it_does_not_know() {
    let test = "a_real_agent_forgets_a_key_in_time_and_refuses_what_it_does_not_know";
    let Some(mut agent) = Agent::start(test) else { return };
    let key = || AddedKey::new(PrivateKey::ed25519(&[7; 32]));
    assert_eq!(agent.ask(&add(key(), "", vec![Constraint::Lifetime(1)])), Reply::Success);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !agent.identities().is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(100));
    }
    let unknown = Constraint::Extension { name: b"unknown@example.com".to_vec(), data: vec![] };
    assert_eq!(agent.ask(&add(key(), "", vec![unknown])), Reply::Failure);
    let reply = agent.ask(&Request::Extension { name: b"unknown@example.com", data: b"" });
    assert_eq!(reply, Reply::Failure);
}

#[test]
fn a_real_agent_uses_a_certificate() {
    let test = "a_real_agent_uses_a_certificate";
    let Some(tools) = Tools::with(test, "ssh-keygen") else { return };
    let Some(mut agent) = Agent::start(test) else { return };
    tools.key("ca", &["ed25519"]).unwrap();
    for (at, kind) in KINDS[..5].iter().enumerate() {
        let name = format!("key{at}");
        let key = tools.key(&name, kind).unwrap();
        assert!(tools.keygen(&["-q", "-s", "ca", "-I", "id", "-n", "user", &format!("{name}.pub")]));
        let blob = tools.blob(&format!("{name}-cert.pub"));
        let certificate = Certificate::parse(&blob).unwrap();
        let public = key.public_key();
        let added = AddedKey::certified(key, certificate).unwrap();
        assert_eq!(added.blob(), blob);
        let request = add(added, "certified", vec![Constraint::Lifetime(1000)]);
        assert_eq!(read_back(&request), request);
        assert_eq!(agent.ask(&request), Reply::Success, "{kind:?}");
        assert_eq!(agent.identities().last().unwrap().blob, blob);
        let algorithm = match public {
            PublicKey::Rsa { .. } => "rsa-sha2-512",
            _ => public.key_type(),
        };
        let flags = sign_flags(algorithm);
        let reply = agent.ask(&Request::Sign { public_key: &blob, data: b"data", flags });
        let Reply::Signature(signature) = reply else { unreachable!("{reply:?}") };
        default_provider().verify(algorithm, &public, b"data", &signature).unwrap();
    }
    let other = PrivateKey::ed25519(&[7; 32]);
    let certificate = Certificate::parse(&tools.blob("key0-cert.pub")).unwrap();
    assert!(AddedKey::certified(other, certificate).is_err());
}

/// Reads a request as an agent does. What it borrows is leaked, which a test may.
fn read_back(request: &Request<'_>) -> Request<'static> {
    let mut frames = Frames::new();
    frames.push(&request.to_frame().unwrap());
    let payload = frames.next_frame().unwrap().unwrap();
    Request::parse(Vec::leak(payload.to_vec())).unwrap()
}

fn destinations() -> Vec<Destination> {
    let host = |name: &str, keys: &[&[u8]], authorities: &[&[u8]]| HopHost {
        name: name.to_owned(),
        keys: keys.iter().map(|key| key.to_vec()).collect(),
        authorities: authorities.iter().map(|key| key.to_vec()).collect(),
    };
    let gate = host("gate", &[b"key", b"another"], &[]);
    let inner = host("inner", &[], &[b"authority"]);
    vec![
        Destination { from: None, to: gate.clone(), user: "alice".to_owned() },
        Destination { from: Some(gate), to: inner, user: String::new() },
    ]
}

fn requests() -> Vec<Request<'static>> {
    let random = default_provider().random;
    let mut requests = vec![
        Request::Identities,
        Request::Sign { public_key: b"blob", data: b"data", flags: 4 },
        Request::Remove { public_key: b"blob" },
        Request::RemoveAll,
        Request::AddToken { provider: b"/lib/p11.so", pin: b"1234", constraints: vec![] },
        Request::AddToken {
            provider: b"/lib/p11.so",
            pin: b"",
            constraints: vec![Constraint::Destinations(destinations())],
        },
        Request::RemoveToken { provider: b"/lib/p11.so", pin: b"1234" },
        Request::Lock { passphrase: b"secret" },
        Request::Unlock { passphrase: b"secret" },
        Request::Extension { name: b"query", data: b"\0\x01" },
    ];
    for kind in [KeyKind::Ed25519, KeyKind::Ecdsa(ssh_crypto::Curve::P256)] {
        let key = AddedKey::new(PrivateKey::generate(kind, random).unwrap());
        requests.push(add(key.clone(), "", vec![]));
        let extension = Constraint::Extension { name: b"x@example.com".to_vec(), data: b"y".to_vec() };
        requests.push(add(key, "comment", vec![Constraint::Lifetime(1), Constraint::Confirm, extension]));
    }
    requests
}

fn replies() -> Vec<Reply> {
    let identity = |blob: &[u8]| Identity { blob: blob.to_vec(), comment: "comment".to_owned() };
    vec![
        Reply::Failure,
        Reply::Success,
        Reply::Identities(vec![]),
        Reply::Identities(vec![identity(b"one"), identity(b"")]),
        Reply::Signature(b"signature".to_vec()),
        Reply::ExtensionFailure,
        Reply::Extension(b"anything".to_vec()),
    ]
}

#[test]
fn every_message_is_read_as_it_was_written_byte_by_byte() {
    for request in requests() {
        let mut frames = Frames::new();
        let mut read = None;
        for byte in request.to_frame().unwrap().iter() {
            assert!(read.is_none());
            frames.push(&[*byte]);
            read = frames.next_frame().unwrap();
        }
        assert_eq!(Request::parse(&read.unwrap()).unwrap(), request);
    }
    let mut frames = Frames::new();
    for reply in replies() {
        frames.push(&reply.to_frame().unwrap());
    }
    for reply in replies() {
        assert_eq!(Reply::parse(&frames.next_frame().unwrap().unwrap()).unwrap(), reply);
    }
    assert!(frames.next_frame().unwrap().is_none());
}

/// CVE-2026-46673 and its like.
#[test]
fn frames_out_of_bounds_are_errors_before_anything_is_kept() {
    for length in [0, MAX_FRAME as u32 + 1, u32::MAX] {
        let mut client = AgentClient::new();
        client.send(&Request::Identities).unwrap();
        client.push(&length.to_be_bytes());
        assert_eq!(client.poll(), Err(AgentError::Length(length as usize)));
        client.push(&Reply::Identities(vec![]).to_frame().unwrap());
        assert!(client.poll().is_err());
    }
    let data = vec![0; MAX_FRAME];
    assert!(Request::Sign { public_key: b"", data: &data, flags: 0 }.to_frame().is_err());
}

#[test]
fn a_reply_of_another_type_than_asked_for_is_an_error() {
    for request in requests() {
        for reply in replies() {
            let mut client = AgentClient::new();
            client.send(&request).unwrap();
            client.push(&reply.to_frame().unwrap());
            let fits = match (&request, &reply) {
                (_, Reply::Failure)
                | (Request::Identities, Reply::Identities(_))
                | (Request::Sign { .. }, Reply::Signature(_)) => true,
                (
                    Request::Extension { .. },
                    Reply::Success | Reply::Extension(_) | Reply::ExtensionFailure,
                ) => true,
                (Request::Identities | Request::Sign { .. }, _) => false,
                (_, reply) => *reply == Reply::Success,
            };
            assert_eq!(client.poll().is_ok(), fits, "{reply:?} to {request:?}");
        }
    }
    // And one that nobody asked for.
    let mut client = AgentClient::new();
    client.push(&Reply::Success.to_frame().unwrap());
    assert_eq!(client.poll(), Err(AgentError::Unexpected(6)));
}

#[test]
fn counts_of_identities_allocate_nothing() {
    let mut payload = vec![12];
    u32::MAX.encode(&mut payload);
    assert!(matches!(Reply::parse(&payload), Err(AgentError::Decode(_))));
    payload.extend(vec![0; 8 * 3000]);
    assert_eq!(Reply::parse(&payload), Err(AgentError::Identities));
}

#[test]
fn a_constraint_that_is_not_known_is_not_dropped() {
    let key = AddedKey::new(PrivateKey::ed25519(&[7; 32]));
    let mut payload = add(key, "", vec![Constraint::Confirm]).to_frame().unwrap()[4..].to_vec();
    *payload.last_mut().unwrap() = 9;
    assert_eq!(Request::parse(&payload), Err(AgentError::Constraint(9)));
}

#[test]
fn a_session_is_bound() {
    let bind = SessionBind {
        host_key: b"host key",
        session_id: b"id",
        signature: b"signature",
        is_forwarding: true,
    };
    let mut data = Vec::new();
    bind.encode(&mut data);
    let request = Request::Extension { name: SESSION_BIND, data: &data };
    let Request::Extension { name, data } = read_back(&request) else { unreachable!() };
    assert_eq!(name, b"session-bind@openssh.com");
    assert_eq!(Reader::new(data).read::<SessionBind<'_>>().unwrap(), bind);
}

#[test]
fn secrets_are_not_printed() {
    let requests = [
        Request::Lock { passphrase: b"hunter2" },
        add(AddedKey::new(PrivateKey::ed25519(b"hunter2hunter2hunter2hunter2hunt")), "", vec![]),
    ];
    let mut client = AgentClient::new();
    for request in &requests {
        client.send(request).unwrap();
        let printed = format!("{request:?} {client:?}");
        assert!(!printed.contains("hunter") && !printed.contains("104, 117, 110"), "{printed}");
    }
    assert!(!format!("{:?}", Secret::from("hunter2")).contains("hunter"));
}

proptest! {
    #[test]
    fn damaged_messages_are_errors_or_other_messages(
        which in 0..requests().len(),
        at in any::<usize>(),
        by in 1u8..,
        cut in any::<usize>(),
    ) {
        let mut payload = requests()[which].to_frame().unwrap()[4..].to_vec();
        let at = at % payload.len();
        payload[at] ^= by;
        let _ = Request::parse(&payload);
        payload.truncate(cut % payload.len());
        let _ = Request::parse(&payload);
    }

    #[test]
    fn random_bytes_are_no_reply_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut client = AgentClient::new();
        client.send(&Request::Identities).unwrap();
        client.push(&bytes);
        while let Ok(Some(_)) = client.poll() {}
        let _ = Reply::parse(&bytes);
    }
}
