//! Logging in with the keys of an agent.

use super::facade::connect;
use crate::ssh_agent::{agent_of, private};
use crate::support::{config, public_key};
use ssh_client::{
    Credential, ErrorKind, PrivateKeyFile, Signer,
    agent::{AddedKey, Agent, AgentKeys, Constraint, Destination, HopHost},
    certificate,
};
use std::{path::Path, process::Command, sync::Arc, thread};
use testing::{KeyKind, KeyPair, SshAgent, Sshd};

#[test]
fn login_with_the_keys_of_an_agent() {
    let Some(sshd) = Sshd::start_or_skip("login_with_the_keys_of_an_agent") else { return };
    for kind in [KeyKind::Ed25519, KeyKind::Rsa, KeyKind::EcdsaP521] {
        let Some(process) = SshAgent::start_or_skip("login_with_the_keys_of_an_agent") else { return };
        process.add_pair(&KeyPair::generate(KeyKind::Ed25519));
        process.add_file(&sshd.user_key_path(kind));
        for probe in [true, false] {
            let keys = AgentKeys::new(agent_of(&process)).probe(probe);
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

    let keys = AgentKeys::new(agent_of(&process));
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
    let agent = agent_of(&process);
    agent.add(AddedKey::certified(private(&pair), certificate).unwrap(), "certified", &[]).unwrap();
    let keys = AgentKeys::new(agent).only(&[public_key(pair.public_line())]);
    connect(&sshd, &config(&sshd).credential(keys.into())).unwrap();
    assert!(sshd.log().contains("RSA-CERT"), "{}", sshd.log());
}

#[test]
fn an_agent_that_is_gone_is_told_and_the_rest_is_tried() {
    let name = "an_agent_that_is_gone_is_told_and_the_rest_is_tried";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let Some(process) = SshAgent::start_or_skip(name) else { return };
    let agent = agent_of(&process);
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
fn signers_are_shared_with_sessions() {
    let Some(sshd) = Sshd::start_or_skip("signers_are_shared_with_sessions") else { return };
    let Some(process) = SshAgent::start_or_skip("signers_are_shared_with_sessions") else { return };
    process.add_file(&sshd.user_key_path(KeyKind::Ed25519));
    let signer: Arc<dyn Signer> = agent_of(&process).signers().unwrap().remove(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            let (sshd, signer) = (&sshd, signer.clone());
            scope.spawn(move || connect(sshd, &config(sshd).key(signer)).unwrap());
        }
    });
}

/// Adds the key to the agent for this server only, under the name `here`.
fn add_for(process: &SshAgent, sshd: &Sshd, key: &Path) {
    let known = process.dir().join("known_hosts");
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
    let agent = agent_of(&process);
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
    let agent = agent_of(&process);
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
    let keys = AgentKeys::new(agent_of(&process));
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
