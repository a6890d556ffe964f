//! What attackers try with a server.

use crate::{
    pair::{Key, key, key_method, provider},
    pitfalls::started,
    wire::{Flush, banner, failure, pk_ok, service_accept, success},
};
use ssh_auth::{
    Client, ClientConfig, ErrorKind, Event, KeyMethod, Method, Server, ServerConfig, ServerEvent,
};
use ssh_crypto::Signer;
use ssh_wire::{
    Encode, Message, Rest,
    message::{
        auth::{PasswordRequest, PublickeyRequest, UserauthRequest},
        transport::ServiceRequest,
    },
    number::disconnect,
};
use testing::SecurityKey;

pub(crate) fn server_with(methods: &[&str]) -> Server {
    let mut server = Server::new(ServerConfig::new(provider(), methods), b"id".to_vec());
    server.handle(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
    server.sent();
    server
}

fn request(user: &[u8], method: &[u8], data: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    data.encode(&mut bytes);
    UserauthRequest { user, service: b"ssh-connection", method, data: Rest(&bytes) }.to_payload()
}

pub(crate) fn password(password: &[u8]) -> Vec<u8> {
    request(b"user", b"password", &PasswordRequest { password, new_password: None })
}

#[test]
fn the_server_does_not_let_the_user_change() {
    let mut server = server_with(&["password"]);
    server.handle(&password(b"secret")).unwrap();
    server.partial(&["password"]).unwrap();
    let other = request(b"root", b"password", &PasswordRequest { password: b"x", new_password: None });
    assert_eq!(server.handle(&other).unwrap_err().kind(), ErrorKind::Protocol);
    let mut server = server_with(&["password"]);
    let other =
        UserauthRequest { user: b"user", service: b"other", method: b"none", data: Rest(b"") }.to_payload();
    let error = server.handle(&other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert_eq!(error.disconnect_reason(), Some(disconnect::SERVICE_NOT_AVAILABLE));
    assert_eq!(error.to_string(), "there is no service \"other\", but \"ssh-connection\" alone");
}

#[test]
fn a_forged_signature_is_refused_without_asking() {
    let pair = key(Key::Ed25519);
    let good = {
        let mut client = started(vec![key_method(Key::Ed25519, false)]);
        let Some(Event::Sign { data, .. }) = client.poll_event() else { unreachable!() };
        pair.sign("ssh-ed25519", &data).unwrap()
    };
    let ask = |algorithm: &[u8], public_key: &[u8], signature: &[u8]| {
        let mut server = server_with(&["publickey"]);
        let fields = PublickeyRequest { algorithm, public_key, signature: Some(signature) };
        server.handle(&request(b"user", b"publickey", &fields)).unwrap();
        server.poll_event().is_some()
    };
    let (blob, other) = (pair.public_key(), key(Key::OtherEd25519).public_key());
    assert!(ask(b"ssh-ed25519", blob, &good));
    assert!(!ask(b"ssh-ed25519", other, &good));
    assert!(!ask(b"rsa-sha2-512", blob, &good));
    assert!(!ask(b"ssh-ed25519", &blob[..blob.len() - 1], &good));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(!ask(b"ssh-ed25519", blob, &bad), "byte {at}");
        assert!(!ask(b"ssh-ed25519", blob, &good[..at]), "cut at {at}");
    }
}

#[test]
fn a_security_key_that_nobody_touches_counts_only_where_it_may() {
    for (touched, other) in SecurityKey::both().into_iter().zip(SecurityKey::both()) {
        for (key, is_touched) in [(touched, true), (other.untouched(), false)] {
            let algorithm = key.public().key_type();
            let data = {
                let algorithms = vec![algorithm.to_owned()];
                let public_key = key.public_key().to_vec();
                let method = Method::Publickey(KeyMethod { public_key, algorithms, probe: false, id: 7 });
                let Some(Event::Sign { data, .. }) = started(vec![method]).poll_event() else {
                    unreachable!()
                };
                data
            };
            for untouched in [false, true] {
                let mut config = ServerConfig::new(provider(), &["publickey"]);
                config.untouched = untouched;
                let mut server = Server::new(config, b"id".to_vec());
                server.handle(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
                let signature = key.sign(algorithm, &data).unwrap();
                let (algorithm, public_key) = (algorithm.as_bytes(), key.public_key());
                let fields = PublickeyRequest { algorithm, public_key, signature: Some(&signature) };
                server.handle(&request(b"user", b"publickey", &fields)).unwrap();
                let event = server.poll_event();
                assert_eq!(event.is_some(), is_touched || untouched);
                if let Some(ServerEvent::Publickey { presence, .. }) = event {
                    assert_eq!(presence.unwrap().user_present, is_touched);
                }
            }
        }
    }
}

#[test]
fn a_probe_by_an_algorithm_not_allowed_or_not_the_keys_is_refused() {
    let ask = |algorithm: &str, which: Key| {
        let mut config = ServerConfig::new(provider(), &["publickey"]);
        config.algorithms = vec!["ssh-ed25519".to_owned(), "rsa-sha2-512".to_owned()];
        let mut server = Server::new(config, b"id".to_vec());
        server.handle(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
        let (algorithm, public_key) = (algorithm.as_bytes(), key(which).public_key());
        let fields = PublickeyRequest { algorithm, public_key, signature: None };
        server.handle(&request(b"user", b"publickey", &fields)).unwrap();
        server.poll_event().is_some()
    };
    assert!(ask("ssh-ed25519", Key::Ed25519));
    assert!(ask("rsa-sha2-512", Key::Rsa));
    assert!(!ask("rsa-sha2-256", Key::Rsa));
    assert!(!ask("ssh-ed25519", Key::Rsa));
    assert!(!ask("ecdsa-sha2-nistp256", Key::P256));
    assert!(!ask("ssh-ed25519-cert-v01@openssh.com", Key::Ed25519));
}

#[test]
fn a_signature_for_another_session_is_refused() {
    let pair = key(Key::Ed25519);
    let mut client =
        Client::new(ClientConfig::new("user", vec![key_method(Key::Ed25519, false)]), b"another id".to_vec());
    client.start();
    let Some(Event::Sign { data, algorithm, .. }) = client.poll_event() else { unreachable!() };
    client.signature(pair.sign(&algorithm, &data));
    let mut server = server_with(&["publickey"]);
    server.handle(&client.sent()[1]).unwrap();
    assert_eq!(server.poll_event(), None);
    assert_eq!(server.sent(), [failure("publickey")]);
}

#[test]
fn the_server_sends_a_client_away_that_fails_too_often() {
    let mut server = server_with(&["password"]);
    // Asking what there is costs nothing, once.
    server.handle(&request(b"user", b"none", &Rest(b""))).unwrap();
    for _ in 0..5 {
        server.handle(&password(b"wrong")).unwrap();
        server.reject().unwrap();
    }
    server.handle(&password(b"wrong")).unwrap();
    let error = server.reject().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyAttempts);
    assert_eq!(error.disconnect_reason(), Some(disconnect::NO_MORE_AUTH_METHODS_AVAILABLE));
    assert!(server.handle(&password(b"secret")).is_err());
    assert!(server.accept().is_err());
}

#[test]
fn probes_without_an_end_are_ended() {
    let mut server = server_with(&["publickey"]);
    let public_key = key(Key::Ed25519).public_key();
    let fields = PublickeyRequest { algorithm: b"ssh-ed25519", public_key, signature: None };
    let probe = request(b"user", b"publickey", &fields);
    let mut accepted = 0;
    while server.handle(&probe).is_ok() {
        server.accept().unwrap();
        assert_eq!(server.sent(), [pk_ok("ssh-ed25519", public_key)]);
        accepted += 1;
        assert!(accepted < 10_000);
    }
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let mut server = server_with(&["password"]);
    for text in [b"1", b"2", b"3"] {
        server.handle(&password(text)).unwrap();
    }
    for text in [b"1", b"2"] {
        let Some(ServerEvent::Password { password, .. }) = server.poll_event() else { unreachable!() };
        assert_eq!(*password, *text);
        server.reject().unwrap();
    }
    server.accept().unwrap();
    assert_eq!(server.sent(), [failure("password"), failure("password"), success()]);

    let mut server = server_with(&["password"]);
    let sent = (0..1000).take_while(|_| server.handle(&password(b"1")).is_ok()).count();
    assert!(sent < 100);
}

#[test]
fn another_number_of_answers_is_a_failure() {
    for answers in [b"\x3d\0\0\0\0".as_slice(), b"\x3d\0\0\0\x02\0\0\0\0\0\0\0\0"] {
        let mut server = crate::order::server("prompted");
        server.handle(answers).unwrap();
        assert_eq!(server.poll_event(), None);
        assert_eq!(server.sent(), [failure("password,keyboard-interactive,publickey")]);
    }
}

#[test]
fn names_of_users_that_are_not_utf8_are_refused() {
    let mut server = server_with(&["password"]);
    let fields = PasswordRequest { password: b"secret", new_password: None };
    server.handle(&request(b"us\xffr", b"password", &fields)).unwrap();
    assert_eq!(server.poll_event(), None);
    assert_eq!(server.sent(), [failure("password")]);
}

#[test]
fn banners_of_the_server_follow_the_service_accept() {
    let mut server = Server::new(ServerConfig::new(provider(), &["password"]), b"id".to_vec());
    server.banner("early");
    assert_eq!(server.sent(), Vec::<Vec<u8>>::new());
    server.handle(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
    server.banner("later");
    assert_eq!(server.sent(), [service_accept(), banner(b"early"), banner(b"later")]);
}
