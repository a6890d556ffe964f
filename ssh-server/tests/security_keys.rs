//! Security keys, in software, at our server: of users, of hosts and of authorities, alone and with certificates.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{PASSWORD, Serving, USER, limits, plan, serve};
use ssh_client::{
    Config, ErrorKind, blocking::Session, certificate, host_key::Known, known_hosts::KnownHosts,
};
use ssh_server::{AuthorizedKeys, CertifiedSigner, Fixed, Programs, Server, Signer};
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use testing::SecurityKey;

#[test]
fn a_security_key_has_to_be_touched() {
    for (touched, untouched) in SecurityKey::both().into_iter().zip(SecurityKey::both()) {
        for (key, is_touched) in [(touched, true), (untouched.untouched(), false)] {
            let public = key.public().clone();
            let fixture = plan().auth(|_| Fixed::new(USER).key(public)).start();
            let session = fixture.connect(&fixture.config(USER).key(Arc::new(key)));
            assert_eq!(session.is_ok(), is_touched, "{session:?}");
        }
    }
}

/// What is demanded, and whether keys are let in that were touched or not and have verified their user or not, in this order:
/// neither, touched, verified, both.
const DEMANDS: [(&str, [bool; 4]); 4] = [
    ("", [false, true, false, true]),
    ("no-touch-required", [true; 4]),
    ("verify-required", [false, false, false, true]),
    ("no-touch-required,verify-required", [false, false, true, true]),
];

fn keys() -> [Arc<SecurityKey>; 4] {
    let neither = SecurityKey::ed25519().untouched();
    let verified = SecurityKey::ecdsa().untouched().verified();
    [neither, SecurityKey::ecdsa(), verified, SecurityKey::ed25519().verified()].map(Arc::new)
}

#[test]
fn a_line_says_what_is_demanded_of_a_security_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authorized_keys");
    let authorized = AuthorizedKeys::new(USER, &file);
    let fixture = plan().auth(|_| authorized).start();
    for (options, expected) in DEMANDS {
        for (key, is_in) in keys().into_iter().zip(expected) {
            std::fs::write(&file, format!("{options} {}\n", key.public().to_line(""))).unwrap();
            let session = fixture.connect(&fixture.config(USER).key(key.clone()));
            assert_eq!(session.is_ok(), is_in, "{options} {session:?}");
        }
    }
}

#[test]
fn a_certificate_says_what_is_demanded_of_a_security_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authorized_keys");
    let authorized = AuthorizedKeys::new(USER, &file);
    let fixture = plan().auth(|_| authorized).start();
    let authority = Arc::new(SecurityKey::ecdsa());
    let connect = |key: Arc<SecurityKey>, demands: &str, line: &str| {
        let mut arguments = vec!["-n", USER];
        arguments.extend(demands.split(',').filter(|name| !name.is_empty()).flat_map(|name| ["-O", name]));
        let certify = |path: &Path| authority.certify(path, &arguments);
        let signer = certified(key, &dir.path().join("user"), certify);
        std::fs::write(&file, format!("{line} {}\n", authority.public().to_line(""))).unwrap();
        fixture.connect(&fixture.config(USER).key(Arc::new(signer)))
    };
    for (demands, expected) in DEMANDS {
        for (key, is_in) in keys().into_iter().zip(expected) {
            let session = connect(key, demands, "cert-authority,no-touch-required");
            assert_eq!(session.is_ok(), is_in, "{demands} {session:?}");
        }
    }
    // The stricter of the two counts.
    let [neither, touched, ..] = keys();
    assert!(connect(neither, "no-touch-required", "cert-authority").is_err());
    assert!(connect(touched, "", "cert-authority,verify-required").is_err());
}

/// The public half of a key in a file, and the certificate beside it.
fn certified(key: Arc<SecurityKey>, path: &Path, certify: impl FnOnce(&Path)) -> CertifiedSigner {
    std::fs::write(format!("{}.pub", path.display()), key.public().to_line("")).unwrap();
    certify(path);
    let certificate = certificate::read_file(format!("{}-cert.pub", path.display())).unwrap();
    assert_eq!(certificate.key_type(), key.public().key_type().replace("@", "-cert-v01@"));
    CertifiedSigner::new(key, certificate).unwrap()
}

#[test]
fn a_security_key_is_an_authority_of_users() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authorized_keys");
    let [authority, other] = SecurityKey::both().map(Arc::new);
    let keys = AuthorizedKeys::new(USER, &file);
    let fixture = plan().auth(|_| keys).start();
    let trust = |key: &SecurityKey| {
        std::fs::write(&file, format!("cert-authority {}\n", key.public().to_line(""))).unwrap();
    };
    for authority in [&authority, &other] {
        for (at, key) in SecurityKey::both().into_iter().enumerate() {
            let certify = |path: &Path| authority.certify(path, &["-n", USER]);
            let signer = certified(key.into(), &dir.path().join(format!("user-{at}")), certify);
            let config = fixture.config(USER).key(Arc::new(signer));
            trust(authority);
            fixture.connect(&config).unwrap();
            trust(&SecurityKey::ed25519());
            assert_eq!(fixture.connect(&config).unwrap_err().kind(), ErrorKind::Authentication);
        }
        // Nor is a certificate a way around the touch.
        let key = Arc::new(SecurityKey::ecdsa().untouched());
        let certify = |path: &Path| authority.certify(path, &["-n", USER]);
        let config =
            fixture.config(USER).key(Arc::new(certified(key, &dir.path().join("untouched"), certify)));
        trust(authority);
        assert_eq!(fixture.connect(&config).unwrap_err().kind(), ErrorKind::Authentication);
    }
}

/// A server that shows this key.
fn host(key: Arc<dyn Signer>) -> Serving {
    let builder = Server::builder().host_key(key).auth(Fixed::new(USER).password(PASSWORD)).limits(limits());
    serve(&builder.sessions(Programs::new()).build().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap())
}

fn connect(serving: &Serving, known: &str) -> Result<Session, ssh_client::Error> {
    let port = serving.address().port();
    let known = known.replace("$HOST", &format!("[127.0.0.1]:{port}"));
    let config = Config::new(USER).password(PASSWORD).host_key(Known(KnownHosts::parse(&known)));
    Session::connect(("127.0.0.1", port), &config)
}

#[test]
fn a_host_has_a_security_key() {
    for key in SecurityKey::both().map(Arc::new) {
        let serving = host(key.clone());
        let session = connect(&serving, &format!("$HOST {}", key.public().to_line(""))).unwrap();
        assert_eq!(session.negotiated().unwrap().host_key, key.public().key_type());
        session.rekey().unwrap();
        assert!(session.command("true").output().unwrap().success());
        let other = SecurityKey::ed25519();
        let error = connect(&serving, &format!("$HOST {}", other.public().to_line(""))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostKey);
        serving.stop();
    }
}

#[test]
fn a_host_has_the_certificate_of_a_security_key() {
    let dir = tempfile::tempdir().unwrap();
    for authority in SecurityKey::both().map(Arc::new) {
        for (at, key) in SecurityKey::both().into_iter().enumerate() {
            let certify = |path: &Path| authority.certify(path, &["-h", "-n", "127.0.0.1"]);
            let signer = certified(key.into(), &dir.path().join(format!("host-{at}")), certify);
            let name = signer.certificate().key_type().to_owned();
            let serving = host(Arc::new(signer));
            let trust = |key: &SecurityKey| {
                connect(&serving, &format!("@cert-authority $HOST {}", key.public().to_line("")))
            };
            let session = trust(&authority).unwrap();
            assert_eq!(session.negotiated().unwrap().host_key, name);
            assert_eq!(trust(&SecurityKey::ecdsa()).unwrap_err().kind(), ErrorKind::HostKey);
            serving.stop();
        }
    }
}

#[test]
fn openssh_knows_a_host_by_its_security_key() {
    if Command::new("ssh").arg("-V").output().is_err() {
        return testing::skip("openssh_knows_a_host_by_its_security_key", "there is no ssh");
    }
    let dir = tempfile::tempdir().unwrap();
    let user = testing::KeyPair::generate(testing::KeyKind::Ed25519);
    let path = user.write(&dir.path().join("key"));
    let file = dir.path().join("authorized_keys");
    std::fs::write(&file, user.public_line()).unwrap();
    for (at, key) in SecurityKey::both().map(Arc::new).into_iter().enumerate() {
        let authority = Arc::new(SecurityKey::ecdsa());
        let certify = |path: &Path| authority.certify(path, &["-h", "-n", "127.0.0.1"]);
        let certified = certified(key.clone(), &dir.path().join(format!("host-{at}")), certify);
        let name = certified.certificate().key_type().to_owned();
        let keys: [Arc<dyn Signer>; 2] = [key.clone(), Arc::new(certified)];
        let server = keys.into_iter().fold(Server::builder(), |builder, key| builder.host_key(key));
        let server = server.auth(AuthorizedKeys::new(USER, &file)).sessions(Programs::new()).build().unwrap();
        let serving = serve(&server, TcpListener::bind("127.0.0.1:0").unwrap());
        let port = serving.address().port();
        for (algorithm, known) in [
            (key.public().key_type(), format!("[127.0.0.1]:{port} {}", key.public().to_line(""))),
            (&name, format!("@cert-authority [127.0.0.1]:{port} {}", authority.public().to_line(""))),
        ] {
            let known_hosts = dir.path().join("known_hosts");
            std::fs::write(&known_hosts, known + "\n").unwrap();
            let output = Command::new("ssh")
                .args([
                    "-F",
                    "none",
                    "-oStrictHostKeyChecking=yes",
                    "-oBatchMode=yes",
                    "-oIdentityAgent=none",
                ])
                .arg(format!("-oUserKnownHostsFile={}", known_hosts.display()))
                .arg(format!("-oHostKeyAlgorithms={algorithm}"))
                .args(["-p", &port.to_string(), "-i"])
                .arg(&path)
                .args([&format!("{USER}@127.0.0.1"), "echo in"])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), "in\n", "{output:?}");
        }
        serving.stop();
    }
}
