//! The agent: OpenSSH's own as a process of the test, and some that misbehave.

use crate::facade::connect;
use crate::support::{PATIENCE, config, public_key};
use ssh_client::{
    Credential, ErrorKind, Phase, PrivateKey, PrivateKeyFile, PublicKey, Signer,
    agent::{
        AddedKey, Agent, AgentKeys, AgentSigner, AgentTimeouts, Constraint, Destination, HopHost, Identity,
    },
    auth::agent::{Frames, Reply, Request},
    certificate, default_provider, wire,
};
use std::{
    io::{Read, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use testing::{KeyKind, KeyPair, Sshd};

/// OpenSSH's agent, for one test.
pub(crate) struct SshAgent {
    child: Child,
    dir: tempfile::TempDir,
}

impl SshAgent {
    pub(crate) fn start_or_skip(test: &str) -> Option<Self> {
        Self::start_with_askpass(test, "#!/bin/sh\nexit 1\n")
    }

    /// `askpass` is the script that answers when the agent asks a person: yes, if it exits with 0.
    fn start_with_askpass(test: &str, askpass: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("askpass");
        std::fs::write(&script, askpass).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(dir.path().join("agent"))
            .env("SSH_ASKPASS", script)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            testing::skip(test, "no ssh-agent found");
            return None;
        };
        let agent = Self { child, dir };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(agent.socket()).is_err() {
            assert!(Instant::now() < deadline, "ssh-agent does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Some(agent)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    pub(crate) fn connect(&self) -> Agent {
        Agent::connect_to(self.socket()).unwrap()
    }

    /// Runs `ssh-add`, and answers with what it prints.
    fn ssh_add(&self, arguments: &[&str]) -> String {
        let output = Command::new("ssh-add")
            .args(arguments)
            .env("SSH_AUTH_SOCK", self.socket())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Adds a key of OpenSSH's making by OpenSSH's tool.
    pub(crate) fn add_file(&self, path: &Path) {
        let said = self.ssh_add(&["-q", path.to_str().unwrap()]);
        assert_eq!(said, "");
    }

    fn add_pair(&self, pair: &KeyPair) {
        self.add_file(&pair.write(&self.dir.path().join("key")));
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn private(pair: &KeyPair) -> PrivateKey {
    PrivateKeyFile::parse(pair.private()).unwrap().decrypt(None).unwrap()
}

fn verify(signer: &dyn Signer, algorithm: &str) {
    let key = PublicKey::from_blob(signer.public_key()).unwrap();
    let signature = signer.sign(algorithm, b"a message").unwrap();
    default_provider().verify(algorithm, &key, b"a message", &signature).unwrap();
}

#[test]
fn what_one_side_adds_the_other_lists_signs_with_and_removes() {
    let name = "what_one_side_adds_the_other_lists_signs_with_and_removes";
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let agent = process.connect();
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
    let agent = process.connect();
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
        let agent = process.connect();
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
fn login_with_the_keys_of_an_agent() {
    let Some(sshd) = Sshd::start_or_skip("login_with_the_keys_of_an_agent") else { return };
    for kind in [KeyKind::Ed25519, KeyKind::Rsa, KeyKind::EcdsaP521] {
        let Some(process) = SshAgent::start_or_skip("login_with_the_keys_of_an_agent") else { return };
        process.add_pair(&KeyPair::generate(KeyKind::Ed25519));
        process.add_file(&sshd.user_key_path(kind));
        for probe in [true, false] {
            let keys = AgentKeys::new(process.connect()).probe(probe);
            let session = connect(&sshd, &config(&sshd).credential(keys.into())).unwrap();
            assert!(session.command("true").output().unwrap().success());
        }
    }
    assert!(sshd.log().contains("Accepted publickey for"), "{}", sshd.log());
}

#[test]
fn many_keys_are_limited_preferred_and_filtered() {
    let name = "many_keys_are_limited_preferred_and_filtered";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    for _ in 0..7 {
        process.add_pair(&KeyPair::generate(KeyKind::Ed25519));
    }
    let right = sshd.user_key_path(KeyKind::Ed25519);
    process.add_file(&right);
    let line = std::fs::read_to_string(right.with_extension("pub")).unwrap();
    let right = public_key(line.trim());
    let stranger = public_key(KeyPair::generate(KeyKind::Ed25519).public_line());

    let keys = AgentKeys::new(process.connect());
    let login = |keys: AgentKeys| connect(&sshd, &config(&sshd).credential(keys.into()));
    let error = login(keys.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.attempts().len(), AgentKeys::LIMIT);
    assert!(error.to_string().contains("3 more keys were not tried"), "{error}");
    // Without the limit, the server hangs up before it was shown the right key.
    assert_eq!(login(keys.clone().limit(100)).unwrap_err().kind(), ErrorKind::Disconnected);

    assert!(login(keys.clone().prefer(&[stranger.clone(), right.clone()])).is_ok());
    assert!(login(keys.clone().only(std::slice::from_ref(&right)).limit(1)).is_ok());
    let error = login(keys.only(&[stranger])).unwrap_err();
    assert!(error.attempts().iter().all(|attempt| attempt.method == "none"), "{error}");
}

#[test]
fn a_certificate_in_the_agent_and_the_name_of_its_key() {
    let name = "a_certificate_in_the_agent_and_the_name_of_its_key";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let authority = KeyPair::generate(KeyKind::Ed25519).write(&sshd.dir().join("ca"));
    let line = std::fs::read_to_string(authority.with_extension("pub")).unwrap();
    sshd.authorize(&format!("cert-authority {line}"));
    let pair = KeyPair::generate(KeyKind::Rsa);
    let key = pair.write(&sshd.dir().join("certified"));
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-I", "someone", "-n", sshd.user(), "-s"])
        .arg(&authority)
        .arg(key.with_extension("pub"))
        .status()
        .unwrap();
    assert!(signed.success());
    // ssh-add takes the certificate beside the key along; here it is ours that adds it.
    let certificate = certificate::read_file(sshd.dir().join("certified-cert.pub")).unwrap();
    let agent = process.connect();
    agent.add(AddedKey::certified(private(&pair), certificate).unwrap(), "certified", &[]).unwrap();
    let keys = AgentKeys::new(agent).only(&[public_key(pair.public_line())]);
    connect(&sshd, &config(&sshd).credential(keys.into())).unwrap();
    assert!(sshd.log().contains("RSA-CERT"), "{}", sshd.log());
}

#[test]
fn threads_share_a_connection() {
    let Some(process) = SshAgent::start_or_skip("threads_share_a_connection") else { return };
    let pairs: Vec<_> = (0..4).map(|_| KeyPair::generate(KeyKind::Ed25519)).collect();
    pairs.iter().for_each(|pair| process.add_pair(pair));
    let agent = process.connect();
    thread::scope(|scope| {
        for signer in agent.signers().unwrap() {
            scope.spawn(move || (0..50).for_each(|_| verify(&*signer, "ssh-ed25519")));
        }
    });
}

#[test]
fn an_agent_that_is_gone_is_told_and_the_rest_is_tried() {
    let name = "an_agent_that_is_gone_is_told_and_the_rest_is_tried";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let agent = process.connect();
    drop(process);
    let base = config(&sshd).credential(Credential::agent(agent));
    let error = connect(&sshd, &base).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.to_string().contains("agent: not tried"), "{error}");
    let key = Credential::key_file(sshd.user_key_path(KeyKind::Ed25519), None, base.provider()).unwrap();
    assert!(connect(&sshd, &base.credential(key)).is_ok());
    assert_eq!(Agent::connect_to("/no/such/agent").unwrap_err().kind(), ErrorKind::Agent);
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

/// An agent that keeps a security key in software: what sshd sees is the same.
fn security_key_agent(mut stream: UnixStream, key: &PrivateKey, public: &PublicKey) {
    let provider = default_provider();
    let pair = ssh_client::KeyPair::new(key, &provider).unwrap();
    let application = b"ssh:".to_vec();
    let mut frames = Frames::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(payload) = frames.next_frame().unwrap() {
            let reply = match Request::parse(&payload).unwrap() {
                Request::Identities => {
                    Reply::Identities(vec![Identity { blob: public.to_blob(), comment: "token".to_owned() }])
                }
                Request::Sign { data, .. } => {
                    // PROTOCOL.u2f: the hashes of application and data around flags (touched) and counter.
                    let hash = |bytes: &[u8]| ssh_client::crypto::Hash::Sha256.digest(&[bytes]).to_vec();
                    let tail = [1, 0, 0, 0, 7];
                    let signed = [hash(&application), tail.to_vec(), hash(data)].concat();
                    let signature = pair.sign("ssh-ed25519", &signed).unwrap();
                    let mut blob = Vec::new();
                    wire::Encode::encode("sk-ssh-ed25519@openssh.com", &mut blob);
                    blob.extend_from_slice(&signature[4 + "ssh-ed25519".len()..]);
                    blob.extend_from_slice(&tail);
                    Reply::Signature(blob)
                }
                _ => Reply::Failure,
            };
            stream.write_all(&reply.to_frame().unwrap()).unwrap();
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => frames.push(&buffer[..n]),
        }
    }
}

#[test]
fn login_with_a_security_key() {
    let Some(sshd) = Sshd::start_or_skip("login_with_a_security_key") else { return };
    let key = private(&KeyPair::generate(KeyKind::Ed25519));
    let PublicKey::Ed25519(bytes) = key.public_key() else { panic!() };
    let public = PublicKey::SkEd25519 { key: bytes, application: b"ssh:".to_vec() };
    sshd.authorize(&public.to_line(""));
    let (ours, theirs) = UnixStream::pair().unwrap();
    let agent = thread::spawn(move || security_key_agent(theirs, &key, &public));
    let keys = AgentKeys::new(Agent::over(ours));
    let session = connect(&sshd, &config(&sshd).credential(keys.into())).unwrap();
    assert!(sshd.log().contains("ED25519-SK"), "{}", sshd.log());
    drop(session);
    agent.join().unwrap();
}

#[test]
fn signers_are_shared_with_sessions() {
    let Some(sshd) = Sshd::start_or_skip("signers_are_shared_with_sessions") else { return };
    let Some(process) = SshAgent::start_or_skip("signers_are_shared_with_sessions") else { return };
    process.add_file(&sshd.user_key_path(KeyKind::Ed25519));
    let signer: Arc<dyn Signer> = process.connect().signers().unwrap().remove(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (sshd, signer) = (&sshd, signer.clone());
            scope.spawn(move || connect(sshd, &config(sshd).key(signer)).unwrap());
        }
    });
}

/// Adds the key to the agent for this server only, under the name `here`.
fn add_for(process: &SshAgent, sshd: &Sshd, key: &Path) {
    let known = process.dir.path().join("known_hosts");
    let lines: String =
        KeyKind::ALL.iter().map(|kind| format!("here {}\n", sshd.host_key(*kind).public_line())).collect();
    std::fs::write(&known, lines).unwrap();
    let arguments = ["-q", "-H", known.to_str().unwrap(), "-h", "here", key.to_str().unwrap()];
    let said = process.ssh_add(&arguments);
    assert_eq!(said, "");
}

#[test]
fn a_key_that_is_limited_to_a_server_logs_in_there_and_nowhere_else() {
    let name = "a_key_that_is_limited_to_a_server_logs_in_there_and_nowhere_else";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    add_for(&process, &sshd, &sshd.user_key_path(KeyKind::Ed25519));
    // One handle serves one session after the other.
    let agent = process.connect();
    let config = config(&sshd).credential(Credential::agent(agent.clone()));
    for _ in 0..2 {
        let session = connect(&sshd, &config).unwrap();
        assert!(session.command("true").output().unwrap().success());
    }
    // The same key, limited to another server: it is not even shown.
    let elsewhere = HopHost {
        name: "elsewhere".into(),
        keys: vec![public_key(KeyPair::generate(KeyKind::Ed25519).public_line()).to_blob()],
        authorities: Vec::new(),
    };
    let destination = Destination { from: None, to: elsewhere, user: String::new() };
    let key = PrivateKeyFile::parse(&std::fs::read(sshd.user_key_path(KeyKind::Ed25519)).unwrap()).unwrap();
    agent.remove_all().unwrap();
    let added = AddedKey::new(key.decrypt(None).unwrap());
    agent.add(added, "limited", &[Constraint::Destinations(vec![destination])]).unwrap();
    assert_eq!(agent.list().unwrap().len(), 1);
    let error = connect(&sshd, &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.attempts().iter().all(|attempt| attempt.method == "none"), "{error}");
}

#[test]
fn a_destination_of_our_making_is_one_for_the_agent() {
    let name = "a_destination_of_our_making_is_one_for_the_agent";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let keys = vec![public_key(sshd.host_key(KeyKind::Ed25519).public_line()).to_blob()];
    let here = HopHost { name: "here".into(), keys, authorities: Vec::new() };
    let file = PrivateKeyFile::parse(&std::fs::read(sshd.user_key_path(KeyKind::Rsa)).unwrap()).unwrap();
    let agent = process.connect();
    for (user, allowed) in [(sshd.user(), true), ("no?body", false)] {
        let destination = Destination { from: None, to: here.clone(), user: user.into() };
        let key = AddedKey::new(file.decrypt(None).unwrap());
        agent.remove_all().unwrap();
        agent.add(key, "limited", &[Constraint::Destinations(vec![destination])]).unwrap();
        let result = connect(&sshd, &config(&sshd).credential(Credential::agent(agent.clone())));
        assert_eq!(result.is_ok(), allowed, "{user}: {result:?}");
        if let Err(error) = result {
            assert!(error.to_string().contains("the agent refuses to sign"), "{error}");
        }
    }
}

#[test]
fn keys_that_are_not_tried_are_told() {
    let name = "keys_that_are_not_tried_are_told";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    for _ in 0..3 {
        process.add_pair(&KeyPair::generate(KeyKind::Ed25519));
    }
    let keys = AgentKeys::new(process.connect());
    let login =
        |keys: AgentKeys| connect(&sshd, &config(&sshd).credential(keys.into())).unwrap_err().to_string();
    let text = login(keys.clone().limit(1));
    assert!(text.contains("2 more keys were not tried (AgentKeys::limit)"), "{text}");
    let stranger = public_key(KeyPair::generate(KeyKind::Ed25519).public_line());
    let text = login(keys.only(&[stranger]));
    assert!(text.contains("3 keys were not tried, as others are named"), "{text}");
    let why = Credential::Unavailable("id_rsa: its passphrase is forgotten".into());
    let text = connect(&sshd, &config(&sshd).credential(why)).unwrap_err().to_string();
    assert!(text.contains("id_rsa: its passphrase is forgotten"), "{text}");
}

#[test]
fn a_forwarded_agent_signs_on_the_other_side() {
    let name = "a_forwarded_agent_signs_on_the_other_side";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    process.add_file(&sshd.user_key_path(KeyKind::Ed25519));
    let agent = process.connect();
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
    let agent = process.connect();
    let add = agent.add_token("/no/such/library.so", b"1234", &[Constraint::Lifetime(9)]).unwrap_err();
    let remove = agent.remove_token("/no/such/library.so").unwrap_err();
    assert_eq!((add.kind(), remove.kind()), (ErrorKind::Agent, ErrorKind::Agent));
    // The agent has understood both and is there.
    assert_eq!(agent.list().unwrap(), []);
}
