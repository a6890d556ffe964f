//! Certificates of users and of hosts, made by `ssh-keygen -s`.

use crate::support::{config, connect};
use ssh_client::{Config, Credential, ErrorKind, certificate};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use testing::{KeyKind, KeyPair, Sshd};

/// Signs the key at `path`, and answers with the certificate's path.
fn certify(authority: &Path, path: &Path, arguments: &[&str]) -> PathBuf {
    let output = Command::new("ssh-keygen")
        .args(["-q", "-I", "a test", "-s"])
        .arg(authority)
        .args(arguments)
        .arg(format!("{}.pub", path.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(format!("{}-cert.pub", path.display()))
}

fn public_line(path: &Path) -> String {
    fs::read_to_string(format!("{}.pub", path.display())).unwrap().trim().to_owned()
}

/// An authority that the server trusts for its user.
fn user_authority(sshd: &Sshd, kind: KeyKind) -> PathBuf {
    let path = KeyPair::generate(kind).write(&sshd.dir().join(format!("ca-{}", kind.name())));
    sshd.authorize(&format!("cert-authority {}", public_line(&path)));
    path
}

fn new_key(dir: &Path, name: &str, kind: KeyKind) -> PathBuf {
    KeyPair::generate(kind).write(&dir.join(name))
}

fn key_file(path: &Path, config: &Config) -> Credential {
    Credential::key_file(path, None, config.provider()).unwrap()
}

#[test]
fn a_certificate_beside_the_key_is_found_and_used() {
    let name = "a_certificate_beside_the_key_is_found_and_used";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let authorities =
        [KeyKind::Ed25519, KeyKind::Rsa, KeyKind::EcdsaP384].map(|kind| user_authority(&sshd, kind));
    for (at, kind) in KeyKind::ALL.into_iter().enumerate() {
        let path = new_key(sshd.dir(), &format!("user-{at}"), kind);
        certify(&authorities[at % authorities.len()], &path, &["-n", sshd.user(), "-V", "+1h"]);
        let base = config(&sshd);
        let credential = key_file(&path, &base);
        let Credential::Certified { signer, .. } = &credential else { panic!("{credential:?}") };
        assert_eq!(signer.certificate().kind(), certificate::Kind::User);
        let session = connect(&sshd, &base.credential(credential)).unwrap();
        assert!(session.command("true").output().unwrap().success());
    }
    let log = sshd.log();
    for accepted in ["ED25519-CERT", "ECDSA-CERT", "RSA-CERT"] {
        assert!(log.contains(accepted), "{log}");
    }
}

#[test]
fn a_certificate_from_elsewhere_carries_its_options() {
    let name = "a_certificate_from_elsewhere_carries_its_options";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let authority = user_authority(&sshd, KeyKind::Ed25519);
    let path = new_key(sshd.dir(), "user", KeyKind::Ed25519);
    let made = certify(&authority, &path, &["-n", sshd.user(), "-O", "force-command=echo forced"]);
    let elsewhere = sshd.dir().join("elsewhere.pub");
    fs::rename(made, &elsewhere).unwrap();
    let base = config(&sshd);
    let credential = key_file(&path, &base);
    assert!(matches!(credential, Credential::Key { .. }));
    let credential = credential.with_certificate(&elsewhere).unwrap();
    let session = connect(&sshd, &base.credential(credential)).unwrap();
    assert_eq!(session.command("echo chosen").output().unwrap().stdout, b"forced\n");
}

#[test]
fn where_the_certificate_is_refused_the_key_alone_is_tried() {
    let name = "where_the_certificate_is_refused_the_key_alone_is_tried";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let authority = user_authority(&sshd, KeyKind::Ed25519);
    let stranger = new_key(sshd.dir(), "stranger", KeyKind::Ed25519);
    let user = sshd.user();
    let refused: [(&Path, &[&str]); 3] = [
        (&authority, &["-n", "somebody-else"]),
        (&authority, &["-n", user, "-V", "20200101:20200102"]),
        (&stranger, &["-n", user]),
    ];
    for (at, (authority, arguments)) in refused.into_iter().enumerate() {
        let path = new_key(sshd.dir(), &format!("user-{at}"), KeyKind::Rsa);
        certify(authority, &path, arguments);
        let base = config(&sshd);
        let config = base.clone().credential(key_file(&path, &base));
        let error = connect(&sshd, &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        let details: Vec<_> =
            error.attempts().iter().filter_map(|attempt| attempt.detail.as_deref()).collect();
        assert_eq!(details.len(), 2, "{error}");
        assert!(details[0].starts_with("ssh-rsa-cert-v01@openssh.com"), "{error}");
        assert!(details[1].starts_with("ssh-rsa SHA256:"), "{error}");
        sshd.authorize(&public_line(&path));
        assert!(connect(&sshd, &config).is_ok());
    }
}

#[test]
fn certificates_that_do_not_fit_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let authority = new_key(dir.path(), "ca", KeyKind::Ed25519);
    let (one, other) =
        (new_key(dir.path(), "one", KeyKind::Ed25519), new_key(dir.path(), "other", KeyKind::Ed25519));
    let base = Config::new("alice");
    let for_other = certify(&authority, &other, &[]);
    let key = key_file(&one, &base);
    let unfit = |credential: Credential, path: &Path| credential.with_certificate(path).unwrap_err().kind();
    assert_eq!(unfit(key.clone(), &for_other), ErrorKind::File);
    assert_eq!(unfit(key.clone(), &certify(&authority, &one, &["-h"])), ErrorKind::File);
    // Now there is one beside the key which is a host's; the key is used all the same.
    assert!(matches!(key_file(&one, &base), Credential::Key { .. }));
    assert_eq!(unfit(key.clone(), &dir.path().join("missing")), ErrorKind::File);
    assert_eq!(unfit(key, &one.with_extension("pub")), ErrorKind::File);
    assert_eq!(unfit(Credential::password("secret"), &for_other), ErrorKind::Usage);
    fs::write(dir.path().join("one-cert.pub"), "ssh-ed25519-cert-v01@openssh.com AAAA").unwrap();
    assert!(matches!(key_file(&one, &base), Credential::Key { .. }));
}

#[test]
fn signatures_cover_the_host_key_where_the_server_understands_it() {
    let name = "signatures_cover_the_host_key_where_the_server_understands_it";
    let Some(sshd) = Sshd::builder().config("LogLevel DEBUG1").start_or_skip(name) else { return };
    let authority = user_authority(&sshd, KeyKind::Ed25519);
    let path = new_key(sshd.dir(), "user", KeyKind::Ed25519);
    certify(&authority, &path, &["-n", sshd.user()]);
    let base = config(&sshd);
    let plain = key_file(&sshd.user_key_path(KeyKind::Rsa), &base);
    // Always, and not only if the server's announcement happens to be read in time.
    for credential in [plain, key_file(&path, &base)].iter().cycle().take(20) {
        let session = connect(&sshd, &base.clone().credential(credential.clone())).unwrap();
        if session.server().unwrap().software().starts_with("OpenSSH_8.") {
            return testing::skip(name, "OpenSSH before 8.9 does not know it");
        }
    }
    let count = |method: &str| sshd.log().matches(&format!("service ssh-connection method {method}")).count();
    assert_eq!(count("publickey"), 20, "{}", sshd.log());
    assert_eq!(count("publickey-hostbound-v00@openssh.com"), 20);
}
