//! `ssh-mldsa44-ed25519`, which OpenSSH has from 10.6 on: as users' keys, as hosts' and as authorities, and in files.

use crate::{
    facade::Session,
    support::{PATIENCE, connect, key, only},
};
use ssh_client::{
    Config, Credential, Error, ErrorKind, PrivateKeyFile, PublicKey, Timeouts,
    auth::keyfile::write_openssh,
    crypto::{Hash, KeyKind as Kind, PrivateKey, random::SystemRandom},
    host_key::{Expect, Known},
    known_hosts::KnownHosts,
};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use testing::{KeyKind, KeyPair, Sshd};

const KIND: KeyKind = KeyKind::MlDsa44Ed25519;
const NAME: &str = "ssh-mldsa44-ed25519";
const CERTIFICATE: &str = "ssh-mldsa44-ed25519-cert";

/// The `ssh-keygen` that knows the type, or a skip.
fn ssh_keygen(test: &str) -> Option<PathBuf> {
    let found = testing::newer_program("ssh-keygen");
    if found.is_none() {
        testing::skip(test, testing::NEWER_MISSING);
    }
    found
}

/// The sshd beside this `ssh-keygen`, with host keys of these kinds; of users it takes this type alone.
fn start(test: &str, kinds: &[KeyKind], lines: &str) -> Option<Sshd> {
    let binary = ssh_keygen(test)?.with_file_name("sshd");
    let builder = Sshd::builder().binary(binary).host_keys(kinds).config(lines);
    builder.config(&format!("PubkeyAcceptedAlgorithms {NAME},{CERTIFICATE}")).start_or_skip(test)
}

/// A host of which these lines are known, in which $HOST stands for it.
fn knowing(sshd: &Sshd, known: &str) -> Config {
    let known = known.replace("$HOST", &format!("[127.0.0.1]:{}", sshd.port()));
    let timeouts =
        Timeouts { handshake: Some(PATIENCE), authentication: Some(PATIENCE), ..Timeouts::default() };
    Config::new(sshd.user()).timeouts(timeouts).host_key(Known(KnownHosts::parse(&known)))
}

/// Why there is no session.
#[track_caller]
fn refused(sshd: &Sshd, config: &Config) -> Error {
    Session::connect(("127.0.0.1", sshd.port()), config).unwrap_err()
}

/// A session with new keys amid it, for which the host proves itself again.
fn check(sshd: &Sshd, config: &Config, host_key: &str) {
    let session = connect(sshd, config);
    assert_eq!(session.negotiated().unwrap().host_key, host_key);
    session.rekey().unwrap();
    assert!(session.command("true").output().unwrap().success());
}

/// The server has logged that it took a key of this label.
#[track_caller]
fn assert_accepted(sshd: &Sshd, label: &str) {
    let (log, label) = (sshd.log(), format!(" {label} "));
    assert!(log.lines().any(|line| line.contains("Accepted publickey") && line.contains(&label)), "{log}");
}

#[test]
fn a_host_and_a_user_have_the_key() {
    let lines = format!("HostKeyAlgorithms {NAME}");
    let Some(sshd) = start("mldsa::a_host_and_a_user_have_the_key", &[KIND], &lines) else { return };
    let base = knowing(&sshd, &format!("$HOST {}", sshd.host_key(KIND).public_line()));
    let user = KeyPair::generate(KIND).write(&sshd.dir().join("unknown"));
    let unknown = Credential::key_file(&user, None, base.provider()).unwrap();
    assert_eq!(refused(&sshd, &base.clone().credential(unknown)).kind(), ErrorKind::Authentication);

    let known = key(&sshd, KIND, &base);
    check(&sshd, &base.clone().credential(known), NAME);
    assert_accepted(&sshd, "MLDSA44-ED25519");

    let other = PublicKey::from_line(KeyPair::generate(KIND).public_line()).unwrap().0;
    assert_eq!(refused(&sshd, &base.host_key(Expect(other))).kind(), ErrorKind::HostKey);
}

/// A user's key with a certificate by this authority.
fn certified(sshd: &Sshd, authority: &KeyPair, config: &Config) -> Credential {
    let path = KeyPair::generate(KIND).write(&sshd.dir().join(format!("by-{}", authority.kind().name())));
    authority.certify(&path, &["-n", sshd.user()]);
    let credential = Credential::key_file(&path, None, config.provider()).unwrap();
    assert!(matches!(credential, Credential::Certified { .. }), "{credential:?}");
    credential
}

#[test]
fn a_user_has_a_certificate() {
    let test = "mldsa::a_user_has_a_certificate";
    let Some(sshd) = start(test, &[KIND], "") else { return };
    let newest = KeyPair::generate(KIND);
    for authority in [KeyPair::authority(), &newest] {
        sshd.authorize(&format!("cert-authority {}", authority.public_line()));
    }
    let known = format!("$HOST {}", sshd.host_key(KIND).public_line());
    let base = knowing(&sshd, &known);
    let credential = certified(&sshd, KeyPair::authority(), &base);
    check(&sshd, &base.clone().credential(credential), NAME);
    assert_accepted(&sshd, "MLDSA44-ED25519-CERT");

    // An authority of this type is taken where it is asked for alone.
    let credential = certified(&sshd, &newest, &base);
    assert_eq!(refused(&sshd, &base.credential(credential)).kind(), ErrorKind::Authentication);
    let lines = format!("CASignatureAlgorithms {NAME}");
    let Some(sshd) = start(test, &[KIND], &lines) else { return };
    sshd.authorize(&format!("cert-authority {}", newest.public_line()));
    let base = knowing(&sshd, &known);
    let credential = certified(&sshd, &newest, &base);
    check(&sshd, &base.credential(credential), NAME);
}

#[test]
fn a_host_has_a_certificate() {
    let test = "mldsa::a_host_has_a_certificate";
    let Some(_) = ssh_keygen(test) else { return };
    let newest = KeyPair::generate(KIND);
    for authority in [KeyPair::authority(), &newest] {
        let dir = tempfile::tempdir().unwrap();
        let path = KeyPair::generate(KIND).write(&dir.path().join("host"));
        authority.certify(&path, &["-h", "-n", "127.0.0.1"]);
        let lines = format!(
            "HostKey {}\nHostCertificate {0}-cert.pub\nHostKeyAlgorithms {NAME},{CERTIFICATE}\nCASignatureAlgorithms +{NAME}",
            path.display()
        );
        let Some(sshd) = start(test, &[], &lines) else { return };
        let base = knowing(&sshd, &format!("@cert-authority $HOST {}", authority.public_line()));
        let user = key(&sshd, KIND, &base);
        let base = base.credential(user);
        let algorithms = only(&base, |algorithms| algorithms.host_key = vec![CERTIFICATE.into()]);
        let base = base.algorithms(algorithms);
        if authority.kind() == KIND {
            // Nor do we take such an authority, as OpenSSH doesn't unless told to.
            let error = refused(&sshd, &base);
            assert_eq!(error.kind(), ErrorKind::HostKey);
            let why = format!("certificate is signed by {NAME}, which is not allowed");
            assert!(error.to_string().ends_with(&why), "{error}");
            check(&sshd, &base.ca_algorithms(vec![NAME.into()]), CERTIFICATE);
        } else {
            check(&sshd, &base, CERTIFICATE);
        }
    }
}

/// Runs this `ssh-keygen`; what it says.
fn run(program: &Path, arguments: &[&str], path: &Path) -> String {
    let output =
        Command::new(program).args(arguments).arg("-f").arg(path).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn files_of_each_are_read_by_the_other() {
    let Some(program) = ssh_keygen("mldsa::files_of_each_are_read_by_the_other") else { return };
    let dir = tempfile::tempdir().unwrap();
    for passphrase in [None, Some("passphrase")] {
        let said = passphrase.unwrap_or_default();
        let made = KeyPair::generate_with(KIND, &["-N", said, "-a", "2"]);
        let file = PrivateKeyFile::parse(made.private()).unwrap();
        let read = file.decrypt(passphrase.map(str::as_bytes)).unwrap();
        let (public, _) = PublicKey::from_line(made.public_line()).unwrap();
        assert_eq!(read.public_key(), public);

        let ours = PrivateKey::generate(Kind::MlDsa44Ed25519, &SystemRandom).unwrap();
        let encryption = passphrase.map(|passphrase| (passphrase.as_bytes(), 2));
        let text = write_openssh(&ours, "ours", encryption, &SystemRandom).unwrap();
        let path = dir.path().join(format!("ours-{said}"));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(&text).unwrap();
        let line = run(&program, &["-y", "-P", said], &path);
        assert_eq!(line.trim(), ours.public_key().to_line("ours"));
        let shown = run(&program, &["-l"], &path);
        let fingerprint = ours.public_key().fingerprint(Hash::Sha256).to_string();
        assert!(shown.contains(&fingerprint) && shown.contains("(MLDSA44-ED25519)"), "{shown}");
    }
}
