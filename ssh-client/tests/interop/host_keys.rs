//! Host keys: only an explicit yes lets a session go on.

use super::facade::{Session, connect};
use crate::support::{config_with_key, public_key};
use ssh_client::{
    Config, ErrorKind,
    host_key::{Decide, DecideAsync, Expect, HostKey, HostKeyRefused, InsecureAcceptAny, Known},
    known_hosts::KnownHosts,
};
use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::{Duration, Instant},
};
use testing::{Direction, KeyKind, Proxy, Sshd};

fn known_hosts(text: &str) -> Known {
    Known(KnownHosts::parse(text))
}

#[test]
fn without_a_policy_every_key_is_refused() {
    let name = "without_a_policy_every_key_is_refused";
    let Some(sshd) = Sshd::builder().config("LogLevel DEBUG").start_or_skip(name) else { return };
    let error = connect(&sshd, &Config::new(sshd.user()).password("secret")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    assert!(error.to_string().contains("SHA256:"), "{error}");
    assert!(!sshd.log().contains("userauth-request"), "{}", sshd.log());
}

#[test]
fn another_key_than_the_expected_one_is_refused() {
    let Some(sshd) = Sshd::start_or_skip("another_key_than_the_expected_one_is_refused") else { return };
    let other = testing::KeyPair::generate(KeyKind::Ed25519);
    let config = Config::new(sshd.user()).host_key(Expect(public_key(other.public_line())));
    let error = connect(&sshd, &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    let right = config_with_key(&sshd, KeyKind::Ed25519);
    assert!(connect(&sshd, &right).is_ok());
}

#[test]
fn known_hosts_decide() {
    let Some(sshd) = Sshd::start_or_skip("known_hosts_decide") else { return };
    let line = sshd.known_hosts_line(KeyKind::Ed25519);
    let base = config_with_key(&sshd, KeyKind::Ed25519);
    assert!(connect(&sshd, &base.clone().host_key(known_hosts(&line))).is_ok());

    let unknown = connect(&sshd, &base.clone().host_key(known_hosts(""))).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::HostKey);

    let revoked = format!("{line}\n@revoked * {}\n", sshd.host_key(KeyKind::Ed25519).public_line());
    let revoked = connect(&sshd, &base.clone().host_key(known_hosts(&revoked))).unwrap_err();
    assert_eq!(revoked.kind(), ErrorKind::HostKey);
    assert!(revoked.to_string().contains("revoked"), "{revoked}");

    let other = testing::KeyPair::generate(KeyKind::Ed25519);
    let changed = format!("[127.0.0.1]:{} {}\n", sshd.port(), other.public_line());
    let changed = connect(&sshd, &base.host_key(known_hosts(&changed))).unwrap_err();
    assert_eq!(changed.kind(), ErrorKind::HostKey);
}

#[test]
fn the_algorithm_follows_what_is_known_of_the_host() {
    let Some(sshd) = Sshd::start_or_skip("the_algorithm_follows_what_is_known_of_the_host") else { return };
    let known = known_hosts(&sshd.known_hosts_line(KeyKind::EcdsaP384));
    let session = connect(&sshd, &config_with_key(&sshd, KeyKind::Ed25519).host_key(known)).unwrap();
    assert_eq!(session.negotiated().unwrap().host_key, "ecdsa-sha2-nistp384");
}

#[test]
fn an_alias_stands_for_the_host() {
    let Some(sshd) = Sshd::start_or_skip("an_alias_stands_for_the_host") else { return };
    let line = format!("cluster {}\n", sshd.host_key(KeyKind::Ed25519).public_line());
    let config = config_with_key(&sshd, KeyKind::Ed25519).host_key(known_hosts(&line));
    assert!(connect(&sshd, &config).is_err());
    assert!(connect(&sshd, &config.host_alias("cluster")).is_ok());
}

#[test]
fn the_callers_decision_is_asked_once_and_may_take_its_time() {
    let name = "the_callers_decision_is_asked_once_and_may_take_its_time";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let policy = Decide(move |key: &HostKey| {
        count.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(300));
        if key.algorithm == "ssh-ed25519" { Ok(()) } else { Err(HostKeyRefused("no".to_owned())) }
    });
    let session = connect(&sshd, &config_with_key(&sshd, KeyKind::Ed25519).host_key(policy)).unwrap();
    session.rekey().unwrap();
    assert!(session.command("true").output().unwrap().success());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn the_steps_one_by_one() {
    let Some(sshd) = Sshd::start_or_skip("the_steps_one_by_one") else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519).host_key(InsecureAcceptAny);
    let stream = std::net::TcpStream::connect(sshd.addr()).unwrap();
    let unverified = Session::handshake(stream, "127.0.0.1", sshd.port(), &config).unwrap();
    let shown = public_key(sshd.host_key(KeyKind::Ed25519).public_line());
    assert_eq!(unverified.host_key().key, shown);
    let mut login = unverified.accept().unwrap();
    let wrong = ssh_client::Credential::password("wrong");
    assert_eq!(login.authenticate_with(&[wrong]).unwrap_err().kind(), ErrorKind::Authentication);
    let session = login.authenticate().unwrap();
    assert!(session.command("true").output().unwrap().success());
}

/// What would leave with the next call leaves without it, too.
#[test]
fn the_keys_of_an_accepted_host_are_taken_into_use_while_the_caller_does_something_else() {
    let name = "the_keys_of_an_accepted_host_are_taken_into_use_while_the_caller_does_something_else";
    let Some(sshd) = Sshd::start_or_skip(name) else { return };
    let config = config_with_key(&sshd, KeyKind::Ed25519).host_key(InsecureAcceptAny);
    let proxy = Proxy::start(sshd.addr());
    let stream = std::net::TcpStream::connect(proxy.addr()).unwrap();
    let unverified = Session::handshake(stream, "127.0.0.1", sshd.port(), &config).unwrap();
    let before = proxy.bytes(Direction::ToServer);
    let login = unverified.accept().unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while proxy.bytes(Direction::ToServer) == before {
        assert!(Instant::now() < patience, "NEWKEYS did not leave");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(login.authenticate().unwrap().command("true").output().unwrap().success());
}

/// Ready once another thread says so, which needs no runtime.
async fn elsewhere() {
    let done = Arc::new(AtomicBool::new(false));
    let mut is_started = false;
    poll_fn(|cx| {
        if done.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut is_started, true) {
            let (done, waker) = (done.clone(), cx.waker().clone());
            thread::spawn(move || {
                done.store(true, Ordering::Release);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await;
}

#[test]
fn a_decision_may_be_awaited() {
    let Some(sshd) = Sshd::start_or_skip("a_decision_may_be_awaited") else { return };
    let base = config_with_key(&sshd, KeyKind::Ed25519);
    let right = public_key(sshd.host_key(KeyKind::Ed25519).public_line());
    let other = public_key(testing::KeyPair::generate(KeyKind::Ed25519).public_line());
    for expected in [&right, &other] {
        let blob = Arc::new(expected.to_blob());
        let policy = DecideAsync(move |key: HostKey| {
            let blob = blob.clone();
            async move {
                elsewhere().await;
                match key.blob == *blob {
                    true => Ok(()),
                    false => Err(HostKeyRefused("not that one".to_owned())),
                }
            }
        });
        let result = connect(&sshd, &base.clone().host_key_async(policy));
        match *expected == right {
            true => assert!(result.is_ok(), "{result:?}"),
            false => assert_eq!(result.unwrap_err().kind(), ErrorKind::HostKey),
        }
    }
}

/// All RSA keys of the harness have 3072 bits.
#[test]
fn rsa_keys_that_are_too_small_are_not_taken() {
    let Some(sshd) = Sshd::start_or_skip("rsa_keys_that_are_too_small_are_not_taken") else { return };
    let host = |required| {
        let base = config_with_key(&sshd, KeyKind::Ed25519).required_rsa_size(required);
        let mut algorithms = base.offered().clone();
        algorithms.host_key = vec!["rsa-sha2-512".to_owned()];
        let key = public_key(sshd.host_key(KeyKind::Rsa).public_line());
        connect(&sshd, &base.algorithms(algorithms).host_key(Expect(key)))
    };
    drop(host(3072).unwrap());
    let error = host(3073).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostKey);
    let told = "host key of 127.0.0.1 is unusable: RSA key of 3072 bits, and 3073 are required";
    assert_eq!(error.to_string(), told);

    // The user's: a larger one, or another, still is.
    let user = |required, kind| connect(&sshd, &config_with_key(&sshd, kind).required_rsa_size(required));
    drop(user(3072, KeyKind::Rsa).unwrap());
    drop(user(16384, KeyKind::Ed25519).unwrap());
    let error = user(3073, KeyKind::Rsa).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    let told = "publickey (ssh-rsa): not tried: RSA key of 3072 bits, and 3073 are required";
    assert!(error.to_string().contains(told), "{error}");
    // And in a certificate.
    let path = sshd.user_key_path(KeyKind::Rsa);
    testing::KeyPair::authority().certify(&path, &["-n", sshd.user()]);
    let error = user(3073, KeyKind::Rsa).unwrap_err();
    assert!(error.attempts().iter().all(|attempt| attempt.method == "none"), "{error}");
    assert!(error.to_string().contains("(ssh-rsa-cert-v01@openssh.com): not tried"), "{error}");
}
