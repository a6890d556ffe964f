//! Which message is allowed in which state, as whole tables.

use crate::{
    pair::{Key, PASSWORD, interactive, key, key_method, provider},
    wire::{Flush, banner, change_request, failure, info_request, partial, pk_ok, service_accept, success},
};
use ssh_auth::{Client, ClientConfig, ErrorKind, Event, Method, Prompt, Server, ServerConfig};
use ssh_crypto::Signer;
use ssh_wire::{
    Message, Rest,
    message::{
        auth::{InteractiveRequest, PasswordRequest, UserauthRequest},
        transport::ServiceRequest,
    },
};

/// A client in each of its states; nothing waits to be sent, and the last question has been taken.
pub(crate) const STATES: [&str; 14] = [
    "fresh",
    "requested, nothing sent",
    "requested, password asked for",
    "requested, key probed",
    "none sent",
    "password sent",
    "key probed",
    "signature sent",
    "interactive sent",
    "signature asked for",
    "responses asked for",
    "new password asked for",
    "succeeded",
    "exhausted",
];

pub(crate) fn client(state: &str) -> Client {
    let begin = |method: Method, pipeline| {
        let mut config = ClientConfig::new("user", vec![method]);
        config.pipeline = pipeline;
        let mut client = Client::new(config, b"id".to_vec());
        client.start();
        client
    };
    let accepted = |method: Method| {
        let mut client = begin(method, true);
        client.sent();
        client.handle(&service_accept()).unwrap();
        client
    };
    let ed25519 = key(Key::Ed25519);
    let mut client = match state {
        "fresh" => Client::new(ClientConfig::new("user", vec![PASSWORD]), b"id".to_vec()),
        "requested, nothing sent" => begin(Method::None, false),
        "requested, password asked for" => begin(PASSWORD, true),
        "requested, key probed" => begin(key_method(Key::Ed25519, true), true),
        "none sent" => accepted(Method::None),
        "password sent" => {
            let mut client = accepted(PASSWORD);
            client.password(Some("secret".into()));
            client
        }
        "key probed" => accepted(key_method(Key::Ed25519, true)),
        "signature sent" => {
            let mut client = accepted(key_method(Key::Ed25519, false));
            client.signature(ed25519.sign("ssh-ed25519", b"anything"));
            client
        }
        "interactive sent" => accepted(interactive()),
        "signature asked for" => accepted(key_method(Key::Ed25519, false)),
        "responses asked for" => {
            let mut client = accepted(interactive());
            client.handle(&info_request(&["Password: "])).unwrap();
            client
        }
        "new password asked for" => {
            let mut client = accepted(PASSWORD);
            client.password(Some("secret".into()));
            client.sent();
            client.handle(&change_request()).unwrap();
            client
        }
        "succeeded" => {
            let mut client = accepted(Method::None);
            client.handle(&success()).unwrap();
            client
        }
        "exhausted" => {
            let mut client = accepted(Method::None);
            client.handle(&failure("gssapi-with-mic")).unwrap();
            client
        }
        other => unreachable!("{other}"),
    };
    client.sent();
    while client.poll_event().is_some() {}
    client
}

/// Each message a server could think of.
pub(crate) fn server_messages() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("accept", service_accept()),
        ("failure", failure("password,publickey")),
        ("partial", partial("password,publickey")),
        ("success", success()),
        ("banner", banner(b"welcome")),
        ("pk_ok", pk_ok("ssh-ed25519", key(Key::Ed25519).public_key())),
        ("changereq", change_request()),
        ("info_request", info_request(&["Password: "])),
        ("service_request", ServiceRequest { service: b"ssh-userauth" }.to_payload()),
        ("request", request(b"none", &[])),
        ("info_response", vec![61, 0, 0, 0, 0]),
        ("54", vec![54]),
        ("62", vec![62]),
        ("79", vec![79]),
        ("channel_open", vec![90]),
        ("empty", vec![]),
    ]
}

/// PK_OK and PASSWD_CHANGEREQ have the same fields: while a password is tried either is the latter.
fn allowed_by_client(state: &str) -> &'static [&'static str] {
    match state {
        "fresh" => &[],
        "requested, nothing sent" | "requested, password asked for" | "requested, key probed" => {
            &["accept", "banner"]
        }
        "none sent" | "signature sent" => &["failure", "partial", "success", "banner"],
        "password sent" => &["failure", "partial", "success", "banner", "pk_ok", "changereq"],
        "key probed" => &["failure", "banner", "pk_ok"],
        "interactive sent" => &["failure", "partial", "success", "banner", "info_request"],
        _ => &["banner"],
    }
}

#[test]
fn the_client_takes_only_what_its_state_allows() {
    for state in STATES {
        for (name, message) in server_messages() {
            let mut client = client(state);
            let result = client.handle(&message);
            let allowed = allowed_by_client(state).contains(&name);
            assert_eq!(result.is_ok(), allowed, "{name} while {state}: {result:?}");
            let Err(error) = result else { continue };
            assert_eq!(error.kind(), ErrorKind::Protocol, "{name} while {state}");
            // It stays failed: no answer makes it go on, and nothing is let in.
            client.password(Some("secret".into()));
            client.signature(Ok(vec![0, 0, 0, 0]));
            client.responses(Some(vec!["secret".into()]));
            client.new_password(Some(("secret".into(), "fresh".into())));
            client.resume(vec![PASSWORD]);
            assert_eq!(client.sent(), Vec::<Vec<u8>>::new(), "{name} while {state}");
            assert_eq!(client.poll_event(), None, "{name} while {state}");
            assert!(client.handle(&success()).is_err());
        }
    }
}

#[test]
fn no_answer_comes_before_the_question_has_left() {
    for (name, message) in server_messages() {
        let mut client = Client::new(ClientConfig::new("user", vec![Method::None]), b"id".to_vec());
        client.start();
        // The service request is not sent yet.
        assert_eq!(client.handle(&message).is_ok(), name == "banner", "{name}");

        let mut client = Client::new(ClientConfig::new("user", vec![PASSWORD]), b"id".to_vec());
        client.start();
        client.sent();
        client.handle(&service_accept()).unwrap();
        client.password(Some("secret".into()));
        // The password is not sent yet.
        assert_eq!(client.handle(&message).is_ok(), name == "banner", "{name}");
    }
}

type Answer = fn(&mut Client);

#[test]
fn an_answer_without_its_question_does_nothing() {
    for state in STATES {
        let answers: [(&str, Answer); 4] = [
            ("signature asked for", |client| client.signature(key(Key::Ed25519).sign("ssh-ed25519", b""))),
            ("requested, password asked for", |client| client.password(Some("secret".into()))),
            ("responses asked for", |client| client.responses(Some(vec!["secret".into()]))),
            ("new password asked for", |client| client.new_password(Some(("a".into(), "b".into())))),
        ];
        for (question, answer) in answers {
            let mut client = client(state);
            let attempts = client.attempts().to_vec();
            answer(&mut client);
            let sent = client.sent();
            if state == question {
                assert_eq!(sent.len(), 1, "{question}");
            } else {
                assert_eq!(sent.len(), 0, "answer for {question} while {state}");
                assert_eq!(client.poll_event(), None);
                assert_eq!(client.attempts(), attempts);
            }
        }
    }
}

fn request(method: &[u8], data: &[u8]) -> Vec<u8> {
    UserauthRequest { user: b"user", service: b"ssh-connection", method, data: Rest(data) }.to_payload()
}

fn encoded(value: &impl ssh_wire::Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

pub(crate) const SERVER_STATES: [&str; 7] =
    ["fresh", "accepted", "password asked", "interactive asked", "prompted", "succeeded", "failed"];

pub(crate) fn server(state: &str) -> Server {
    let config = ServerConfig::new(provider(), &["password", "keyboard-interactive", "publickey"]);
    let mut server = Server::new(config, b"id".to_vec());
    if state == "fresh" {
        return server;
    }
    server.handle(&ServiceRequest { service: b"ssh-userauth" }.to_payload()).unwrap();
    let password = encoded(&PasswordRequest { password: b"secret", new_password: None });
    let interactive = encoded(&InteractiveRequest { language: b"", submethods: b"" });
    match state {
        "accepted" => {}
        "password asked" => server.handle(&request(b"password", &password)).unwrap(),
        "interactive asked" => server.handle(&request(b"keyboard-interactive", &interactive)).unwrap(),
        "prompted" => {
            server.handle(&request(b"keyboard-interactive", &interactive)).unwrap();
            server.prompts("", "", &[Prompt { text: "Password: ".to_owned(), echo: false }]).unwrap();
        }
        "succeeded" => {
            server.handle(&request(b"password", &password)).unwrap();
            server.accept().unwrap();
        }
        "failed" => {
            server.handle(&[99]).unwrap_err();
        }
        other => unreachable!("{other}"),
    }
    server.sent();
    server
}

pub(crate) fn client_messages() -> Vec<(&'static str, Vec<u8>)> {
    let mut messages = server_messages();
    messages.push(("password", request(b"password", b"\0\0\0\0\x06secret")));
    messages.push(("answer", b"\x3d\0\0\0\x01\0\0\0\x06secret".to_vec()));
    messages
}

#[test]
fn the_server_takes_only_what_its_state_allows() {
    for state in SERVER_STATES {
        let allowed: &[&str] = match state {
            "fresh" => &["service_request"],
            "accepted" => &["request", "password"],
            // Requests may be sent ahead of the answers.
            "password asked" | "interactive asked" => &["request", "password"],
            "prompted" => &["request", "password", "answer", "info_response"],
            // These are passed over.
            "succeeded" => &["request", "password"],
            _ => &[],
        };
        for (name, message) in client_messages() {
            let mut server = server(state);
            let result = server.handle(&message);
            assert_eq!(result.is_ok(), allowed.contains(&name), "{name} while {state}: {result:?}");
            if result.is_err() {
                assert!(server.accept().is_err(), "{name} while {state}");
                assert_eq!(server.sent(), Vec::<Vec<u8>>::new());
                assert_eq!(server.poll_event(), None);
                assert!(server.handle(&request(b"none", &[])).is_err());
            } else if state == "succeeded" {
                assert_eq!(server.sent(), Vec::<Vec<u8>>::new());
            }
        }
    }
}

/// CVE-2018-10933: nobody gets in but by an answer to a question.
#[test]
fn the_server_accepts_nobody_unasked() {
    for state in SERVER_STATES {
        let is_open = state.ends_with("asked");
        let mut server = server(state);
        assert_eq!(server.accept().is_ok(), is_open, "{state}");
        assert_eq!(server.sent().contains(&success()), is_open, "{state}");
        for answer in [Server::accept, Server::reject, |server: &mut Server| server.partial(&["password"])] {
            let error = answer(&mut server).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{state}");
        }
    }
}

#[test]
fn a_banner_may_come_just_before_success() {
    let mut client = client("password sent");
    client.handle(&banner(b"maintenance tonight")).unwrap();
    client.handle(&success()).unwrap();
    assert_eq!(client.poll_event(), Some(Event::Banner("maintenance tonight".to_owned())));
    assert_eq!(client.poll_event(), Some(Event::Success));
}
