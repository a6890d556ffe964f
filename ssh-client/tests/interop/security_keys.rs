//! Security keys, in software: as users' keys, as hosts' and as authorities, alone and with certificates.

use super::facade::connect;
use crate::support::{PATIENCE, config, timeouts};
use ssh_client::{
    Config, Credential, ErrorKind,
    agent::{Agent, AgentKeys},
    certificate::{self, CertifiedSigner},
    host_key::Known,
    known_hosts::KnownHosts,
};
use std::{fs, path::Path, sync::Arc};
use testing::{KeyKind, KeyPair, SecurityKey, SecurityKeyAgent, Sshd};

#[test]
fn login_with_a_security_key() {
    let Some(sshd) = Sshd::start_or_skip("login_with_a_security_key") else { return };
    for key in SecurityKey::both().map(Arc::new) {
        sshd.authorize(&key.public().to_line(""));
        connect(&sshd, &config(&sshd).key(key.clone())).unwrap();
        let agent = SecurityKeyAgent::start(key);
        let keys = AgentKeys::new(Agent::connect_to(agent.socket()).unwrap());
        connect(&sshd, &config(&sshd).credential(keys.into())).unwrap();
    }
    let log = sshd.log();
    for label in ["ED25519-SK", "ECDSA-SK"] {
        let accepted =
            log.lines().filter(|line| line.contains("Accepted publickey") && line.contains(label)).count();
        assert_eq!(accepted, 2, "{log}");
    }
}

#[test]
fn a_security_key_that_nobody_touches_is_refused() {
    let Some(sshd) = Sshd::start_or_skip("a_security_key_that_nobody_touches_is_refused") else { return };
    for key in SecurityKey::both().map(|key| Arc::new(key.untouched())) {
        let line = key.public().to_line("");
        sshd.authorize(&line);
        let base = config(&sshd).key(key.clone());
        assert_eq!(connect(&sshd, &base).unwrap_err().kind(), ErrorKind::Authentication);
        let other = Sshd::start_or_skip("a_security_key_that_nobody_touches_is_refused").unwrap();
        other.authorize(&format!("no-touch-required {line}"));
        connect(&other, &config(&other).key(key)).unwrap();
    }
    assert_eq!(sshd.log().matches("user presence (authenticator touch) requirement not met").count(), 2);
}

/// The certificate beside the key at this path.
fn certificate(path: &Path) -> certificate::Certificate {
    certificate::read_file(format!("{}-cert.pub", path.display())).unwrap()
}

/// Writes the public half beside this path.
fn write_public(key: &SecurityKey, path: &Path) {
    fs::write(format!("{}.pub", path.display()), key.public().to_line("")).unwrap();
}

#[test]
fn login_with_the_certificate_of_a_security_key() {
    let Some(sshd) = Sshd::start_or_skip("login_with_the_certificate_of_a_security_key") else { return };
    sshd.authorize(&format!("cert-authority {}", KeyPair::authority().public_line()));
    for (at, key) in SecurityKey::both().into_iter().enumerate() {
        let key = Arc::new(key);
        let path = sshd.dir().join(format!("token-{at}"));
        write_public(&key, &path);
        KeyPair::authority().certify(&path, &["-n", sshd.user()]);
        let certified = CertifiedSigner::new(key, certificate(&path)).unwrap();
        assert!(certified.certificate().key_type().starts_with("sk-"));
        connect(&sshd, &config(&sshd).key(Arc::new(certified))).unwrap();
    }
    let log = sshd.log();
    for label in ["ED25519-SK-CERT", "ECDSA-SK-CERT"] {
        assert!(log.lines().any(|line| line.contains("Accepted publickey") && line.contains(label)), "{log}");
    }
}

#[test]
fn a_security_key_is_an_authority_of_users() {
    let Some(sshd) = Sshd::start_or_skip("a_security_key_is_an_authority_of_users") else { return };
    for (at, authority) in SecurityKey::both().map(Arc::new).iter().enumerate() {
        let path = KeyPair::generate(KeyKind::Ed25519).write(&sshd.dir().join(format!("user-{at}")));
        authority.certify(&path, &["-n", sshd.user()]);
        let base = config(&sshd);
        let credential = Credential::key_file(&path, None, base.provider()).unwrap();
        let base = base.credential(credential);
        assert_eq!(connect(&sshd, &base).unwrap_err().kind(), ErrorKind::Authentication);
        sshd.authorize(&format!("cert-authority {}", authority.public().to_line("")));
        connect(&sshd, &base).unwrap();
    }
}

/// A configuration for this server by a key that it knows, with these lines as known hosts, in which $HOST stands for it.
fn knowing(sshd: &Sshd, known: &str) -> Config {
    let known = known.replace("$HOST", &format!("[127.0.0.1]:{}", sshd.port()));
    let base =
        Config::new(sshd.user()).timeouts(timeouts(PATIENCE)).host_key(Known(KnownHosts::parse(&known)));
    let path = sshd.user_key_path(KeyKind::Ed25519);
    let credential = Credential::key_file(path, None, base.provider()).unwrap();
    base.credential(credential)
}

#[test]
fn a_host_is_known_by_its_security_key() {
    for key in SecurityKey::both().map(Arc::new) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host");
        write_public(&key, &path);
        let authority = Arc::new(SecurityKey::ed25519());
        authority.certify(&path, &["-h", "-n", "127.0.0.1"]);
        // sshd has the agent sign for keys of which it has the public half alone.
        let agent = SecurityKeyAgent::start(key.clone());
        let lines = format!(
            "HostKeyAgent {}\nHostKey {}\nHostCertificate {1}-cert.pub\nHostKeyAlgorithms +{},{}",
            agent.socket().display(),
            path.display(),
            key.public().key_type(),
            certificate(&path).key_type(),
        );
        let name = "a_host_is_known_by_its_security_key";
        let Some(sshd) = Sshd::builder().host_keys(&[]).config(&lines).start_or_skip(name) else { return };
        let session =
            connect(&sshd, &knowing(&sshd, &format!("$HOST {}", key.public().to_line("")))).unwrap();
        assert_eq!(session.negotiated().unwrap().host_key, key.public().key_type());
        session.rekey().unwrap();
        assert!(session.command("true").output().unwrap().success());
        let other = SecurityKey::ed25519();
        let error = connect(&sshd, &knowing(&sshd, &format!("$HOST {}", other.public().to_line(""))));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::HostKey);

        let known = format!("@cert-authority $HOST {}", authority.public().to_line(""));
        let session = connect(&sshd, &knowing(&sshd, &known)).unwrap();
        assert_eq!(session.negotiated().unwrap().host_key, certificate(&path).key_type());
        session.rekey().unwrap();
        assert!(session.command("true").output().unwrap().success());
    }
}

#[test]
fn a_security_key_is_an_authority_of_hosts() {
    for authority in SecurityKey::both().map(Arc::new) {
        let dir = tempfile::tempdir().unwrap();
        let path = KeyPair::generate(KeyKind::Ed25519).write(&dir.path().join("host"));
        authority.certify(&path, &["-h", "-n", "127.0.0.1"]);
        let lines = format!("HostKey {}\nHostCertificate {0}-cert.pub", path.display());
        let name = "a_security_key_is_an_authority_of_hosts";
        let Some(sshd) = Sshd::builder().host_keys(&[]).config(&lines).start_or_skip(name) else { return };
        let known = |authority: &SecurityKey| {
            knowing(&sshd, &format!("@cert-authority $HOST {}", authority.public().to_line("")))
        };
        let session = connect(&sshd, &known(&authority)).unwrap();
        assert_eq!(session.negotiated().unwrap().host_key, "ssh-ed25519-cert-v01@openssh.com");
        let error = connect(&sshd, &known(&SecurityKey::ed25519())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostKey);
    }
}
