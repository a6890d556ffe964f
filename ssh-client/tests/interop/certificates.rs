//! Certificates of users and of hosts, made by `ssh-keygen -s`.

use super::facade::{Session, connect};
use crate::support::{PATIENCE, config, timeouts};
use ssh_client::{
    Algorithms, Config, Credential, Error, ErrorKind, certificate,
    host_key::{Expect, HostKey, Known, NotRevoked},
    known_hosts::KnownHosts,
};
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
    for (at, kind) in KeyKind::ALL.into_iter().enumerate() {
        let path = new_key(sshd.dir(), &format!("user-{at}"), kind);
        let other = KeyKind::ALL[(at + 1) % KeyKind::ALL.len()];
        certify(&user_authority(&sshd, other), &path, &["-n", sshd.user(), "-V", "+1h"]);
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

/// A server whose host keys, one of each kind, have certificates, and the authority.
fn certified_host(test: &str, kinds: &[KeyKind], arguments: &[&str]) -> Option<(Sshd, tempfile::TempDir)> {
    certified_host_by(KeyKind::Ed25519, test, kinds, arguments)
}

/// The same by an authority of this kind.
fn certified_host_by(
    authority: KeyKind,
    test: &str,
    kinds: &[KeyKind],
    arguments: &[&str],
) -> Option<(Sshd, tempfile::TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    let authority = new_key(dir.path(), "ca", authority);
    let mut lines = String::new();
    for kind in kinds {
        let path = new_key(dir.path(), &format!("host-{}", kind.name()), *kind);
        let certificate = certify(&authority, &path, &[&["-h"], arguments].concat());
        lines += &format!("HostKey {}\nHostCertificate {}\n", path.display(), certificate.display());
    }
    let sshd = Sshd::builder().host_keys(&[]).config(&lines).start_or_skip(test)?;
    Some((sshd, dir))
}

/// Logs in by the key with these lines as known hosts, in which $HOST stands for the server and $CA for the authority.
fn login(sshd: &Sshd, dir: &Path, known: &str, host_key: &[&str]) -> Result<Session, Error> {
    login_with(sshd, dir, known, host_key, |config, known| config.host_key(known))
}

/// The same with a configuration that the test completes.
fn login_with(
    sshd: &Sshd,
    dir: &Path,
    known: &str,
    host_key: &[&str],
    complete: impl FnOnce(Config, Known) -> Config,
) -> Result<Session, Error> {
    let authority = public_line(&dir.join("ca"));
    let known = known.replace("$HOST", &format!("[127.0.0.1]:{}", sshd.port())).replace("$CA", &authority);
    let base = Config::new(sshd.user()).timeouts(timeouts(PATIENCE));
    let base = complete(base, Known(KnownHosts::parse(&known)));
    let credential = key_file(&sshd.user_key_path(KeyKind::Ed25519), &base);
    let mut algorithms = Algorithms::new(base.provider());
    if !host_key.is_empty() {
        algorithms.host_key = host_key.iter().map(|&name| name.to_owned()).collect();
    }
    connect(sshd, &base.algorithms(algorithms).credential(credential))
}

#[test]
fn a_host_is_known_by_its_certificate() {
    let name = "a_host_is_known_by_its_certificate";
    let Some((sshd, dir)) = certified_host(name, &KeyKind::ALL, &["-n", "127.0.0.1", "-V", "+1h"]) else {
        return;
    };
    for algorithm in [
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ] {
        let session = login(&sshd, dir.path(), "@cert-authority $HOST $CA", &[algorithm]).unwrap();
        let negotiated = session.negotiated().unwrap();
        assert_eq!(negotiated.host_key, format!("{algorithm}-cert-v01@openssh.com"));
        // The same key is shown and checked again.
        session.rekey().unwrap();
        assert!(session.command("true").output().unwrap().success());
    }
    // By name patterns too, and with what else is offered behind it.
    let session = login(&sshd, dir.path(), "@cert-authority [127.0.*]:* $CA", &[]).unwrap();
    assert!(session.negotiated().unwrap().host_key.ends_with("-cert-v01@openssh.com"));
}

#[test]
fn who_trusts_no_authority_is_shown_no_certificate() {
    let name = "who_trusts_no_authority_is_shown_no_certificate";
    let Some((sshd, dir)) = certified_host(name, &[KeyKind::Ed25519], &["-n", "127.0.0.1"]) else { return };
    let host = public_line(&dir.path().join("host-ssh-ed25519"));
    let session = login(&sshd, dir.path(), &format!("$HOST {host}"), &[]).unwrap();
    assert_eq!(session.negotiated().unwrap().host_key, "ssh-ed25519");
    // The authority's key is no host key, and one for other hosts is none for this one.
    for known in ["$HOST $CA", "@cert-authority *.example.com $CA"] {
        assert_eq!(login(&sshd, dir.path(), known, &[]).unwrap_err().kind(), ErrorKind::HostKey, "{known}");
    }
    // A certificate that was asked for by name proves nothing beside its key.
    let asked = ["ssh-ed25519-cert-v01@openssh.com"];
    let session = login(&sshd, dir.path(), &format!("$HOST {host}"), &asked).unwrap();
    assert_eq!(session.negotiated().unwrap().host_key, asked[0]);
    let error = login(&sshd, dir.path(), "@cert-authority *.example.com $CA", &asked).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    let base = config(&sshd);
    let algorithms = {
        let mut algorithms = Algorithms::new(base.provider());
        algorithms.host_key = vec![asked[0].to_owned()];
        algorithms
    };
    let expected = crate::support::public_key(&host);
    let credential = key_file(&sshd.user_key_path(KeyKind::Ed25519), &base);
    connect(&sshd, &base.host_key(Expect(expected)).algorithms(algorithms).credential(credential)).unwrap();
}

#[test]
fn host_certificates_that_do_not_hold_are_refused() {
    let name = "host_certificates_that_do_not_hold_are_refused";
    let cases: [(&[&str], &str); 4] = [
        (&["-n", "127.0.0.1", "-V", "20200101:20200102"], "expired"),
        (&["-n", "127.0.0.1", "-V", "+1d:+2d"], "not valid before"),
        (&["-n", "127.0.0.2,localhost"], "not for \"127.0.0.1\""),
        (&[], "no principals"),
    ];
    for (arguments, told) in cases {
        let Some((sshd, dir)) = certified_host(name, &[KeyKind::EcdsaP256], arguments) else { return };
        // Not even where the key is known: the authority has something to say about it, and it is no.
        let host = public_line(&dir.path().join("host-ecdsa-sha2-nistp256"));
        for known in
            ["@cert-authority $HOST $CA".to_owned(), format!("@cert-authority $HOST $CA\n$HOST {host}")]
        {
            let error = login(&sshd, dir.path(), &known, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostKey);
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}

#[test]
fn revoked_authorities_and_keys_are_refused() {
    let name = "revoked_authorities_and_keys_are_refused";
    let Some((sshd, dir)) = certified_host(name, &[KeyKind::Ed25519], &["-n", "127.0.0.1"]) else { return };
    let host = public_line(&dir.path().join("host-ssh-ed25519"));
    let asked = ["ssh-ed25519-cert-v01@openssh.com"];
    for known in [
        "@cert-authority $HOST $CA\n@revoked * $CA".to_owned(),
        format!("@cert-authority $HOST $CA\n$HOST {host}\n@revoked * $CA"),
        format!("@cert-authority $HOST $CA\n@revoked $HOST {host}"),
        format!("$HOST {host}\n@revoked * $CA"),
    ] {
        let error = login(&sshd, dir.path(), &known, &asked).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostKey);
        assert!(error.to_string().contains("revoked"), "{error}");
    }
    assert!(
        login(&sshd, dir.path(), "@cert-authority $HOST $CA\n@revoked *.example.com $CA", &asked).is_ok()
    );
}

#[test]
fn authorities_sign_by_the_algorithms_allowed_alone() {
    let name = "authorities_sign_by_the_algorithms_allowed_alone";
    for (signed_by, usual) in [("rsa-sha2-256", true), ("ssh-rsa", false)] {
        let arguments = ["-n", "127.0.0.1", "-t", signed_by];
        let host = certified_host_by(KeyKind::Rsa, name, &[KeyKind::Ed25519], &arguments);
        let Some((sshd, dir)) = host else { return };
        let login = |allowed: Option<&[&str]>| {
            login_with(&sshd, dir.path(), "@cert-authority $HOST $CA", &[], |config, known| {
                let config = config.host_key(known);
                match allowed {
                    Some(names) => config.ca_algorithms(names.iter().map(|&name| name.to_owned()).collect()),
                    None => config,
                }
            })
        };
        let refused = |result: Result<Session, Error>| {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostKey);
            assert!(error.to_string().contains(&format!("signed by {signed_by}, which is not")), "{error}");
        };
        match usual {
            true => drop(login(None).unwrap()),
            false => refused(login(None)),
        }
        drop(login(Some(&["ssh-ed25519", signed_by])).unwrap());
        refused(login(Some(&["ssh-ed25519", "rsa-sha2-512"])));
    }
}

#[test]
fn lists_of_revoked_keys_go_before_what_is_known() {
    let name = "lists_of_revoked_keys_go_before_what_is_known";
    let Some((sshd, dir)) = certified_host(name, &[KeyKind::Ed25519], &["-n", "127.0.0.1", "-z", "7"]) else {
        return;
    };
    let list = dir.path().join("revoked");
    let host = public_line(&dir.path().join("host-ssh-ed25519"));
    // Known by the authority, or by the key.
    let certified = || {
        login_with(&sshd, dir.path(), "@cert-authority $HOST $CA", &[], |config, known| {
            config.host_key(NotRevoked::load([&list], known).unwrap())
        })
    };
    let plain = || {
        login_with(&sshd, dir.path(), &format!("$HOST {host}"), &[], |config, known| {
            config.host_key(NotRevoked::load([&list], known).unwrap())
        })
    };
    let refused = |result: Result<Session, Error>, by: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostKey);
        let told = format!("its {by} is revoked by {}", list.display());
        assert!(error.to_string().contains(&told), "{error}");
    };
    let revoke = |specification: &str| {
        fs::write(dir.path().join("specification"), specification).unwrap();
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-k", "-s", "ca.pub", "-f", "revoked", "specification"]);
        assert!(keygen.current_dir(dir.path()).status().unwrap().success());
    };
    fs::write(&list, "# none\n").unwrap();
    drop((certified().unwrap(), plain().unwrap()));
    fs::write(&list, &host).unwrap();
    refused(certified(), "key");
    refused(plain(), "key");
    fs::write(&list, public_line(&dir.path().join("ca"))).unwrap();
    refused(certified(), "authority");
    drop(plain().unwrap());
    revoke("serial: 7\n");
    refused(certified(), "serial number");
    drop(plain().unwrap());
    revoke("serial: 8\n");
    drop(certified().unwrap());

    fs::write(&list, "ssh-ed25519 AAAA\n").unwrap();
    let error = NotRevoked::load([&list], Known(KnownHosts::default())).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}: line 1: ", list.display())), "{error}");
    fs::remove_file(&list).unwrap();
    assert!(NotRevoked::load([&list], Known(KnownHosts::default())).is_err());
}

#[test]
fn a_policy_sees_the_certificate_and_whether_it_holds() {
    use ssh_client::host_key::{Decide, HostKeyRefused};
    let name = "a_policy_sees_the_certificate_and_whether_it_holds";
    let Some((sshd, dir)) = certified_host(name, &[KeyKind::Ed25519], &["-n", "other"]) else { return };
    let authority = crate::support::public_key(&public_line(&dir.path().join("ca")));
    let check = move |key: &HostKey| {
        let shown = key.certificate.as_ref().ok_or_else(|| HostKeyRefused("no certificate".to_owned()))?;
        assert_eq!(*shown.certificate.authority(), authority);
        assert_eq!(shown.certificate.kind(), certificate::Kind::Host);
        shown.verdict.clone().map_err(|error| HostKeyRefused(error.to_string()))
    };
    let base = Config::new(sshd.user()).timeouts(timeouts(PATIENCE)).host_key(Decide(check));
    let credential = key_file(&sshd.user_key_path(KeyKind::Ed25519), &base);
    let mut algorithms = Algorithms::new(base.provider());
    let config = base.credential(credential);
    assert!(connect(&sshd, &config).unwrap_err().to_string().contains("no certificate"));
    algorithms.host_key.insert(0, "ssh-ed25519-cert-v01@openssh.com".to_owned());
    let config = config.algorithms(algorithms);
    assert!(connect(&sshd, &config).unwrap_err().to_string().contains("not for"));
    assert!(connect(&sshd, &config.host_alias("OTHER")).is_ok());
}
